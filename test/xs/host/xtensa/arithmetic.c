/* 64-bit arithmetic that a compiler for Xtensa expects of libgcc and Debian's lacks, because the chip has it in its
   ROM. __udivmoddi4 and __divmoddi4 are libgcc's. */
typedef unsigned long long u64;
typedef long long s64;

extern u64 __udivmoddi4(u64 a, u64 b, u64* remainder);
extern s64 __divmoddi4(s64 a, s64 b, s64* remainder);

u64 __udivdi3(u64 a, u64 b) { return __udivmoddi4(a, b, 0); }
s64 __divdi3(s64 a, s64 b) { return __divmoddi4(a, b, 0); }

u64 __umoddi3(u64 a, u64 b)
{
	u64 remainder;
	__udivmoddi4(a, b, &remainder);
	return remainder;
}

/* 32 × 32 → 64 bits in halves: the processor has no upper half of a product. */
static u64 multiply(unsigned a, unsigned b)
{
	unsigned al = a & 0xffff, ah = a >> 16, bl = b & 0xffff, bh = b >> 16;
	unsigned low = al * bl, mid = ah * bl + (low >> 16), mid2 = al * bh + (mid & 0xffff);
	return (u64)(ah * bh + (mid >> 16) + (mid2 >> 16)) << 32 | (mid2 << 16 | (low & 0xffff));
}

u64 __muldi3(u64 a, u64 b)
{
	unsigned al = (unsigned)a, ah = (unsigned)(a >> 32), bl = (unsigned)b, bh = (unsigned)(b >> 32);
	return multiply(al, bl) + ((u64)(al * bh + ah * bl) << 32);
}
