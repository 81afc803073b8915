/* The part of a Pico's flash that the SDK keeps for storage, which its own modules do not give to scripts. Addresses
   begin with that part; what is outside of it throws. */
#include "xsmc.h"
#include "xsHost.h"
#include "mc.xs.h"

static uint32_t partition(xsMachine *the, uint32_t at, uint32_t count)
{
	uint32_t offset, size;

	if (!modGetPartition(kPartitionStorage, &offset, &size) || (at > size) || (count > size - at))
		xsRangeError("flash: outside of the storage partition");
	return offset + at;
}

void xs_hearth_flash_bytes(xsMachine *the)
{
	uint32_t offset, size = 0;

	if (!modGetPartition(kPartitionStorage, &offset, &size))
		size = 0;
	xsmcSetInteger(xsResult, (int)size);
}

void xs_hearth_flash_read(xsMachine *the)
{
	uint32_t at = (uint32_t)xsmcToInteger(xsArg(0));
	void *bytes;
	xsUnsignedValue count;

	xsmcGetBufferWritable(xsArg(1), &bytes, &count);
	if (!modSPIRead(partition(the, at, count), count, bytes))
		xsUnknownError("flash: cannot be read");
}

void xs_hearth_flash_program(xsMachine *the)
{
	uint32_t at = (uint32_t)xsmcToInteger(xsArg(0));
	void *bytes;
	xsUnsignedValue count;

	xsmcGetBufferReadable(xsArg(1), &bytes, &count);
	if (!modSPIWrite(partition(the, at, count), count, bytes))
		xsUnknownError("flash: cannot be written");
}

void xs_hearth_flash_erase(xsMachine *the)
{
	uint32_t at = (uint32_t)xsmcToInteger(xsArg(0)) * kFlashSectorSize;

	if (!modSPIErase(partition(the, at, kFlashSectorSize), kFlashSectorSize))
		xsUnknownError("flash: cannot be erased");
}
