/* SPDX-License-Identifier: MIT
 *
 * cipher: the ciphers of the aos library ".crypto": AES (FIPS 197) in five modes, ISAAC (Jenkins 1996), and the authenticated
 * MORUS-1280 v2 (Wu, Huang 2016) and NORX64-4-1 v3 (Aumasson, Jovanovic, Neves 2016), by their specifications.
 *
 * What is peculiar about them here is interface (ref/aos-module 10.7): AES feeds the iv as the first block, also in
 * ECB; texts are filled with zero bytes.
 */
#include "native.h"

#include <string.h>

static uint64_t get64(const uint8_t *p)
{
	uint64_t n = 0;

	for (int i = 7; i >= 0; i--)
		n = n << 8 | p[i];
	return n;
}

static void put64(uint8_t *p, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(n >> 8 * i);
}

/* ---- AES ---- */

enum { BLOCK = 16, ROUNDS_MAX = 14 };

struct aes {
	int rounds;
	uint8_t keys[ROUNDS_MAX + 1][BLOCK];
};

static uint8_t sbox[256], unbox[256];

static uint8_t twice(uint8_t x)
{
	return (uint8_t)(x << 1 ^ (x & 0x80 ? 0x1b : 0));
}

static uint8_t times(uint8_t x, uint8_t n)
{
	uint8_t sum = 0;

	for (; n; n >>= 1, x = twice(x))
		if (n & 1)
			sum ^= x;
	return sum;
}

/* The substitution is an inverse in GF(256) and an affine map; 3 generates the field, f6 is its inverse. */
static void make_boxes(void)
{
	uint8_t p = 1, q = 1;

	if (sbox[0])
		return;
	do {
		p = times(p, 3);
		q = times(q, 0xf6);
		uint8_t x = q;
		for (int i = 1; i < 5; i++)
			x ^= (uint8_t)(q << i | q >> (8 - i));
		sbox[p] = x ^ 0x63;
		unbox[x ^ 0x63] = p;
	} while (p != 1);
	sbox[0] = 0x63;
	unbox[0x63] = 0;
}

static void aes_init(struct aes *a, const uint8_t *key, int bits)
{
	int words = bits / 32;
	uint8_t(*w)[4] = (uint8_t(*)[4])a->keys, round = 1;

	make_boxes();
	a->rounds = words + 6;
	memcpy(w, key, (size_t)bits / 8);
	for (int i = words; i < 4 * (a->rounds + 1); i++) {
		uint8_t t[4];
		memcpy(t, w[i - 1], 4);
		if (i % words == 0) {
			uint8_t first = t[0];
			t[0] = sbox[t[1]] ^ round;
			t[1] = sbox[t[2]];
			t[2] = sbox[t[3]];
			t[3] = sbox[first];
			round = twice(round);
		} else if (words == 8 && i % words == 4) {
			for (int k = 0; k < 4; k++)
				t[k] = sbox[t[k]];
		}
		for (int k = 0; k < 4; k++)
			w[i][k] = w[i - words][k] ^ t[k];
	}
}

static void add_key(uint8_t *s, const uint8_t *key)
{
	for (int i = 0; i < BLOCK; i++)
		s[i] ^= key[i];
}

/* Bytes stand in columns; row r moves by r columns. */
static void substitute_and_shift(uint8_t *s, const uint8_t *box, int direction)
{
	uint8_t t[BLOCK];

	for (int c = 0; c < 4; c++)
		for (int r = 0; r < 4; r++)
			t[4 * c + r] = box[s[4 * ((c + direction * r + 4) % 4) + r]];
	memcpy(s, t, BLOCK);
}

static void mix(uint8_t *s, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	for (int i = 0; i < BLOCK; i += 4) {
		uint8_t t[4];
		memcpy(t, s + i, 4);
		for (int r = 0; r < 4; r++)
			s[i + r] = times(t[r], a) ^ times(t[(r + 1) % 4], b) ^ times(t[(r + 2) % 4], c) ^
				   times(t[(r + 3) % 4], d);
	}
}

static void aes_encrypt(const struct aes *a, uint8_t *s)
{
	add_key(s, a->keys[0]);
	for (int i = 1; i <= a->rounds; i++) {
		substitute_and_shift(s, sbox, 1);
		if (i < a->rounds)
			mix(s, 2, 3, 1, 1);
		add_key(s, a->keys[i]);
	}
}

static void aes_decrypt(const struct aes *a, uint8_t *s)
{
	for (int i = a->rounds; i >= 1; i--) {
		add_key(s, a->keys[i]);
		if (i < a->rounds)
			mix(s, 14, 11, 13, 9);
		substitute_and_shift(s, unbox, -1);
	}
	add_key(s, a->keys[0]);
}

