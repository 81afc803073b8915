/* Fills an array with the platform's own random bytes, where the SDK's generator is fed by nothing but a C library's
   fixed seed: the Pico SDK's generator, which draws on the ring oscillator, and Linux's. */
#include "xsPlatform.h"
#include "xsmc.h"
#include "mc.xs.h"

#if defined(PICO_BUILD)
#include "pico/rand.h"
#elif defined(__linux__)
#include <sys/random.h>
#else
#error "chance: no source of random bytes is known for this platform"
#endif

void xs_hearth_chance(xsMachine *the)
{
	uint8_t *bytes;
	xsUnsignedValue count;

	xsmcGetBufferWritable(xsArg(0), (void **)&bytes, &count);
#if defined(PICO_BUILD)
	for (xsUnsignedValue i = 0; i < count; i++)
		bytes[i] = (uint8_t)get_rand_32();
#else
	for (xsUnsignedValue at = 0; at < count; ) {
		ssize_t got = getrandom(bytes + at, count - at, 0);
		if (got < 0)
			xsUnknownError("no random bytes");
		at += (xsUnsignedValue)got;
	}
#endif
}
