enum { TCP_NODELAY = 1 };
