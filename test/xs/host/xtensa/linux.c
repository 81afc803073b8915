/* Linux for a program of Xtensa: what the host uses of the system, below picolibc, under qemu-xtensa (user mode).
   The call's number goes in a2, its arguments in a6, a3, a4, a5, a8, a9. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	SYS_open = 8, SYS_close = 9, SYS_read = 12, SYS_write = 13, SYS_lseek = 15, SYS_poll = 16, SYS_fcntl64 = 61,
	SYS_socket = 96, SYS_setsockopt = 97, SYS_getsockopt = 98, SYS_shutdown = 99, SYS_bind = 100, SYS_connect = 101,
	SYS_listen = 102, SYS_accept = 103, SYS_getsockname = 104, SYS_getpeername = 105, SYS_send = 108, SYS_recv = 109,
	SYS_exit_group = 119, SYS_clock_gettime = 245, SYS_getrandom = 338
};

/* The system's numbers where they differ from picolibc's. */
enum { LINUX_EAGAIN = 11, LINUX_EINPROGRESS = 115, LINUX_F_SETFL = 4, LINUX_O_NONBLOCK = 04000 };

static long call(long number, long a, long b, long c, long d, long e)
{
	register long a2 __asm__("a2") = number;
	register long a6 __asm__("a6") = a;
	register long a3 __asm__("a3") = b;
	register long a4 __asm__("a4") = c;
	register long a5 __asm__("a5") = d;
	register long a8 __asm__("a8") = e;
	__asm__ volatile("syscall" : "+r"(a2) : "r"(a6), "r"(a3), "r"(a4), "r"(a5), "r"(a8) : "memory");
	if (a2 >= 0 || a2 <= -4096)
		return a2;
	errno = -a2 == LINUX_EAGAIN ? EAGAIN : -a2 == LINUX_EINPROGRESS ? EINPROGRESS : -a2;
	return -1;
}

void _exit(int status)
{
	for (;;)
		call(SYS_exit_group, status, 0, 0, 0, 0);
}

/* Scripts are only read. */
int open(const char* path, int flags, ...) { return call(SYS_open, (long)path, 0, 0, 0, 0); }
int close(int fd) { return call(SYS_close, fd, 0, 0, 0, 0); }
ssize_t read(int fd, void* bytes, size_t n) { return call(SYS_read, fd, (long)bytes, n, 0, 0); }
ssize_t write(int fd, const void* bytes, size_t n) { return call(SYS_write, fd, (long)bytes, n, 0, 0); }
off_t lseek(int fd, off_t offset, int whence) { return call(SYS_lseek, fd, offset, whence, 0, 0); }
int getpid(void) { return 1; }
int kill(int pid, int signal) { _exit(128 + signal); }
void (*signal(int number, void (*handler)(int)))(int) { return NULL; } /* send() is told not to raise SIGPIPE */

/* The host makes sockets not block, and nothing else. */
int fcntl(int fd, int command, ...)
{
	return call(SYS_fcntl64, fd, LINUX_F_SETFL, LINUX_O_NONBLOCK, 0, 0);
}

int socket(int domain, int type, int protocol) { return call(SYS_socket, domain, type, protocol, 0, 0); }
int listen(int fd, int backlog) { return call(SYS_listen, fd, backlog, 0, 0, 0); }
int shutdown(int fd, int how) { return call(SYS_shutdown, fd, how, 0, 0, 0); }
int bind(int fd, const struct sockaddr* a, socklen_t n) { return call(SYS_bind, fd, (long)a, n, 0, 0); }
int connect(int fd, const struct sockaddr* a, socklen_t n) { return call(SYS_connect, fd, (long)a, n, 0, 0); }
int accept(int fd, struct sockaddr* a, socklen_t* n) { return call(SYS_accept, fd, (long)a, (long)n, 0, 0); }
int getsockname(int fd, struct sockaddr* a, socklen_t* n) { return call(SYS_getsockname, fd, (long)a, (long)n, 0, 0); }
int getpeername(int fd, struct sockaddr* a, socklen_t* n) { return call(SYS_getpeername, fd, (long)a, (long)n, 0, 0); }
ssize_t send(int fd, const void* bytes, size_t n, int flags) { return call(SYS_send, fd, (long)bytes, n, flags, 0); }
ssize_t recv(int fd, void* bytes, size_t n, int flags) { return call(SYS_recv, fd, (long)bytes, n, flags, 0); }
int poll(struct pollfd* fds, nfds_t n, int timeout) { return call(SYS_poll, (long)fds, n, timeout, 0, 0); }

int setsockopt(int fd, int level, int name, const void* value, socklen_t n)
{
	return call(SYS_setsockopt, fd, level, name, (long)value, n);
}

int getsockopt(int fd, int level, int name, void* value, socklen_t* n)
{
	return call(SYS_getsockopt, fd, level, name, (long)value, (long)n);
}

ssize_t getrandom(void* bytes, size_t n, unsigned flags) { return call(SYS_getrandom, (long)bytes, n, flags, 0, 0); }

int clock_gettime(clockid_t clock, struct timespec* time)
{
	int32_t value[2];
	long result = call(SYS_clock_gettime, clock == CLOCK_REALTIME ? 0 : 1, (long)value, 0, 0, 0);
	time->tv_sec = value[0];
	time->tv_nsec = value[1];
	return result;
}

int gettimeofday(struct timeval* value, void* zone)
{
	struct timespec time;
	clock_gettime(CLOCK_REALTIME, &time);
	value->tv_sec = time.tv_sec;
	value->tv_usec = time.tv_nsec / 1000;
	return 0;
}

/* For the ROM machine and the conformance tests; the device's heaps are bounded by the engine. The pages exist when
   they are used. */
static char heap[HEAP_BYTES];

void* sbrk(ptrdiff_t bytes)
{
	static char* end = heap;
	char* start = end;
	if (bytes > heap + sizeof heap - end) {
		errno = ENOMEM;
		return (void*)-1;
	}
	end += bytes;
	return start;
}

static char line[512];
static int lineBytes;

static int flushLine(FILE* file)
{
	int written = 0;
	while (written < lineBytes) {
		ssize_t n = write(1, line + written, lineBytes - written);
		if (n <= 0)
			break;
		written += n;
	}
	lineBytes = 0;
	return 0;
}

static int putOut(char c, FILE* file)
{
	line[lineBytes++] = c;
	if (c == '\n' || lineBytes == sizeof line)
		flushLine(file);
	return (unsigned char)c;
}

static int putError(char c, FILE* file)
{
	write(2, &c, 1);
	return (unsigned char)c;
}

static FILE out = FDEV_SETUP_STREAM(putOut, NULL, flushLine, _FDEV_SETUP_WRITE);
static FILE errors = FDEV_SETUP_STREAM(putError, NULL, NULL, _FDEV_SETUP_WRITE);
static FILE in = FDEV_SETUP_STREAM(NULL, NULL, NULL, _FDEV_SETUP_READ);
FILE* const stdin = &in;
FILE* const stdout = &out;
FILE* const stderr = &errors;

int setvbuf(FILE* file, char* buffer, int mode, size_t bytes) { return 0; } /* by lines, as above */

extern int main(int count, char** arguments);

/* The stack begins with the arguments: how many, then their addresses. */
void start(long* stack) { exit(main(stack[0], (char**)(stack + 1))); }

__asm__(".section .text.start,\"ax\"\n.global _start\n.align 4\n_start:\n\tmov a2, a1\n\tmovi a0, 0\n\tj start\n.text\n");
