#ifndef POLL_H
#define POLL_H

struct pollfd {
	int fd;
	short events;
	short revents;
};

typedef unsigned nfds_t;

enum { POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16 };

int poll(struct pollfd* fds, nfds_t count, int timeout);

#endif
