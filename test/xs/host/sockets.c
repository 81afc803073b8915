/* TCP on 127.0.0.1 as a device has it: a connection's send buffer lies outside of the JavaScript heaps, takes all or
   nothing, and tells when it has room again. What was written counts until the turn after the system took it, as a
   device counts it until it is acknowledged. */
#include "xshost.h"
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

/* What onIo(fd, events) tells; `watch` takes READ or 0. */
enum { READ = 1, WRITE = 4, BROKEN = 8 };

#define SOCKETS 256

typedef struct {
	/* changes with every use of the descriptor, so that an event of the one before is not taken for this one's; 0: free */
	unsigned serial;
	short watched;
	/* told as BROKEN already, or nobody listens any more */
	short broken;
	/* close() came: what is held still leaves, what arrives is thrown away */
	short closing;
	short connecting;
	/* buffer[0..held) waits for the system; `taken` more bytes count as written until the next turn */
	uint8_t* buffer;
	int held;
	int taken;
} Socket;

static Socket sockets[SOCKETS];
static unsigned lastSerial;
static int sendMax = 5744, kernelMax;

void socketsConfigure(int sendBytes, int kernelBytes)
{
	sendMax = sendBytes;
	kernelMax = kernelBytes;
}

static int adopt(int fd)
{
	int one = 1;
	Socket* s;
	if (fd < 0)
		return -2;
	if (fd >= SOCKETS) {
		close(fd);
		return -2;
	}
	s = &sockets[fd];
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (kernelMax)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kernelMax, sizeof kernelMax);
	*s = (Socket){ .serial = ++lastSerial, .buffer = malloc(sendMax) };
	return fd;
}

static void discard(int fd)
{
	free(sockets[fd].buffer);
	sockets[fd] = (Socket){ 0 };
	close(fd);
}

static int fdArgument(xsMachine* the, int i)
{
	int fd = xsToInteger(xsArg(i));
	if (fd < 0 || fd >= SOCKETS || !sockets[fd].serial || sockets[fd].closing)
		xsRangeError("no such socket");
	return fd;
}

extern int _xsmcGetBuffer(xsMachine* the, xsSlot* slot, void** data, xsUnsignedValue* count, xsBooleanValue writable);

/* The address of argument i, a Uint8Array, from index `start` on, of which `count` bytes must exist. */
static uint8_t* bytesArgument(xsMachine* the, int i, int start, int count, int writable)
{
	void* data;
	xsUnsignedValue size;
	_xsmcGetBuffer(the, &xsArg(i), &data, &size, writable);
	if (start < 0 || count < 0 || (xsUnsignedValue)start + count > size)
		xsRangeError("past the end of the bytes");
	return (uint8_t*)data + start;
}

static void loopback(struct sockaddr_in* address, int port)
{
	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

/* Gives the system what it takes of the held bytes. */
static void flush(int fd)
{
	Socket* s = &sockets[fd];
	ssize_t n;
	if (!s->held || s->connecting)
		return;
	n = send(fd, s->buffer, s->held, MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			s->held = s->taken = 0; /* poll reports the broken connection */
		return;
	}
	s->held -= n;
	s->taken += n;
	memmove(s->buffer, s->buffer + n, s->held);
}

static int freeBytes(const Socket* s)
{
	return sendMax - s->held - s->taken;
}

/* listen(port): a listener on 127.0.0.1, port 0: any; -2: it can't be had */
static void hostListen(xsMachine* the)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address;
	loopback(&address, xsToInteger(xsArg(0)));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr*)&address, sizeof address) || listen(fd, 64)) {
		close(fd);
		fd = -1;
	}
	xsResult = xsInteger(adopt(fd));
}

/* port(fd): the local port */
static void hostPort(xsMachine* the)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int failed = getsockname(fdArgument(the, 0), (struct sockaddr*)&address, &size);
	xsResult = xsInteger(failed ? -2 : ntohs(address.sin_port));
}

/* remote(fd): "address:port" of the peer */
static void hostRemote(xsMachine* the)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	char text[INET_ADDRSTRLEN + 8], ip[INET_ADDRSTRLEN] = "";
	if (getpeername(fdArgument(the, 0), (struct sockaddr*)&address, &size)) {
		xsResult = xsString("");
		return;
	}
	inet_ntop(AF_INET, &address.sin_addr, ip, sizeof ip);
	snprintf(text, sizeof text, "%s:%d", ip, ntohs(address.sin_port));
	xsResult = xsString(text);
}

/* accept(fd): the next connection of a listener; < 0: none */
static void hostAccept(xsMachine* the)
{
	xsResult = xsInteger(adopt(accept(fdArgument(the, 0), NULL, NULL)));
}

