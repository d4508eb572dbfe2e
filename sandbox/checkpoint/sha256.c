/*
 * sha256.c - SHA-256 (FIPS 180-4) of one piece of memory; by the CPU's own instructions where it has them.
 *
 * The sentry is linked without a cryptographic library, and needs no more than this.
 */
#include <immintrin.h>

#include "sandbox/base/types.h"
#include "sandbox/checkpoint/image.h"

static const u32 k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static u32 rotate(u32 x, int n)
{
	return x >> n | x << (32 - n);
}

static u32 big_endian(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static void block_plain(u32 h[8], const u8 *p)
{
	u32 w[64], s[8];

	for (int i = 0; i < 16; i++)
		w[i] = big_endian(p + 4 * i);
	for (int i = 16; i < 64; i++) {
		u32 a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
		u32 b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
		w[i] = w[i - 16] + a + w[i - 7] + b;
	}
	memcpy(s, h, sizeof(s));
	for (int i = 0; i < 64; i++) {
		u32 s1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
		u32 t1 = s[7] + s1 + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
		u32 s0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
		u32 t2 = s0 + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
		memmove(s + 1, s, 7 * sizeof(s[0]));
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		h[i] += s[i];
}

/* Four rounds a step; `m` holds the last sixteen words of the schedule, oldest first. The two halves of the
 * state are in the order the instructions want: ABEF and CDGH. */
__attribute__((target("sha,sse4.1,ssse3"))) static void blocks_sha(u32 h[8], const u8 *p, u64 count)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
	__m128i t = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)h), 0xb1);
	__m128i b = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(h + 4)), 0x1b);
	__m128i a = _mm_alignr_epi8(t, b, 8);

	b = _mm_blend_epi16(b, t, 0xf0);
	for (; count; count--, p += 64) {
		__m128i m[4], old_a = a, old_b = b;
		for (int i = 0; i < 4; i++)
			m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i)),
						swap);
		for (int i = 0; i < 16; i++) {
			__m128i x =
			    _mm_add_epi32(m[0], _mm_loadu_si128((const __m128i *)(const void *)(k + 4 * i)));
			__m128i next =
			    _mm_add_epi32(_mm_sha256msg1_epu32(m[0], m[1]), _mm_alignr_epi8(m[3], m[2], 4));
			b = _mm_sha256rnds2_epu32(b, a, x);
			a = _mm_sha256rnds2_epu32(a, b, _mm_shuffle_epi32(x, 0x0e));
			next = _mm_sha256msg2_epu32(next, m[3]);
			m[0] = m[1];
			m[1] = m[2];
			m[2] = m[3];
			m[3] = next;
		}
		a = _mm_add_epi32(a, old_a);
		b = _mm_add_epi32(b, old_b);
	}
	t = _mm_shuffle_epi32(a, 0x1b);
	b = _mm_shuffle_epi32(b, 0xb1);
	_mm_storeu_si128((__m128i *)(void *)h, _mm_blend_epi16(t, b, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)(h + 4), _mm_alignr_epi8(b, t, 8));
}

static bool cpu_has_sha(void)
{
	u32 a = 7, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b >> 29 & 1;
}

static void blocks_plain(u32 h[8], const u8 *p, u64 count)
{
	for (; count; count--, p += 64)
		block_plain(h, p);
}

static void hash(void (*blocks)(u32 h[8], const u8 *p, u64 count), const void *data, u64 size,
		 u8 out[IMAGE_HASH_SIZE])
{
	u32 h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	u64 whole = size / 64, rest = size % 64, tail = rest < 56 ? 64 : 128;
	u8 last[128] = {0};

	blocks(h, data, whole);
	memcpy(last, (const u8 *)data + whole * 64, rest);
	last[rest] = 0x80;
	for (int i = 0; i < 8; i++)
		last[tail - 1 - (u64)i] = (u8)(size * 8 >> (8 * i));
	blocks(h, last, tail / 64);
	for (int i = 0; i < 8; i++)
		for (int j = 0; j < 4; j++)
			out[4 * i + j] = (u8)(h[i] >> (24 - 8 * j));
}

void sha256(const void *data, u64 size, u8 out[IMAGE_HASH_SIZE])
{
	hash(cpu_has_sha() ? blocks_sha : blocks_plain, data, size, out);
}

void sha256_plain(const void *data, u64 size, u8 out[IMAGE_HASH_SIZE])
{
	hash(blocks_plain, data, size, out);
}
