/* Linux's sockets, which picolibc does not know; implemented in linux.c. */
#ifndef SYS_SOCKET_H
#define SYS_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint32_t socklen_t;

struct sockaddr {
	uint16_t sa_family;
	char sa_data[14];
};

enum {
	AF_INET = 2, SOCK_STREAM = 1, SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_SNDBUF = 7, SO_ACCEPTCONN = 30, SHUT_WR = 1,
	MSG_PEEK = 2, MSG_NOSIGNAL = 0x4000
};

int socket(int domain, int type, int protocol);
int bind(int fd, const struct sockaddr* address, socklen_t size);
int listen(int fd, int backlog);
int accept(int fd, struct sockaddr* address, socklen_t* size);
int connect(int fd, const struct sockaddr* address, socklen_t size);
int shutdown(int fd, int how);
int setsockopt(int fd, int level, int name, const void* value, socklen_t size);
int getsockopt(int fd, int level, int name, void* value, socklen_t* size);
int getsockname(int fd, struct sockaddr* address, socklen_t* size);
int getpeername(int fd, struct sockaddr* address, socklen_t* size);
ssize_t recv(int fd, void* bytes, size_t count, int flags);
ssize_t send(int fd, const void* bytes, size_t count, int flags);

#endif
