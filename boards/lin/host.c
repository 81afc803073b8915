/* Runs what mcconfig builds for -p lin without a window: loads mc.so and gives it GLib's main loop.
   usage: host path/to/mc.so. Exit status: 128 + the engine's own when it ends the program (129 memory full).
   Built by scripts/check-boards.mjs against the SDK that $MODDABLE names. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include "screen.h"

static void aborted(txScreen* screen, int status)
{
	exit(128 + status);
}

static void ignore(txScreen* screen) {}
static void ignoreInterval(txScreen* screen, double interval) {}
static void ignoreMessage(txScreen* screen, char* buffer, int size) {}

int main(int count, char** arguments)
{
	void* library = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
	txScreenLaunchProc launch = library ? (txScreenLaunchProc)dlsym(library, "fxScreenLaunch") : NULL;
	txScreen* screen = calloc(1, sizeof(txScreen) + 4);
	if (!launch) {
		fprintf(stderr, "host: %s\n", count == 2 ? dlerror() : "which mc.so?");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN); /* the SDK's sockets don't */
	setvbuf(stdout, NULL, _IOLBF, 0);
	screen->width = screen->height = 1;
	screen->abort = aborted;
	screen->bufferChanged = screen->formatChanged = screen->stop = ignore;
	screen->start = ignoreInterval;
	screen->post = ignoreMessage;
	launch(screen);
	if (screen->machine)
		g_main_loop_run(g_main_loop_new(NULL, FALSE));
	return 1;
}
