/* xshost: runs a script bundle on the XS engine with the memory of a microcontroller.

   xshost [options] main.js
     -p FILE      preload: run FILE in a large "ROM" machine that is then frozen and shared (may repeat)
     -c BYTES     chunk heap, fixed size            (ESP32, default: 78848)
     -s COUNT     slot heap, fixed size, in slots   (ESP32, default: 4928 = 78848 bytes)
     -S BYTES     one static pool shared by slots and chunks, which grow in it; -c and -s after it: what they begin with
     -k COUNT     value stack, in slots             (ESP32, default: 512; with -S: 384)
     -K COUNT     property keys that may be added at run time (ESP32, default: 32, grows by 32)
     -b BYTES     send buffer of a connection       (default: 5744)
     -r FOLDER    files that lie in the device's flash
     -f FILE      where what host.keep is given outlives the process
     -w BYTES     the system's send buffer behind it (default: as the system has it)
     -x           main.js is compiled to the heap (code in RAM) instead of executed "from flash"
     -n           leave built-ins and preloaded objects mutable (unlike a device)
     -v           statistics on stderr at exit, one line of JSON

   Exit status: host.exit(n); 2 an unusable option or file; 3 a script that the parser cannot take;
   10 + the engine's abort status otherwise (11 memory full, 12 stack overflow, 15 unhandled exception or syntax error,
   16 no more keys, 18 unhandled rejection).

   The script finds `print` and `host` (see test/xs/host.d.ts), TextDecoder and TextEncoder, and defines
   globalThis.onIo(fd, events) and globalThis.onTimer(). The process ends when there is nothing to wait for. Before
   the engine ends it, globalThis.abort(reason, exception) is called, as the SDK does where xs.abortHook is defined. */
#include "xshost.h"
#include <signal.h>
#include <sys/random.h>

#define PRELOADS 16

static double deadline = -1;
static int exitStatus = -1, verbose;
static const char* keptFile;
static int bootSlots, bootChunks, bootAliases, romSlots, romChunks;

double hostNow(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000.0 + time.tv_nsec / 1e6;
}

/* How many preloaded objects were copied to RAM because somebody wrote to them. */
static int aliasesTouched(txMachine* the)
{
	int i, touched = 0;
	for (i = 0; i < the->aliasCount; i++)
		if (the->aliasArray[i])
			touched++;
	return touched;
}

static void report(txMachine* the)
{
#ifndef HOST_RELEASE
	if (!verbose || !the)
		return;
	fprintf(stderr, "{\"slotBytes\":%d,\"bootSlots\":%d,\"bootChunks\":%d,\"slots\":%d,\"maxSlots\":%d,",
		(int)sizeof(txSlot), bootSlots, bootChunks, (int)the->currentHeapCount, (int)the->maximumHeapCount);
	fprintf(stderr, "\"chunks\":%d,\"peakChunks\":%d,\"maxChunks\":%d,\"stackPeak\":%d,\"stackSlots\":%d,",
		(int)the->currentChunksSize, (int)the->peakChunksSize, (int)the->maximumChunksSize,
		(int)(the->stackTop - the->stackPeak), (int)(the->stackTop - the->stackBottom));
	fprintf(stderr, "\"keys\":%d,\"aliases\":%d,\"aliasesTouched\":%d,\"gc\":%d,\"romSlots\":%d,\"romChunks\":%d}\n",
		(int)(the->keyIndex - the->keyOffset), (int)the->aliasCount, aliasesTouched(the) - bootAliases,
		(int)the->garbageCollectionCount, romSlots, romChunks);
#endif
}

/* As the SDK's fxAbort does. The engine is in the middle of something: what allocates may end here again. */
static void callAbort(txMachine* the, const char* reason)
{
	fxBeginHost(the);
	mxPush(mxException);
	txSlot* exception = the->stack;
	mxException.kind = XS_UNDEFINED_KIND;
	mxTry(the) {
		txID id = fxFindName(the, "abort");
		mxPush(mxGlobal);
		if (id != XS_NO_ID && fxHasID(the, id)) {
			mxPush(mxGlobal);
			fxCallID(the, id);
			mxPushStringC((char*)reason);
			mxPushSlot(exception);
			fxRunCount(the, 2);
			mxPop();
		}
	}
	mxCatch(the) {
	}
	mxException = *exception;
	fxEndHost(the);
}

