/* SPDX-License-Identifier: MIT
 *
 * digest: the hash functions of the aos library ".crypto", by their specifications: MD2 (RFC 1319), MD4 (1320), MD5 (1321), SHA-1
 * and SHA-2 (FIPS 180-4), SHA-3 and Keccak (FIPS 202; the original Keccak pads with 01), BLAKE2b (RFC 7693).
 *
 * All but MD2 and BLAKE2b pad alike: struct mold tells them apart, and feed() cuts a message into blocks. Messages are
 * in memory as a whole, so there is no need for streaming.
 */
#include "native.h"

#include <string.h>

static uint32_t get32le(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t get32be(const uint8_t *p)
{
	return p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static uint64_t get64le(const uint8_t *p)
{
	return get32le(p) | (uint64_t)get32le(p + 4) << 32;
}

static uint64_t get64be(const uint8_t *p)
{
	return get32be(p + 4) | (uint64_t)get32be(p) << 32;
}

static void put(uint8_t *p, uint64_t n, int bytes, bool big)
{
	for (int i = 0; i < bytes; i++)
		p[big ? bytes - 1 - i : i] = (uint8_t)(n >> 8 * i);
}

static uint32_t rol32(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static uint32_t ror32(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static uint64_t ror64(uint64_t x, int n)
{
	return x >> n | x << (64 - n);
}

/* The state of any of them. */
union state {
	uint32_t w[8];
	uint64_t q[25];
};

/* ---- MD2 ---- */

/* A permutation made of the digits of pi. */
static const uint8_t md2_pi[256] = {
	41,  46,  67,  201, 162, 216, 124, 1,   61,  54,  84,  161, 236, 240, 6,   19,  98,  167, 5,   243, 192, 199,
	115, 140, 152, 147, 43,  217, 188, 76,  130, 202, 30,  155, 87,  60,  253, 212, 224, 22,  103, 66,  111, 24,
	138, 23,  229, 18,  190, 78,  196, 214, 218, 158, 222, 73,  160, 251, 245, 142, 187, 47,  238, 122, 169, 104,
	121, 145, 21,  178, 7,   63,  148, 194, 16,  137, 11,  34,  95,  33,  128, 127, 93,  154, 90,  144, 50,  39,
	53,  62,  204, 231, 191, 247, 151, 3,   255, 25,  48,  179, 72,  165, 181, 209, 215, 94,  146, 42,  172, 86,
	170, 198, 79,  184, 56,  210, 150, 164, 125, 182, 118, 252, 107, 226, 156, 116, 4,   241, 69,  157, 112, 89,
	100, 113, 135, 32,  134, 91,  207, 101, 230, 45,  168, 2,   27,  96,  37,  173, 174, 176, 185, 246, 28,  70,
	97,  105, 52,  64,  126, 15,  85,  71,  163, 35,  221, 81,  175, 58,  195, 92,  249, 206, 186, 197, 234, 38,
	44,  83,  13,  110, 133, 40,  132, 9,   211, 223, 205, 244, 65,  129, 77,  82,  106, 220, 55,  200, 108, 193,
	171, 250, 36,  225, 123, 8,   12,  189, 177, 74,  120, 136, 149, 139, 227, 99,  232, 109, 233, 203, 213, 254,
	59,  0,   29,  57,  242, 239, 183, 14,  102, 88,  208, 228, 166, 119, 114, 248, 235, 117, 75,  10,  49,  68,
	80,  180, 143, 237, 31,  26,  219, 153, 141, 51,  159, 17,  131, 20,
};

static void md2_block(uint8_t x[48], uint8_t sum[16], const uint8_t block[16])
{
	uint8_t t = 0, last = sum[15];

	for (int i = 0; i < 16; i++) {
		x[16 + i] = block[i];
		x[32 + i] = x[16 + i] ^ x[i];
		last = sum[i] ^= md2_pi[block[i] ^ last];
	}
	for (int i = 0; i < 18; i++) {
		for (int k = 0; k < 48; k++)
			t = x[k] ^= md2_pi[t];
		t = (uint8_t)(t + i);
	}
}

static size_t md2(uint8_t *out, const uint8_t *p, size_t len)
{
	uint8_t x[48] = {0}, sum[16] = {0}, last[16];

	for (; len >= 16; p += 16, len -= 16)
		md2_block(x, sum, p);
	memset(last, (int)(16 - len), sizeof(last));
	memcpy(last, p, len);
	md2_block(x, sum, last);
	memcpy(last, sum, sizeof(last));
	md2_block(x, sum, last);
	memcpy(out, x, 16);
	return 16;
}

/* ---- MD4, MD5 ---- */

static void md4_block(union state *s, const uint8_t *p)
{
	static const uint8_t order[3][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
					     {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15},
					     {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15}};
	static const uint8_t turn[3][4] = {{3, 7, 11, 19}, {3, 5, 9, 13}, {3, 9, 11, 15}};
	static const uint32_t add[3] = {0, 0x5a827999, 0x6ed9eba1};
	uint32_t a = s->w[0], b = s->w[1], c = s->w[2], d = s->w[3];

	for (int i = 0; i < 48; i++) {
		int round = i / 16;
		uint32_t f = round == 0 ? (b & c) | (~b & d) : round == 1 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
		uint32_t t = rol32(a + f + get32le(p + 4 * order[round][i % 16]) + add[round], turn[round][i % 4]);
		a = d, d = c, c = b, b = t;
	}
	s->w[0] += a, s->w[1] += b, s->w[2] += c, s->w[3] += d;
}

static const uint32_t md5_sines[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static void md5_block(union state *s, const uint8_t *p)
{
	static const uint8_t turn[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
	static const uint8_t step[4] = {1, 5, 3, 7}, from[4] = {0, 1, 5, 0};
	uint32_t a = s->w[0], b = s->w[1], c = s->w[2], d = s->w[3];

	for (int i = 0; i < 64; i++) {
		int round = i / 16;
		uint32_t f = round == 0   ? (b & c) | (~b & d)
			     : round == 1 ? (d & b) | (~d & c)
			     : round == 2 ? b ^ c ^ d
					  : c ^ (b | ~d);
		uint32_t word = get32le(p + 4 * ((step[round] * i + from[round]) % 16));
		uint32_t t = b + rol32(a + f + word + md5_sines[i], turn[round][i % 4]);
		a = d, d = c, c = b, b = t;
	}
	s->w[0] += a, s->w[1] += b, s->w[2] += c, s->w[3] += d;
}

/* ---- SHA-1, SHA-2 ---- */

static void sha1_block(union state *s, const uint8_t *p)
{
	uint32_t w[80], a = s->w[0], b = s->w[1], c = s->w[2], d = s->w[3], e = s->w[4];

	for (int i = 0; i < 16; i++)
		w[i] = get32be(p + 4 * i);
	for (int i = 16; i < 80; i++)
		w[i] = rol32(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
			     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
			     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
				      : (b ^ c ^ d) + 0xca62c1d6;
		uint32_t t = rol32(a, 5) + f + e + w[i];
		e = d, d = c, c = rol32(b, 30), b = a, a = t;
	}
	s->w[0] += a, s->w[1] += b, s->w[2] += c, s->w[3] += d, s->w[4] += e;
}

/* SHA-512's; the upper halves of the first 64 are SHA-256's. */
static const uint64_t sha2_roots[80] = {
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
	0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
	0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
	0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
	0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
	0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
	0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
	0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
	0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
	0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
	0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
	0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
	0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
	0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static void sha256_block(union state *s, const uint8_t *p)
{
	uint32_t w[64], v[8];

	for (int i = 0; i < 16; i++)
		w[i] = get32be(p + 4 * i);
	for (int i = 16; i < 64; i++) {
		uint32_t x = w[i - 15], y = w[i - 2];
		w[i] = w[i - 16] + (ror32(x, 7) ^ ror32(x, 18) ^ x >> 3) + w[i - 7] +
		       (ror32(y, 17) ^ ror32(y, 19) ^ y >> 10);
	}
	memcpy(v, s->w, sizeof(v));
	for (int i = 0; i < 64; i++) {
		uint32_t e = v[4], a = v[0];
		uint32_t t = v[7] + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25)) + ((e & v[5]) ^ (~e & v[6])) +
			     (uint32_t)(sha2_roots[i] >> 32) + w[i];
		uint32_t u = (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t;
		v[0] = t + u;
	}
	for (int i = 0; i < 8; i++)
		s->w[i] += v[i];
}

static void sha512_block(union state *s, const uint8_t *p)
{
	uint64_t w[80], v[8];

	for (int i = 0; i < 16; i++)
		w[i] = get64be(p + 8 * i);
	for (int i = 16; i < 80; i++) {
		uint64_t x = w[i - 15], y = w[i - 2];
		w[i] = w[i - 16] + (ror64(x, 1) ^ ror64(x, 8) ^ x >> 7) + w[i - 7] +
		       (ror64(y, 19) ^ ror64(y, 61) ^ y >> 6);
	}
	memcpy(v, s->q, sizeof(v));
	for (int i = 0; i < 80; i++) {
		uint64_t e = v[4], a = v[0];
		uint64_t t = v[7] + (ror64(e, 14) ^ ror64(e, 18) ^ ror64(e, 41)) + ((e & v[5]) ^ (~e & v[6])) +
			     sha2_roots[i] + w[i];
		uint64_t u = (ror64(a, 28) ^ ror64(a, 34) ^ ror64(a, 39)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t;
		v[0] = t + u;
	}
	for (int i = 0; i < 8; i++)
		s->q[i] += v[i];
}

/* ---- Keccak ---- */

static const uint64_t keccak_round[24] = {
	0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
	0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
	0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
	0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
	0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static void keccak_permute(uint64_t a[25])
{
	for (int round = 0; round < 24; round++) {
		uint64_t c[5], t;
		for (int x = 0; x < 5; x++)
			c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
		for (int x = 0; x < 5; x++)
			for (int y = 0; y < 25; y += 5)
				a[x + y] ^= c[(x + 4) % 5] ^ ror64(c[(x + 1) % 5], 63);
		t = a[1];
		for (int i = 0, x = 1, y = 0, turn = 0; i < 24; i++) { /* rho and pi: one walk over the lanes */
			int next = y, z = (2 * x + 3 * y) % 5;
			turn += i + 1;
			x = next, y = z;
			uint64_t lane = a[x + 5 * y];
			a[x + 5 * y] = turn % 64 ? ror64(t, 64 - turn % 64) : t;
			t = lane;
		}
		for (int y = 0; y < 25; y += 5) {
			memcpy(c, a + y, sizeof(c));
			for (int x = 0; x < 5; x++)
				a[x + y] = c[x] ^ (~c[(x + 1) % 5] & c[(x + 2) % 5]);
		}
		a[0] ^= keccak_round[round];
	}
}

/* Both sizes that there are absorb whole lanes. */
static void keccak_absorb(union state *s, const uint8_t *p, size_t rate)
{
	for (size_t i = 0; i < rate / 8; i++)
		s->q[i] ^= get64le(p + 8 * i);
	keccak_permute(s->q);
}

static void keccak256_block(union state *s, const uint8_t *p)
{
	keccak_absorb(s, p, 136);
}

static void keccak512_block(union state *s, const uint8_t *p)
{
	keccak_absorb(s, p, 72);
}

/* ---- BLAKE2b ---- */

static const uint64_t blake_start[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
					0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

static void blake_mix(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, uint64_t x, uint64_t y)
{
	*a += *b + x;
	*d = ror64(*d ^ *a, 32);
	*c += *d;
	*b = ror64(*b ^ *c, 24);
	*a += *b + y;
	*d = ror64(*d ^ *a, 16);
	*c += *d;
	*b = ror64(*b ^ *c, 63);
}

static void blake_block(uint64_t h[8], const uint8_t *p, uint64_t count, bool last)
{
	static const uint8_t order[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
					      {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
					      {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
					      {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
					      {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
					      {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
					      {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
					      {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
					      {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
					      {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};
	uint64_t v[16];

	memcpy(v, h, 64);
	memcpy(v + 8, blake_start, 64);
	v[12] ^= count;
	v[14] ^= last ? ~(uint64_t)0 : 0;
	for (int round = 0; round < 12; round++) {
		const uint8_t *o = order[round % 10];
		for (int i = 0; i < 8; i++) {
			int diagonal = i >= 4, k = i % 4;
			blake_mix(&v[k], &v[4 + (k + diagonal) % 4], &v[8 + (k + 2 * diagonal) % 4],
				  &v[12 + (k + 3 * diagonal) % 4], get64le(p + 8 * o[2 * i]),
				  get64le(p + 8 * o[2 * i + 1]));
		}
	}
	for (int i = 0; i < 8; i++)
		h[i] ^= v[i] ^ v[i + 8];
}

/* blake2b(message, size, key): lengths are checked by the caller. */
static int blake2b(lua_State *L)
{
	size_t len, key_len;
	const uint8_t *p = (const uint8_t *)luaL_checklstring(L, 1, &len);
	lua_Integer size = luaL_checkinteger(L, 2);
	const char *key = luaL_checklstring(L, 3, &key_len);
	uint8_t block[128] = {0};
	uint64_t h[8], count = 0;

	luaL_argcheck(L, size >= 1 && size <= 64 && key_len <= 64, 2, "out of range");
	memcpy(h, blake_start, sizeof(h));
	h[0] ^= 0x01010000 ^ (uint64_t)key_len << 8 ^ (uint64_t)size;
	if (key_len) {
		memcpy(block, key, key_len);
		count = 128;
		blake_block(h, block, count, len == 0);
	}
	for (; len > 128; p += 128, len -= 128)
		blake_block(h, p, count += 128, false);
	if (len || !key_len) {
		memset(block, 0, sizeof(block));
		memcpy(block, p, len);
		blake_block(h, block, count + len, true);
	}
	for (int i = 0; i < 8; i++)
		put(block + 8 * i, h[i], 8, false);
	lua_pushlstring(L, (const char *)block, (size_t)size);
	return 1;
}

/* ---- all of one mold ---- */

struct mold {
	const char *name;
	void (*block)(union state *s, const uint8_t *p);
	uint8_t block_size, digest_size, word_size;
	bool big;
	uint8_t pad;      /* the byte after the message */
	uint8_t count_at; /* bytes of the length at the end; 0: the last bit is set instead */
	uint64_t start[8];
};

static const struct mold molds[] = {
	{"md4", md4_block, 64, 16, 4, false, 0x80, 8, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}},
	{"md5", md5_block, 64, 16, 4, false, 0x80, 8, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}},
	{"sha1", sha1_block, 64, 20, 4, true, 0x80, 8, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}},
	{"sha2_256",
	 sha256_block,
	 64,
	 32,
	 4,
	 true,
	 0x80,
	 8,
	 {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}},
	{"sha2_512",
	 sha512_block,
	 128,
	 64,
	 8,
	 true,
	 0x80,
	 16,
	 {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
	  0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179}},
	{"sha3_256", keccak256_block, 136, 32, 8, false, 0x06, 0, {0}},
	{"sha3_512", keccak512_block, 72, 64, 8, false, 0x06, 0, {0}},
	{"keccak256", keccak256_block, 136, 32, 8, false, 0x01, 0, {0}},
	{"keccak512", keccak512_block, 72, 64, 8, false, 0x01, 0, {0}},
};

static void feed(const struct mold *m, union state *s, const uint8_t *p, size_t len)
{
	uint8_t last[272] = {0};
	uint64_t bits = (uint64_t)len * 8;
	size_t size = m->block_size;

	for (; len >= size; p += size, len -= size)
		m->block(s, p);
	memcpy(last, p, len);
	last[len] = m->pad;
	size_t end = len + 1 + m->count_at <= size ? size : 2 * size;
	if (m->count_at)
		put(m->big ? last + end - 8 : last + end - m->count_at, bits, 8, m->big);
	else
		last[end - 1] |= 0x80;
	for (size_t i = 0; i < end; i += size)
		m->block(s, last + i);
}

static size_t run(const struct mold *m, uint8_t *out, const uint8_t *p, size_t len)
{
	union state s = {.q = {0}};

	for (int i = 0; i < 8; i++)
		if (m->word_size == 4)
			s.w[i] = (uint32_t)m->start[i];
		else
			s.q[i] = m->start[i];
	feed(m, &s, p, len);
	for (int i = 0; i < m->digest_size / m->word_size; i++)
		put(out + i * m->word_size, m->word_size == 4 ? s.w[i] : s.q[i], m->word_size, m->big);
	return m->digest_size;
}

/* digest(name, message): the bytes. */
static int digest(lua_State *L)
{
	size_t len, size = 0;
	const char *name = luaL_checkstring(L, 1);
	const uint8_t *p = (const uint8_t *)luaL_checklstring(L, 2, &len);
	uint8_t out[64];

	if (strcmp(name, "md2") == 0)
		size = md2(out, p, len);
	for (size_t i = 0; i < sizeof(molds) / sizeof(*molds); i++)
		if (strcmp(name, molds[i].name) == 0)
			size = run(&molds[i], out, p, len);
	luaL_argcheck(L, size, 1, "unknown digest");
	lua_pushlstring(L, (const char *)out, size);
	return 1;
}

void digest_open(lua_State *L)
{
	static const luaL_Reg functions[] = {{"digest", digest}, {"blake2b", blake2b}, {NULL, NULL}};

	luaL_setfuncs(L, functions, 0);
}