enum mode { CBC, ECB, CFB, OFB, CTR };

static void count_up(uint8_t *counter)
{
	for (int i = BLOCK - 1; i >= 8 && ++counter[i] == 0; i--)
		;
}

/* One block in place; `chain` begins as the iv. */
static void crypt_block(const struct aes *a, enum mode mode, bool decrypt, uint8_t *s, uint8_t *chain)
{
	uint8_t before[BLOCK];

	memcpy(before, s, BLOCK);
	switch (mode) {
	case ECB:
		decrypt ? aes_decrypt(a, s) : aes_encrypt(a, s);
		break;
	case CBC:
		if (decrypt) {
			aes_decrypt(a, s);
			add_key(s, chain);
			memcpy(chain, before, BLOCK);
		} else {
			add_key(s, chain);
			aes_encrypt(a, s);
			memcpy(chain, s, BLOCK);
		}
		break;
	case CFB:
		aes_encrypt(a, chain);
		add_key(s, chain);
		memcpy(chain, decrypt ? before : s, BLOCK);
		break;
	case OFB:
		aes_encrypt(a, chain);
		add_key(s, chain);
		break;
	case CTR:
		memcpy(before, chain, BLOCK);
		aes_encrypt(a, before);
		add_key(s, before);
		count_up(chain);
		break;
	}
}

/* aes(decrypt, text, key, iv, mode, bits): whole blocks, the last one filled with zeros. */
static int aes(lua_State *L)
{
	static const char *const modes[] = {"CBC", "ECB", "CFB", "OFB", "CTR", NULL};
	bool decrypt = lua_toboolean(L, 1);
	size_t len, key_len, iv_len, at = 0;
	const char *text = luaL_checklstring(L, 2, &len), *key = luaL_checklstring(L, 3, &key_len);
	const char *iv = luaL_checklstring(L, 4, &iv_len);
	enum mode mode = (enum mode)luaL_checkoption(L, 5, NULL, modes);
	lua_Integer bits = luaL_checkinteger(L, 6);
	struct aes a;
	uint8_t chain[BLOCK];
	luaL_Buffer b;

	luaL_argcheck(L, bits == 128 || bits == 192 || bits == 256, 6, "not a key size");
	luaL_argcheck(L, key_len >= (size_t)bits / 8, 3, "key is too short");
	luaL_argcheck(L, iv_len >= BLOCK, 4, "iv must be 16 bytes");
	aes_init(&a, (const uint8_t *)key, (int)bits);
	memcpy(chain, iv, BLOCK);
	size_t blocks = (len + BLOCK - 1) / BLOCK, first = mode == ECB ? BLOCK : 0;
	uint8_t *out = (uint8_t *)luaL_buffinitsize(L, &b, blocks * BLOCK + first);
	if (first) {
		memcpy(out, iv, BLOCK);
		crypt_block(&a, ECB, decrypt, out, chain);
	}
	for (size_t i = 0; i < blocks; i++, at += BLOCK) {
		uint8_t *s = out + first + at;
		size_t part = len - at < BLOCK ? len - at : BLOCK;
		memset(s, 0, BLOCK);
		memcpy(s, text + at, part);
		crypt_block(&a, mode, decrypt, s, chain);
	}
	luaL_pushresultsize(&b, blocks * BLOCK + first);
	return 1;
}

/* ---- ISAAC ---- */

static struct {
	uint32_t results[256], memory[256], a, b, c, used;
} isaac;

static void isaac_refill(void)
{
	isaac.c++;
	isaac.b += isaac.c;
	for (int i = 0; i < 256; i++) {
		uint32_t x = isaac.memory[i];
		switch (i % 4) {
		case 0:
			isaac.a ^= isaac.a << 13;
			break;
		case 1:
			isaac.a ^= isaac.a >> 6;
			break;
		case 2:
			isaac.a ^= isaac.a << 2;
			break;
		case 3:
			isaac.a ^= isaac.a >> 16;
			break;
		}
		isaac.a += isaac.memory[(i + 128) % 256];
		uint32_t y = isaac.memory[i] = isaac.memory[(x >> 2) % 256] + isaac.a + isaac.b;
		isaac.results[i] = isaac.b = isaac.memory[(y >> 10) % 256] + x;
	}
	isaac.used = 0;
}

