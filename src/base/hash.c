/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Fetching an algorithm by name costs more than hashing a short message, so it
 * is done once, and each thread keeps its context. */
static EVP_MD *md_sha256, *md_sha384;
static pthread_once_t md_once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;

static void context_free(void *context)
{
	EVP_MD_CTX_free(context);
}

static void md_fetch(void)
{
	md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	md_sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
	must(md_sha256 && md_sha384);
	must(pthread_key_create(&context_key, context_free) == 0);
}

static void digest(uint8_t *out, EVP_MD *md, struct bytes b)
{
	EVP_MD_CTX *context = pthread_getspecific(context_key);

	if (!context) {
		context = EVP_MD_CTX_new();
		must(context && pthread_setspecific(context_key, context) == 0);
	}
	must(EVP_DigestInit_ex2(context, md, NULL) && EVP_DigestUpdate(context, b.ptr, b.len) &&
	     EVP_DigestFinal_ex(context, out, NULL));
}

void sha256(uint8_t out[SHA256_SIZE], struct bytes b)
{
	pthread_once(&md_once, md_fetch);
	digest(out, md_sha256, b);
}

void sha384(uint8_t out[SHA384_SIZE], struct bytes b)
{
	pthread_once(&md_once, md_fetch);
	digest(out, md_sha384, b);
}

static struct hasher *hasher_open(EVP_MD **md)
{
	EVP_MD_CTX *context;

	pthread_once(&md_once, md_fetch);
	context = EVP_MD_CTX_new();
	must(context && EVP_DigestInit_ex2(context, *md, NULL));
	return (struct hasher *)context;
}

struct hasher *sha256_open(void)
{
	return hasher_open(&md_sha256);
}

struct hasher *sha384_open(void)
{
	return hasher_open(&md_sha384);
}

void hasher_add(struct hasher *h, const void *ptr, size_t len)
{
	must(EVP_DigestUpdate((EVP_MD_CTX *)h, ptr, len));
}

void hasher_end(struct hasher *h, uint8_t *out)
{
	must(EVP_DigestFinal_ex((EVP_MD_CTX *)h, out, NULL));
	EVP_MD_CTX_free((EVP_MD_CTX *)h);
}

/* ---- keccak-f[1600], rate 1088 ---- */

static const uint64_t round_constant[24] = {
	0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
	0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
	0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
	0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
	0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static uint64_t rotate(uint64_t v, unsigned n)
{
	return n ? v << n | v >> (64 - n) : v;
}

static void keccak_f(uint64_t lane[25])
{
	for (int round = 0; round < 24; round++) {
		uint64_t column[5], moved[25];

		for (int x = 0; x < 5; x++)
			column[x] = lane[x] ^ lane[x + 5] ^ lane[x + 10] ^ lane[x + 15] ^ lane[x + 20];
		for (int i = 0; i < 25; i++)
			lane[i] ^= column[(i + 4) % 5] ^ rotate(column[(i + 1) % 5], 1);

		/* rho and pi: walk the lanes as (x, y) -> (y, 2x + 3y), the offset growing
		 * by the triangular numbers. */
		moved[0] = lane[0];
		for (unsigned t = 0, x = 1, y = 0; t < 24; t++) {
			unsigned nx = y, ny = (2 * x + 3 * y) % 5;
			moved[nx + 5 * ny] = rotate(lane[x + 5 * y], (t + 1) * (t + 2) / 2 % 64);
			x = nx;
			y = ny;
		}
		for (int y = 0; y < 25; y += 5)
			for (int x = 0; x < 5; x++)
				lane[y + x] = moved[y + x] ^ (~moved[y + (x + 1) % 5] & moved[y + (x + 2) % 5]);
		lane[0] ^= round_constant[round];
	}
}

void keccak256(uint8_t out[KECCAK256_SIZE], struct bytes b)
{
	enum { RATE = 136 };
	uint64_t lane[25] = {0};
	uint8_t last[RATE] = {0};

	for (; b.len >= RATE; b = bytes_of(b.ptr + RATE, b.len - RATE)) {
		for (int i = 0; i < RATE / 8; i++)
			lane[i] ^= get_u64le(b.ptr + 8 * i);
		keccak_f(lane);
	}
	if (b.len)
		memcpy(last, b.ptr, b.len);
	last[b.len] ^= 0x01;
	last[RATE - 1] ^= 0x80;
	for (int i = 0; i < RATE / 8; i++)
		lane[i] ^= get_u64le(last + 8 * i);
	keccak_f(lane);
	for (int i = 0; i < KECCAK256_SIZE / 8; i++)
		set_u64le(out + 8 * i, lane[i]);
}

/* ---- crc32c ---- */

#ifdef __x86_64__
/* By the processor's instruction: what is compiled for guests needs x86-64-v2 too. */
__attribute__((target("sse4.2"))) uint32_t crc32c(uint32_t crc, const void *ptr, size_t len)
{
	const uint8_t *p = ptr;
	uint64_t wide = ~crc, word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		wide = __builtin_ia32_crc32di(wide, word);
	}
	for (crc = (uint32_t)wide; len; p++, len--)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return ~crc;
}
#else
static uint32_t crc_table[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void crc_make(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
		crc_table[0][i] = c;
	}
	for (int t = 1; t < 8; t++)
		for (int i = 0; i < 256; i++)
			crc_table[t][i] = crc_table[t - 1][i] >> 8 ^ crc_table[0][crc_table[t - 1][i] & 255];
}

uint32_t crc32c(uint32_t crc, const void *ptr, size_t len)
{
	const uint8_t *p = ptr;

	pthread_once(&crc_once, crc_make);
	crc = ~crc;
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t v = get_u64le(p) ^ crc;
		crc = 0;
		for (int t = 0; t < 8; t++)
			crc ^= crc_table[7 - t][v >> (8 * t) & 255];
	}
	while (len--)
		crc = crc >> 8 ^ crc_table[0][(crc ^ *p++) & 255];
	return ~crc;
}
#endif

/* ---- ids ---- */

struct id_text id_text(struct id id)
{
	struct id_text text;

	b64url_encode(text.s, bytes_of(id.b, sizeof(id.b)));
	return text;
}

enum err id_parse(struct id *out, struct bytes text)
{
	size_t len;

	if (text.len != ID_TEXT_LEN)
		return E_FORMAT;
	return b64url_decode(out->b, sizeof(out->b), &len, text);
}

bool id_eq(struct id a, struct id b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

bool id_is_zero(struct id id)
{
	return id_eq(id, (struct id){{0}});
}

struct id id_of_sha256(struct bytes b)
{
	struct id id;

	sha256(id.b, b);
	return id;
}
