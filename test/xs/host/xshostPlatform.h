/* What XS asks of a platform, answered for the host: Linux on a processor of 32 bits, memory as memory.c gives it.
   XS includes this through -DINCLUDE_XSPLATFORM -DXSPLATFORM='"xshostPlatform.h"'. */
#ifndef XSHOST_PLATFORM_H
#define XSHOST_PLATFORM_H

#ifdef __xtensa__ /* picolibc has neither threads nor loaded libraries */
#define mxLittleEndian 1
#else
#undef mxLinux
#define mxLinux 1
#define mxUseGCCAtomics 1
#define mxUsePOSIXThreads 1
#include <pthread.h>
#endif
#if !defined __i386__ /* words at any address are x86's alone */
#define mxMisalignedSettersCrash 1
#define mxUnalignedAccess 0
#endif
#define mxExport extern
#define mxImport extern
#define XS_FUNCTION_NORETURN __attribute__((noreturn))

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