static void isaac_stir(uint32_t m[8])
{
	static const int8_t turn[8] = {-11, 2, -8, 16, -10, 4, -8, 9}; /* negative: to the left */

	for (int i = 0; i < 8; i++) {
		uint32_t next = m[(i + 1) % 8];
		m[i] ^= turn[i] < 0 ? next << -turn[i] : next >> turn[i];
		m[(i + 3) % 8] += m[i];
		m[(i + 1) % 8] += m[(i + 2) % 8];
	}
}

/* isaac_seed(key, stirred): Jenkins's randinit; a byte of the key to a word. Without `stirred` the key is not used. */
static int isaac_seed(lua_State *L)
{
	size_t len;
	const char *key = luaL_checklstring(L, 1, &len);
	bool stirred = lua_toboolean(L, 2);
	uint32_t m[8];

	memset(&isaac, 0, sizeof(isaac));
	for (size_t i = 0; i < 256 && i < len; i++)
		isaac.results[i] = (uint8_t)key[i];
	for (int i = 0; i < 8; i++)
		m[i] = 0x9e3779b9;
	for (int i = 0; i < 4; i++)
		isaac_stir(m);
	for (int pass = 0; pass < (stirred ? 2 : 1); pass++)
		for (int i = 0; i < 256; i += 8) {
			for (int k = 0; k < 8 && stirred; k++)
				m[k] += pass ? isaac.memory[i + k] : isaac.results[i + k];
			isaac_stir(m);
			memcpy(isaac.memory + i, m, sizeof(m));
		}
	isaac_refill();
	return 0;
}

static int isaac_next(lua_State *L)
{
	if (isaac.used == 256)
		isaac_refill();
	lua_pushinteger(L, isaac.results[isaac.used++]);
	return 1;
}

/* ---- MORUS-1280 ---- */

struct morus {
	uint64_t s[5][4];
};

static void turn_row(uint64_t *row, int words)
{
	uint64_t t[4];

	for (int i = 0; i < 4; i++)
		t[(i + words) % 4] = row[i];
	memcpy(row, t, sizeof(t));
}

static void morus_update(struct morus *m, const uint64_t block[4])
{
	static const int bits[5] = {13, 46, 38, 7, 4}, words[5] = {1, 2, 3, 2, 1};

	for (int r = 0; r < 5; r++) {
		uint64_t *a = m->s[r], *b = m->s[(r + 1) % 5], *c = m->s[(r + 2) % 5], *d = m->s[(r + 3) % 5];
		for (int i = 0; i < 4; i++) {
			uint64_t x = a[i] ^ (b[i] & c[i]) ^ d[i] ^ (r ? block[i] : 0);
			a[i] = x << bits[r] | x >> (64 - bits[r]);
		}
		turn_row(d, words[r]);
	}
}

static void morus_stream(const struct morus *m, uint64_t out[4])
{
	for (int i = 0; i < 4; i++)
		out[i] = m->s[0][i] ^ m->s[1][(i + 1) % 4] ^ (m->s[2][i] & m->s[3][i]);
}

static void load_block(uint64_t w[4], const uint8_t *p, size_t len)
{
	uint8_t block[32] = {0};

	memcpy(block, p, len < 32 ? len : 32);
	for (int i = 0; i < 4; i++)
		w[i] = get64(block + 8 * i);
}

static void morus_init(struct morus *m, const uint8_t *key, size_t key_len, const uint8_t *iv)
{
	static const uint8_t fibonacci[32] = {0x00, 0x01, 0x01, 0x02, 0x03, 0x05, 0x08, 0x0d, 0x15, 0x22, 0x37,
					      0x59, 0x90, 0xe9, 0x79, 0x62, 0xdb, 0x3d, 0x18, 0x55, 0x6d, 0xc2,
					      0x2f, 0xf1, 0x20, 0x11, 0x31, 0x42, 0x73, 0xb5, 0x28, 0xdd};
	static const uint64_t none[4];
	uint64_t k[4];

	load_block(k, key, key_len);
	if (key_len == 16)
		k[2] = k[0], k[3] = k[1];
	load_block(m->s[0], iv, 16);
	memcpy(m->s[1], k, sizeof(k));
	memset(m->s[2], 0xff, sizeof(m->s[2]));
	memset(m->s[3], 0, sizeof(m->s[3]));
	load_block(m->s[4], fibonacci, 32);
	for (int i = 0; i < 16; i++)
		morus_update(m, none);
	for (int i = 0; i < 4; i++)
		m->s[1][i] ^= k[i];
}

static void morus_absorb(struct morus *m, const uint8_t *p, size_t len)
{
	uint64_t w[4];

	for (size_t at = 0; at < len; at += 32) {
		load_block(w, p + at, len - at);
		morus_update(m, w);
	}
}