void fxAbort(txMachine* the, int status)
{
	static const char* const names[] = { "debugger", "memory full", "stack overflow", "fatal", "dead strip",
		"unhandled exception", "no more keys", "too much computation", "unhandled rejection" };
	fflush(stdout);
	if (status != XS_STACK_OVERFLOW_EXIT)
		callAbort(the, (unsigned)status < 9 ? names[status] : "abort");
	fflush(stdout);
	if (status == XS_UNHANDLED_EXCEPTION_EXIT || status == XS_UNHANDLED_REJECTION_EXIT)
		fprintf(stderr, "xshost: %s: %s\n", names[status], fxToString(the, &mxException));
	else
		fprintf(stderr, "xshost: %s\n", (unsigned)status < 9 ? names[status] : "abort");
	report(the);
	_exit(10 + status);
}

void fxQueuePromiseJobs(txMachine* the)
{
	the->promiseJobs = 1;
}

void runJobs(txMachine* the)
{
	while (the->promiseJobs) {
		the->promiseJobs = 0;
		fxRunPromiseJobs(the);
	}
	fxEndJob(the);
}

void callGlobal(txMachine* machine, const char* name, int a, int b)
{
	if (exitStatus >= 0)
		return;
	xsBeginHost(machine);
	if (xsHas(xsGlobal, xsID(name)))
		xsCall2(xsGlobal, xsID(name), xsInteger(a), xsInteger(b));
	xsEndHost(machine);
	runJobs(machine);
}

/* ---- host functions ---- */

static void hostPrint(xsMachine* the)
{
	int count = xsToInteger(xsArgc), i;
	for (i = 0; i < count; i++)
		printf("%s%s", i ? " " : "", xsToString(xsArg(i)));
	putchar('\n');
}

static void hostRandom(xsMachine* the)
{
	uint32_t value;
	if (getrandom(&value, sizeof value, 0) != sizeof value)
		xsUnknownError("no random numbers");
	xsResult = xsNumber(value);
}

static void hostMeter(xsMachine* the)
{
#ifdef XS_CODE_METERING
	xsResult = xsNumber((double)(the->meterIndex >> 16));
#elif !defined HOST_RELEASE
	xsResult = xsNumber((double)the->meterIndex);
#endif
}

static void hostSetTimer(xsMachine* the)
{
	double ms = xsToNumber(xsArg(0));
	deadline = ms < 0 ? -1 : hostNow() + ms;
}

/* Lines of "domain key value", a string's value behind a quotation mark; the last one counts. */
static char kept[4096];
static size_t keptBytes;

static void readKept(void)
{
	FILE* file = keptFile ? fopen(keptFile, "r") : NULL;
	if (!file)
		return;
	keptBytes = fread(kept, 1, sizeof kept - 1, file);
	fclose(file);
}

static void hostKeep(xsMachine* the)
{
	const char* quote = xsTypeOf(xsArg(2)) == xsStringType || xsTypeOf(xsArg(2)) == xsStringXType ? "\"" : "";
	size_t room = sizeof kept - keptBytes, bytes = snprintf(kept + keptBytes, room, "%s ", xsToString(xsArg(0)));
	FILE* file;
	if (bytes < room)
		bytes += snprintf(kept + keptBytes + bytes, room - bytes, "%s ", xsToString(xsArg(1)));
	if (bytes < room)
		bytes += snprintf(kept + keptBytes + bytes, room - bytes, "%s%s\n", quote, xsToString(xsArg(2)));
	if (bytes >= room)
		xsUnknownError("too much to keep");
	if (keptFile && (file = fopen(keptFile, "a"))) {
		fwrite(kept + keptBytes, 1, bytes, file);
		fclose(file);
	}
	keptBytes += bytes;
}

