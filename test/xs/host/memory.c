/* Where XS gets its memory: the C heap for the ROM machine and for a RAM machine with a heap each for slots and chunks;
   for a static pool (option -S) one block, in which chunks grow up and slots grow down. */
#include "xshost.h"

void fxCreateMachinePlatform(txMachine* the)
{
	uint8_t** bounds = the->context;
	if (!bounds)
		return;
	the->pool = the->poolLow = bounds[0];
	the->poolHigh = bounds[1];
	the->context = NULL;
}

void fxDeleteMachinePlatform(txMachine* the)
{
}

void* fxAllocateChunks(txMachine* the, txSize size)
{
	txBlock* block = the->firstBlock;
	if (!the->pool)
		return malloc(size);
	if (block) { /* extend the only block; fxGrowChunks then adds `size` to its limit */
		txSize grow = size - (txSize)sizeof(txBlock) - (txSize)(block->limit - block->current);
		if (the->poolLow + grow > the->poolHigh)
			return NULL;
		the->poolLow += grow;
		block->limit = (txByte*)the->poolLow - size;
		the->maximumChunksSize += grow - size;
		return block->limit;
	}
	if (the->poolLow + size > the->poolHigh)
		return NULL;
	the->poolLow += size;
	return the->poolLow - size;
}

txSlot* fxAllocateSlots(txMachine* the, txSize count)
{
	size_t size = (size_t)count * sizeof(txSlot);
	txBlock* block = the->firstBlock;
	if (!the->pool)
		return malloc(size);
	if (the->poolLow + size > the->poolHigh && block) { /* take back what the chunks don't use */
		fxCollect(the, XS_COMPACT_FLAG | XS_ORGANIC_FLAG);
		the->maximumChunksSize -= (txSize)(block->limit - block->current);
		block->limit = block->current;
		the->poolLow = (uint8_t*)block->current;
	}
	if (the->poolLow + size > the->poolHigh)
		return NULL;
	return (txSlot*)(the->poolHigh -= size);
}

void fxFreeChunks(txMachine* the, void* chunks)
{
	if (!the->pool)
		free(chunks);
}

void fxFreeSlots(txMachine* the, void* slots)
{
	if (!the->pool)
		free(slots);
}