static void morus_crypt(struct morus *m, uint8_t *out, const uint8_t *p, size_t len, bool decrypt)
{
	for (size_t at = 0; at < len; at += 32) {
		size_t part = len - at < 32 ? len - at : 32;
		uint64_t w[4], stream[4];
		uint8_t bytes[32];
		load_block(w, p + at, part);
		morus_stream(m, stream);
		for (int i = 0; i < 4; i++)
			put64(bytes + 8 * i, w[i] ^ stream[i]);
		memcpy(out + at, bytes, part);
		if (decrypt)
			load_block(w, bytes, part);
		morus_update(m, w);
	}
}

static void morus_tag(struct morus *m, size_t ad_len, size_t len, uint8_t tag[16])
{
	const uint64_t lengths[4] = {(uint64_t)ad_len * 8, (uint64_t)len * 8, 0, 0};
	uint64_t w[4];

	for (int i = 0; i < 4; i++)
		m->s[4][i] ^= m->s[0][i];
	for (int i = 0; i < 10; i++)
		morus_update(m, lengths);
	morus_stream(m, w);
	put64(tag, w[0]);
	put64(tag + 8, w[1]);
}

/* morus(decrypt, key, iv, text, ad): text and tag; from both the text, or nil when the tag is wrong. */
static int morus(lua_State *L)
{
	bool decrypt = lua_toboolean(L, 1);
	size_t key_len, iv_len, len, ad_len;
	const uint8_t *key = (const uint8_t *)luaL_checklstring(L, 2, &key_len);
	const uint8_t *iv = (const uint8_t *)luaL_checklstring(L, 3, &iv_len);
	const uint8_t *text = (const uint8_t *)luaL_checklstring(L, 4, &len);
	const uint8_t *ad = (const uint8_t *)luaL_checklstring(L, 5, &ad_len);
	struct morus m;
	uint8_t tag[16];
	luaL_Buffer b;

	luaL_argcheck(L, (key_len == 16 || key_len == 32) && iv_len == 16, 2, "bad length");
	if (decrypt && len < sizeof(tag))
		return 0;
	if (decrypt)
		len -= sizeof(tag);
	morus_init(&m, key, key_len, iv);
	morus_absorb(&m, ad, ad_len);
	uint8_t *out = (uint8_t *)luaL_buffinitsize(L, &b, len + sizeof(tag));
	morus_crypt(&m, out, text, len, decrypt);
	morus_tag(&m, ad_len, len, tag);
	if (decrypt && memcmp(tag, text + len, sizeof(tag)) != 0)
		return 0;
	memcpy(out + len, tag, sizeof(tag));
	luaL_pushresultsize(&b, decrypt ? len : len + sizeof(tag));
	return 1;
}

/* ---- NORX64-4-1 ---- */

enum { NORX_RATE = 96, NORX_TAG = 32, NORX_ROUNDS = 4 };

static uint64_t norx_mix(uint64_t x, uint64_t y)
{
	return x ^ y ^ (x & y) << 1;
}

static uint64_t ror(uint64_t x, int n)
{
	return x >> n | x << (64 - n);
}

static void norx_quarter(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d)
{
	static const int turns[2][2] = {{8, 19}, {40, 63}};

	for (int i = 0; i < 2; i++) {
		*a = norx_mix(*a, *b);
		*d = ror(*a ^ *d, turns[i][0]);
		*c = norx_mix(*c, *d);
		*b = ror(*b ^ *c, turns[i][1]);
	}
}

static void norx_permute(uint64_t s[16], int rounds)
{
	for (int r = 0; r < rounds; r++)
		for (int i = 0; i < 8; i++) {
			int k = i % 4, diagonal = i / 4;
			norx_quarter(&s[k], &s[4 + (k + diagonal) % 4], &s[8 + (k + 2 * diagonal) % 4],
				     &s[12 + (k + 3 * diagonal) % 4]);
		}
}

static void norx_add_key(uint64_t s[16], const uint8_t *key)
{
	for (int i = 0; i < 4; i++)
		s[12 + i] ^= get64(key + 8 * i);
}

static void norx_init(uint64_t s[16], const uint8_t *key, const uint8_t *nonce)
{
	static const uint64_t parameters[4] = {64, NORX_ROUNDS, 1, NORX_TAG * 8};

	for (uint64_t i = 0; i < 16; i++)
		s[i] = i;
	norx_permute(s, 2);
	for (int i = 0; i < 4; i++) {
		s[i] = get64(nonce + 8 * i);
		s[4 + i] = get64(key + 8 * i);
		s[12 + i] ^= parameters[i];
	}
	norx_permute(s, NORX_ROUNDS);
	norx_add_key(s, key);
}