static void hostKept(xsMachine* the)
{
	const char *line = kept, *end, *found = NULL;
	char name[128];
	size_t length = snprintf(name, sizeof name, "%s ", xsToString(xsArg(0)));
	length += snprintf(name + length, sizeof name - length, "%s ", xsToString(xsArg(1)));
	for (; (end = memchr(line, '\n', kept + keptBytes - line)); line = end + 1)
		if (!strncmp(line, name, length))
			found = line + length;
	if (found)
		xsResult = xsStringBuffer((char*)found, strcspn(found, "\n"));
}

static void hostTime(xsMachine* the) { xsResult = xsNumber(hostNow()); }
static void hostExit(xsMachine* the) { exitStatus = xsToInteger(xsArg(0)); }
static void hostGc(xsMachine* the) { xsCollectGarbage(); }
#ifdef HOST_RELEASE
static void hostGcs(xsMachine* the) {}
#else
static void hostGcs(xsMachine* the) { xsResult = xsInteger(the->garbageCollectionCount); }
#endif
static void hostSlots(xsMachine* the) { xsResult = xsInteger(the->currentHeapCount); }
static void hostChunks(xsMachine* the) { xsResult = xsInteger(the->currentChunksSize); }
static void hostSlotSize(xsMachine* the) { xsResult = xsInteger(sizeof(txSlot)); }
static void hostTouched(xsMachine* the) { xsResult = xsInteger(aliasesTouched(the) - bootAliases); }

static const HostFunction functions[] = {
	{ "print", hostPrint, 0 }, { "now", hostTime, 0 }, { "random", hostRandom, 0 }, { "exit", hostExit, 1 },
	{ "setTimer", hostSetTimer, 1 }, { "meter", hostMeter, 0 }, { "slots", hostSlots, 0 }, { "chunks", hostChunks, 0 },
	{ "slotSize", hostSlotSize, 0 }, { "gc", hostGc, 0 }, { "gcs", hostGcs, 0 }, { "touched", hostTouched, 0 },
	{ "keep", hostKeep, 3 }, { "kept", hostKept, 2 },
};

static void define(xsMachine* the, const HostFunction* list, int count)
{
	for (; count; count--, list++) {
		xsVar(1) = xsNewHostFunction(list->callback, list->length);
		xsDefine(xsVar(0), xsID(list->name), xsVar(1), xsDontEnum);
	}
}

extern void modInstallTextDecoder(xsMachine* the);
extern void modInstallTextEncoder(xsMachine* the);

static void install(xsMachine* machine)
{
	xsBeginHost(machine);
	xsVars(2);
	xsVar(0) = xsNewObject();
	define(the, functions, sizeof functions / sizeof functions[0]);
	define(the, socketFunctions, socketFunctionCount);
	define(the, cryptoFunctions, cryptoFunctionCount);
	define(the, resourceFunctions, resourceFunctionCount);
#ifdef HOST_PROFILE
	define(the, profileFunctions, profileFunctionCount);
#endif
	xsDefine(xsGlobal, xsID("host"), xsVar(0), xsDontEnum);
	xsVar(1) = xsGet(xsVar(0), xsID("print"));
	xsDefine(xsGlobal, xsID("print"), xsVar(1), xsDontEnum);
	xsEndHost(machine);
	modInstallTextDecoder(machine);
	modInstallTextEncoder(machine);
}

/* ---- options and the event loop ---- */

typedef struct {
	xsCreation ram;
	const char* preloads[PRELOADS];
	int preloadCount;
	const char* main;
	int poolBytes, sendBytes, kernelBytes, flash, freeze;
} Options;

/* The layout of the devices with a static pool: slots and chunks grow towards each other in small steps. */
static void useStaticPool(Options* o, int bytes)
{
	o->poolBytes = bytes;
	o->ram.initialChunkSize = 1536;
	o->ram.incrementalChunkSize = 512;
	o->ram.initialHeapCount = 512;
	o->ram.incrementalHeapCount = 64;
	o->ram.stackCount = 384;
}

