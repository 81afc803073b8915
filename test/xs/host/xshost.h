/* The parts of xshost and what each offers the others. See xshost.c. */
#ifndef XSHOST_H
#define XSHOST_H

#include "xsAll.h"
#include "xsScript.h"
#include "xs.h"

/* A host function as `host` offers it to scripts. */
typedef struct {
	const char* name;
	xsCallback callback;
	int length;
} HostFunction;

/* ---- xshost.c ---- */

/* Milliseconds of the monotonic clock. */
double hostNow(void);
/* Runs promise jobs until none is left. */
void runJobs(txMachine* the);
/* Calls the script's global function when it is there. */
void callGlobal(txMachine* machine, const char* name, int a, int b);

/* ---- rom.c ---- */

/* Parses a file and maps its names; `flash`: its code and strings are run from where they are, not from the heap.
   Returns NULL after a syntax error, which is on stderr. */
txScript* loadScript(txMachine* the, const char* path, int flash);
void runScript(txMachine* machine, txScript* script);
/* Freezes what the linker of a device's image freezes: call before sharing the machine. */
void freezeRom(txMachine* machine);
/* Keeps the collector of a clone away from the shared machine's chunks: call after sharing it. */
void burnRom(txMachine* the);

/* ---- sockets.c ---- */

extern const HostFunction socketFunctions[];
extern const int socketFunctionCount;
/* `sendBytes` of each connection's send buffer; `kernelBytes` of the system's one behind it, 0: as it is. */
void socketsConfigure(int sendBytes, int kernelBytes);
/* Waits until something happens or `timeout` ms have passed (-1: for ever), then tells the script's onIo.
   Returns 0 when there is nothing to wait for. */
int socketsTurn(txMachine* machine, int timeout);

/* ---- sha256.c ---- */

extern const HostFunction cryptoFunctions[];
extern const int cryptoFunctionCount;

/* ---- resources.c ---- */

extern const HostFunction resourceFunctions[];
extern const int resourceFunctionCount;
/* Where the files are; NULL: there are none. */
void resourcesConfigure(const char* folder);

/* ---- profile.c ---- */

extern const HostFunction profileFunctions[];
extern const int profileFunctionCount;

#endif