static void norx_xor(uint64_t s[16], const uint8_t *block)
{
	for (int i = 0; i < NORX_RATE / 8; i++)
		s[i] ^= get64(block + 8 * i);
}

static void norx_pad(uint8_t block[NORX_RATE], const uint8_t *p, size_t len)
{
	memset(block, 0, NORX_RATE);
	memcpy(block, p, len);
	block[len] = 1;
	block[NORX_RATE - 1] |= 0x80;
}

static void norx_absorb(uint64_t s[16], const uint8_t *p, size_t len, uint64_t domain)
{
	uint8_t block[NORX_RATE];

	for (bool more = len > 0; more;) {
		more = len >= NORX_RATE;
		s[15] ^= domain;
		norx_permute(s, NORX_ROUNDS);
		if (more)
			memcpy(block, p, NORX_RATE);
		else
			norx_pad(block, p, len);
		norx_xor(s, block);
		p += NORX_RATE;
		len -= more ? NORX_RATE : 0;
	}
}

static void norx_rate(const uint64_t s[16], uint8_t block[NORX_RATE])
{
	for (int i = 0; i < NORX_RATE / 8; i++)
		put64(block + 8 * i, s[i]);
}

/* `part` bytes of a block; less than a whole block is the last one. */
static void norx_crypt_block(uint64_t s[16], uint8_t *out, const uint8_t *p, size_t part, bool decrypt)
{
	uint8_t block[NORX_RATE], plain[NORX_RATE];

	s[15] ^= 2;
	norx_permute(s, NORX_ROUNDS);
	norx_rate(s, block);
	for (size_t i = 0; i < part; i++)
		plain[i] = decrypt ? block[i] ^ p[i] : p[i];
	for (size_t i = 0; i < part; i++)
		out[i] = decrypt ? plain[i] : block[i] ^ p[i];
	if (part < NORX_RATE) {
		norx_pad(block, plain, part);
		norx_xor(s, block);
	} else {
		norx_xor(s, plain);
	}
}

static void norx_crypt(uint64_t s[16], uint8_t *out, const uint8_t *p, size_t len, bool decrypt)
{
	for (bool more = len > 0; more;) {
		more = len >= NORX_RATE;
		size_t part = more ? NORX_RATE : len;
		norx_crypt_block(s, out, p, part, decrypt);
		out += part;
		p += part;
		len -= part;
	}
}

static void norx_tag(uint64_t s[16], const uint8_t *key, uint8_t tag[NORX_TAG])
{
	s[15] ^= 8;
	norx_permute(s, NORX_ROUNDS);
	norx_add_key(s, key);
	norx_permute(s, NORX_ROUNDS);
	norx_add_key(s, key);
	for (int i = 0; i < 4; i++)
		put64(tag + 8 * i, s[12 + i]);
}

/* norx(decrypt, key, nonce, text, header, trailer): as morus. */
static int norx(lua_State *L)
{
	bool decrypt = lua_toboolean(L, 1);
	size_t lens[7];
	const uint8_t *in[7];
	uint64_t s[16];
	uint8_t tag[NORX_TAG];
	luaL_Buffer b;

	for (int i = 2; i <= 6; i++)
		in[i] = (const uint8_t *)luaL_checklstring(L, i, &lens[i]);
	luaL_argcheck(L, lens[2] == 32 && lens[3] == 32, 2, "bad length");
	if (decrypt && lens[4] < NORX_TAG)
		return 0;
	size_t len = decrypt ? lens[4] - NORX_TAG : lens[4];
	norx_init(s, in[2], in[3]);
	norx_absorb(s, in[5], lens[5], 1);
	uint8_t *out = (uint8_t *)luaL_buffinitsize(L, &b, len + NORX_TAG);
	norx_crypt(s, out, in[4], len, decrypt);
	norx_absorb(s, in[6], lens[6], 4);
	norx_tag(s, in[2], tag);
	if (decrypt && memcmp(tag, in[4] + len, NORX_TAG) != 0)
		return 0;
	memcpy(out + len, tag, NORX_TAG);
	luaL_pushresultsize(&b, decrypt ? len : len + NORX_TAG);
	return 1;
}

void cipher_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"aes", aes}, {"isaac_seed", isaac_seed}, {"isaac_next", isaac_next}, {"morus", morus}, {"norx", norx},
		{NULL, NULL}};

	luaL_setfuncs(L, functions, 0);
}
