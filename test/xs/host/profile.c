/* Opcodes by function, native steps included. Only in the profiling host: scripts/xs-build.mjs has the engine call
   profileStep before each opcode. */
#include "xshost.h"

#ifdef HOST_PROFILE

#define FUNCTIONS 1024

typedef struct {
	txSlot* function;
	unsigned opcodes, calls;
} Entry;

static Entry entries[FUNCTIONS];
static int count, current = -1, running;
static txU4 meter;
static txSlot* frameBefore;

static int find(txSlot* function)
{
	int i;
	for (i = 0; i < count; i++)
		if (entries[i].function == function)
			return i;
	if (count == FUNCTIONS)
		return FUNCTIONS - 1;
	entries[count].function = function;
	return count++;
}

/* What was counted since the step before belongs to the function that took that step: native code to its caller. */
void profileStep(txMachine* the, txSlot* frame)
{
	if (!running)
		return;
	if (current >= 0)
		entries[current].opcodes += the->meterIndex - meter;
	meter = the->meterIndex;
	if (frame == frameBefore && current >= 0 && entries[current].function == (frame + 3)->value.reference)
		return;
	current = find((frame + 3)->kind == XS_REFERENCE_KIND ? (frame + 3)->value.reference : NULL);
	if (frame < frameBefore)
		entries[current].calls++;
	frameBefore = frame;
}

static const char* nameOf(txMachine* the, txSlot* function)
{
	const char* name = function && mxIsFunction(function) ? fxGetKeyName(the, mxFunctionInstanceCode(function)->ID) : NULL;
	return name ? name : "?";
}

/* Methods are named with the constructor that their prototype belongs to. */
static const char* classOf(txMachine* the, txSlot* function)
{
	txSlot* home = function && mxIsFunction(function) ? mxFunctionInstanceHome(function)->value.home.object : NULL;
	txSlot* property = home ? home->next : NULL;
	for (; property; property = property->next)
		if (property->ID == mxID(_constructor) && property->kind == XS_REFERENCE_KIND)
			return nameOf(the, property->value.reference);
	return NULL;
}

static void hostProfileStart(xsMachine* the)
{
	count = 0;
	current = -1;
	memset(entries, 0, sizeof entries);
	frameBefore = the->frame;
	running = 1;
}

/* Prints a line of JSON for each function that ran. */
static void hostProfileStop(xsMachine* the)
{
	int i;
	running = 0;
	for (i = 0; i < count; i++) {
		const char* owner = classOf(the, entries[i].function);
		printf("{\"name\":\"%s\",\"function\":\"%s%s%s\",\"opcodes\":%u,\"calls\":%u}\n", xsToString(xsArg(0)),
			owner ? owner : "", owner ? "." : "", nameOf(the, entries[i].function), entries[i].opcodes, entries[i].calls);
	}
}

const HostFunction profileFunctions[] = {
	{ "profileStart", hostProfileStart, 0 }, { "profileStop", hostProfileStop, 1 },
};
const int profileFunctionCount = sizeof profileFunctions / sizeof profileFunctions[0];

#endif
