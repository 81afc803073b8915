#include <sys/types.h>

ssize_t getrandom(void* bytes, size_t count, unsigned flags);