/* connect(port): a connection to 127.0.0.1 that is there when onIo tells WRITE; -2: refused */
static void hostConnect(xsMachine* the)
{
	int fd = adopt(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in address;
	loopback(&address, xsToInteger(xsArg(0)));
	if (fd >= 0) {
		sockets[fd].connecting = 1;
		if (connect(fd, (struct sockaddr*)&address, sizeof address) && errno != EINPROGRESS) {
			discard(fd);
			fd = -2;
		}
	}
	xsResult = xsInteger(fd);
}

/* watch(fd, events): READ: tell when bytes or a connection or the end have come; 0: don't */
static void hostWatch(xsMachine* the)
{
	sockets[fdArgument(the, 0)].watched = xsToInteger(xsArg(1)) & READ;
}

/* read(fd, bytes, start, count): how many bytes came, 0: the end, -1: none now, -2: the connection broke */
static void hostRead(xsMachine* the)
{
	int fd = fdArgument(the, 0), start = xsToInteger(xsArg(2)), count = xsToInteger(xsArg(3));
	ssize_t n = recv(fd, bytesArgument(the, 1, start, count, 1), count, 0);
	xsResult = xsInteger(n >= 0 ? (int)n : errno == EAGAIN || errno == EWOULDBLOCK ? -1 : -2);
}

/* readable(fd): bytes that lie in the system, at most a window of them; 0: none, or the end */
static void hostReadable(xsMachine* the)
{
	static uint8_t window[5744];
	ssize_t n = recv(fdArgument(the, 0), window, sizeof window, MSG_PEEK);
	xsResult = xsInteger(n > 0 ? (int)n : 0);
}

/* write(fd, bytes, start, end): takes all, which must not be more than is writable; what is writable after it */
static void hostWrite(xsMachine* the)
{
	int fd = fdArgument(the, 0), start = xsToInteger(xsArg(2)), count = xsToInteger(xsArg(3)) - start;
	uint8_t* bytes = bytesArgument(the, 1, start, count, 0);
	Socket* s = &sockets[fd];
	if (count > freeBytes(s))
		xsRangeError("more bytes than are writable");
	memcpy(s->buffer + s->held, bytes, count);
	s->held += count;
	flush(fd);
	xsResult = xsInteger(freeBytes(s));
}

/* writable(fd): free bytes of the send buffer */
static void hostWritable(xsMachine* the)
{
	xsResult = xsInteger(freeBytes(&sockets[fdArgument(the, 0)]));
}

/* close(fd): ends the connection when what was written has left; nothing is told of it any more */
static void hostClose(xsMachine* the)
{
	int fd = fdArgument(the, 0), listening = 0;
	socklen_t size = sizeof listening;
	Socket* s = &sockets[fd];
	getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
	if (listening || s->broken || s->connecting) {
		discard(fd);
		return;
	}
	s->closing = 1;
	s->watched = 0;
	s->taken = 0;
	if (!s->held)
		shutdown(fd, SHUT_WR);
}

const HostFunction socketFunctions[] = {
	{ "listen", hostListen, 1 }, { "port", hostPort, 1 }, { "remote", hostRemote, 1 }, { "accept", hostAccept, 1 },
	{ "connect", hostConnect, 1 }, { "watch", hostWatch, 2 }, { "read", hostRead, 4 }, { "readable", hostReadable, 1 }, { "write", hostWrite, 4 },
	{ "writable", hostWritable, 1 }, { "close", hostClose, 1 },
};
const int socketFunctionCount = sizeof socketFunctions / sizeof socketFunctions[0];

/* A closed connection: the rest leaves, then the peer's end is awaited. A close() with unread bytes would make the
   system throw away what the peer has not read yet. */
static void finish(int fd, short seen)
{
	Socket* s = &sockets[fd];
	uint8_t waste[4096];
	ssize_t n = -1;
	if (s->held) {
		flush(fd);
		s->taken = 0;
		if (!s->held)
			shutdown(fd, SHUT_WR);
	}
	if (seen & (POLLIN | POLLHUP | POLLERR)) {
		while ((n = recv(fd, waste, sizeof waste, 0)) > 0)
			;
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			discard(fd);
	}
}

/* Turns what poll saw into what the script is told. */
static int eventsOf(int fd, short seen)
{
	Socket* s = &sockets[fd];
	int events = 0;
	if (seen & (POLLERR | POLLHUP)) {
		if (s->watched)
			return READ; /* read() tells how it ended, after the bytes that came before */
		s->broken = 1;
		return BROKEN;
	}
	if (seen & POLLOUT) {
		if (s->connecting)
			events |= WRITE;
		s->connecting = 0;
		flush(fd);
	}
	if (s->taken) {
		s->taken = 0;
		events |= WRITE;
	}
	if ((seen & POLLIN) && s->watched)
		events |= READ;
	return events;
}

int socketsTurn(txMachine* machine, int timeout)
{
	struct pollfd polled[SOCKETS];
	unsigned serials[SOCKETS];
	int count = 0, waiting = 0, i;
	for (i = 0; i < SOCKETS; i++) {
		Socket* s = &sockets[i];
		short events = 0;
		if (!s->serial || s->broken)
			continue;
		if (s->watched || s->closing)
			events |= POLLIN;
		if (s->held || s->connecting)
			events |= POLLOUT;
		if (s->watched || s->held || s->connecting || s->taken)
			waiting = 1;
		if (s->taken && !s->closing)
			timeout = 0;
		serials[count] = s->serial;
		polled[count++] = (struct pollfd){ .fd = i, .events = events };
	}
	if (!waiting && timeout < 0)
		return 0;
	poll(polled, count, timeout);
	for (i = 0; i < count; i++) {
		int fd = polled[i].fd, events;
		if (sockets[fd].serial != serials[i])
			continue;
		if (sockets[fd].closing) {
			finish(fd, polled[i].revents);
			continue;
		}
		events = eventsOf(fd, polled[i].revents);
		if (events)
			callGlobal(machine, "onIo", fd, events);
	}
	return 1;
}
