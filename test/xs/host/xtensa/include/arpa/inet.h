#ifndef ARPA_INET_H
#define ARPA_INET_H

#include <netinet/in.h>
#include <stdio.h>

/* the processor is little-endian */
#define htons(x) __builtin_bswap16(x)
#define ntohs(x) __builtin_bswap16(x)
#define htonl(x) __builtin_bswap32(x)
#define ntohl(x) __builtin_bswap32(x)

static inline const char* inet_ntop(int family, const void* address, char* text, socklen_t size)
{
	const uint8_t* b = address;
	snprintf(text, size, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
	return text;
}

#endif
