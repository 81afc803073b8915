/* What XS asks of a platform, answered for the host: Linux, 32-bit words, memory as memory.c gives it.
   XS includes this through -DINCLUDE_XSPLATFORM -DXSPLATFORM='"xshostPlatform.h"'. */
#ifndef XSHOST_PLATFORM_H
#define XSHOST_PLATFORM_H

#undef mxLinux
#define mxLinux 1
#define mxExport extern
#define mxImport extern
#define XS_FUNCTION_NORETURN __attribute__((noreturn))

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define mxUseGCCAtomics 1
#define mxUsePOSIXThreads 1
#define mxUseDefaultBuildKeys 1
#define mxUseDefaultParseScript 1
#define mxUseDefaultSharedChunks 1
#define mxUseDefaultFindModule 1
#define mxUseDefaultLoadModule 1

/* pool..poolHigh: the one block that slots and chunks share (option -S); NULL: they have a heap each */
#define mxMachinePlatform \
	uint8_t* pool; \
	uint8_t* poolLow; \
	uint8_t* poolHigh; \
	int promiseJobs; \
	void* waiterCondition; \
	void* waiterData; \
	void* waiterLink;

#endif
