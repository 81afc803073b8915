#ifndef NETINET_IN_H
#define NETINET_IN_H

#include <sys/socket.h>

struct in_addr {
	uint32_t s_addr;
};

struct sockaddr_in {
	uint16_t sin_family;
	uint16_t sin_port;
	struct in_addr sin_addr;
	char sin_zero[8];
};

enum { IPPROTO_TCP = 6, INET_ADDRSTRLEN = 16 };

#define INADDR_LOOPBACK 0x7f000001

#endif
