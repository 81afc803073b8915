/* xsDefaults.c as a device's image is linked ("strip": "*"): functions carry no name and no length property. */
#include "xsAll.h"
#define fxNewFunctionLength C_NULL
#define fxNewFunctionName C_NULL
#include "xsDefaults.c"