/* Returns 0, or 2 when an option is unusable. */
static int readOptions(Options* o, int argc, char** argv)
{
	int c;
	while ((c = getopt(argc, argv, "p:c:s:S:k:K:b:w:r:f:xnv")) != -1) switch (c) {
	case 'p':
		if (o->preloadCount == PRELOADS)
			return 2;
		o->preloads[o->preloadCount++] = optarg;
		break;
	case 'c': o->ram.initialChunkSize = atoi(optarg); break;
	case 's': o->ram.initialHeapCount = atoi(optarg); break;
	case 'S': useStaticPool(o, atoi(optarg)); break;
	case 'k': o->ram.stackCount = atoi(optarg); break;
	case 'K':
		o->ram.initialKeyCount = atoi(optarg);
		o->ram.incrementalKeyCount = 0;
		break;
	case 'b': o->sendBytes = atoi(optarg); break;
	case 'w': o->kernelBytes = atoi(optarg); break;
	case 'r': resourcesConfigure(optarg); break;
	case 'f': keptFile = optarg; break;
	case 'x': o->flash = 0; break;
	case 'n': o->freeze = 0; break;
	case 'v': verbose = 1; break;
	default: return 2;
	}
	if (optind != argc - 1) {
		fprintf(stderr, "xshost: one script, please; options come before it\n");
		return 2;
	}
	o->main = argv[optind];
	return 0;
}

/* Loads everything, runs the preloads in the ROM machine, and clones the RAM machine from it.
   The main script is loaded before, too: its names are the image's and take no keys at run time. */
static txMachine* boot(Options* o, txScript** mainScript)
{
	xsCreation rom = { 16 << 20, 4 << 20, 512 * 1024, 64 * 1024, 4096, 4096, 1024, 1993, 127, 1 << 20, 1993 };
	uint8_t* pool[2] = { NULL, NULL };
	txScript* scripts[PRELOADS];
	txMachine *root, *machine;
	int i;
	rom.nameModulo = o->ram.nameModulo; /* the clone copies these tables */
	rom.symbolModulo = o->ram.symbolModulo;
	fxInitializeSharedCluster();
	root = xsCreateMachine(&rom, "rom", NULL);
	install(root);
	for (i = 0; i < o->preloadCount; i++)
		if (!(scripts[i] = loadScript(root, o->preloads[i], 1)))
			exit(3);
	if (!(*mainScript = loadScript(root, o->main, o->flash)))
		exit(3);
	fxID(root, "onIo");
	fxID(root, "onTimer");
	for (i = 0; i < o->preloadCount; i++)
		runScript(root, scripts[i]);
	if (o->freeze)
		freezeRom(root);
	fxCollectGarbage(root);
	xsShareMachine(root);
	burnRom(root);
	romSlots = root->currentHeapCount;
	romChunks = root->currentChunksSize;
	if (o->poolBytes) {
		pool[0] = malloc(o->poolBytes);
		pool[1] = pool[0] + o->poolBytes;
	}
	machine = xsCloneMachine(&o->ram, root, "ram", o->poolBytes ? pool : NULL);
	if (!machine) {
		fprintf(stderr, "xshost: no machine\n");
		exit(11);
	}
	bootSlots = machine->currentHeapCount;
	bootChunks = machine->currentChunksSize;
	bootAliases = aliasesTouched(machine);
	return machine;
}

static void loop(txMachine* machine)
{
	while (exitStatus < 0) {
		int timeout = -1;
		if (deadline >= 0) {
			double left = deadline - hostNow();
			timeout = left <= 0 ? 0 : (int)ceil(left);
		}
		if (!socketsTurn(machine, timeout))
			return;
		if (deadline >= 0 && hostNow() >= deadline) {
			deadline = -1;
			callGlobal(machine, "onTimer", 0, 0);
		}
	}
}

int main(int argc, char* argv[])
{
	Options options = {
		.ram = { 78848, 0, 4928, 0, 512, 32, 32, 53, 3, 1024, 17 }, .sendBytes = 5744, .flash = 1, .freeze = 1
	};
	txScript* script;
	txMachine* machine;
	int status = readOptions(&options, argc, argv);
	if (status)
		return status;
	readKept();
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	socketsConfigure(options.sendBytes, options.kernelBytes);
	machine = boot(&options, &script);
	runScript(machine, script);
	loop(machine);
	xsBeginHost(machine);
	fxCheckUnhandledRejections(the, 1); /* a device notices only when the promise is collected */
	xsEndHost(machine);
	report(machine);
	return exitStatus < 0 ? 0 : exitStatus;
}
