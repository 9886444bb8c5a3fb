/* SPDX-License-Identifier: MIT */
#include "msg/key.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "msg/signature.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_FILE_MAX = 65536 };

struct key {
	enum signature_type type;
	EVP_PKEY *rsa;
	uint8_t secret[ED25519_SECRET_SIZE]; /* ed25519: seed || public; secp256k1: 32 bytes */
	uint8_t owner[RSA_SIZE];
	size_t owner_len;
};

/* ---- verifying ---- */

bool signature_sizes(uint16_t type, size_t *signature, size_t *owner)
{
	static const uint16_t sizes[8][2] = {{0, 0},   {512, 512}, {64, 32},     {65, 65},
					     {64, 32}, {64, 32},   {2052, 1025}, {65, 42}};

	if (type < SIGN_ARWEAVE || type > SIGN_TYPED_ETHEREUM)
		return false;
	*signature = sizes[type][0];
	*owner = sizes[type][1];
	return true;
}

size_t ed25519_text(uint8_t out[160], enum signature_type type, const uint8_t m[SIGNED_HASH_SIZE])
{
	char hex[2 * SIGNED_HASH_SIZE + 1];

	if (type == SIGN_ED25519) {
		memcpy(out, m, SIGNED_HASH_SIZE);
		return SIGNED_HASH_SIZE;
	}
	hex_encode(hex, bytes_of(m, SIGNED_HASH_SIZE));
	if (type == SIGN_SOLANA)
		return (size_t)snprintf((char *)out, 160, "%s", hex);
	return (size_t)snprintf((char *)out, 160, "APTOS\nmessage: %s\nnonce: bundlr", hex);
}

static bool ed25519_verify(enum signature_type type, const uint8_t *owner, const uint8_t *signature,
			   const uint8_t m[SIGNED_HASH_SIZE])
{
	uint8_t text[160];
	size_t len = ed25519_text(text, type, m);

	return crypto_sign_verify_detached(signature, text, len, owner) == 0;
}

static bool is_zero(const uint8_t *ptr, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (ptr[i])
			return false;
	return true;
}

/* 32 slots of signatures, then a bitmap of which are filled (most significant bit
 * first); 32 slots of keys, then how many have to sign. */
static bool multi_verify(struct bytes owner, struct bytes signature, const uint8_t m[SIGNED_HASH_SIZE])
{
	const uint8_t *bitmap = signature.ptr + 32 * 64;
	unsigned threshold = owner.ptr[32 * 32], signed_by = 0;

	for (unsigned i = 0; i < 32; i++) {
		const uint8_t *slot = signature.ptr + 64 * i;
		bool filled = bitmap[i >> 3] & (128 >> (i & 7));
		if (filled ? !ed25519_verify(SIGN_ED25519, owner.ptr + 32 * i, slot, m) : !is_zero(slot, 64))
			return false;
		signed_by += filled;
	}
	return threshold > 0 && signed_by >= threshold;
}

enum err signature_verify(enum signature_type type, struct bytes owner, struct bytes signature,
			  const uint8_t m[SIGNED_HASH_SIZE], struct note *note)
{
	size_t signature_len, owner_len;
	bool good = false;

	if (!signature_sizes((uint16_t)type, &signature_len, &owner_len))
		return note_err(note, E_UNSUPPORTED, "signature type %d does not exist", type);
	must(signature.len == signature_len && owner.len == owner_len);
	switch (type) {
	case SIGN_ARWEAVE:
		good = rsa_verify(owner, signature, m);
		break;
	case SIGN_ED25519:
	case SIGN_SOLANA:
	case SIGN_APTOS:
		good = ed25519_verify(type, owner.ptr, signature.ptr, m);
		break;
	case SIGN_ETHEREUM:
		good = ethereum_verify(owner, signature, m);
		break;
	case SIGN_MULTI_APTOS:
		good = multi_verify(owner, signature, m);
		break;
	case SIGN_TYPED_ETHEREUM:
		good = ethereum_typed_verify(owner, signature, m);
		break;
	}
	return good ? OK : note_err(note, E_SIGNATURE, "Signature verification failed");
}

/* ---- keys ---- */

static struct key *key_alloc(enum signature_type type)
{
	struct key *k = calloc(1, sizeof(*k));

	must(k != NULL && sodium_init() >= 0);
	k->type = type;
	return k;
}

void key_free(struct key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->rsa);
	sodium_memzero(k, sizeof(*k));
	free(k);
}

static enum err owner_from_rsa(struct key *k, struct note *note)
{
	BIGNUM *n = NULL;
	bool right;

	must(EVP_PKEY_get_bn_param(k->rsa, OSSL_PKEY_PARAM_RSA_N, &n));
	right = BN_num_bytes(n) == RSA_SIZE && BN_bn2binpad(n, k->owner, RSA_SIZE) == RSA_SIZE;
	BN_free(n);
	k->owner_len = RSA_SIZE;
	return right ? OK : note_err(note, E_UNSUPPORTED, "an Arweave key has 4096 bits, this RSA key has not");
}

static bool owner_from_secp256k1(struct key *k)
{
	secp256k1_pubkey public;
	size_t len = 65;

	if (!secp256k1_ec_pubkey_create(ethereum_context(), &public, k->secret))
		return false;
	secp256k1_ec_pubkey_serialize(ethereum_context(), k->owner, &len, &public, SECP256K1_EC_UNCOMPRESSED);
	k->owner_len = len;
	return true;
}

enum err key_new(struct key **out, enum signature_type type, struct note *note)
{
	struct key *k = key_alloc(type);

	switch (type) {
	case SIGN_ARWEAVE:
		k->rsa = EVP_RSA_gen(4096);
		must(k->rsa && owner_from_rsa(k, NULL) == OK);
		break;
	case SIGN_ED25519:
	case SIGN_SOLANA:
		must(crypto_sign_keypair(k->owner, k->secret) == 0);
		k->owner_len = 32;
		break;
	case SIGN_ETHEREUM:
		do
			random_bytes(k->secret, SECP256K1_SECRET_SIZE);
		while (!owner_from_secp256k1(k));
		break;
	case SIGN_APTOS:
	case SIGN_MULTI_APTOS:
	case SIGN_TYPED_ETHEREUM:
	default:
		key_free(k);
		return note_err(note, E_UNSUPPORTED, "keys of signature type %d cannot be made here", type);
	}
	*out = k;
	return OK;
}

enum signature_type key_type(const struct key *k)
{
	return k->type;
}

enum err key_as(struct key *k, enum signature_type type)
{
	bool ed25519 = k->type == SIGN_ED25519 || k->type == SIGN_SOLANA;

	if (type == k->type)
		return OK;
	if (!ed25519 || (type != SIGN_ED25519 && type != SIGN_SOLANA))
		return E_ARGUMENT;
	k->type = type;
	return OK;
}

struct bytes key_owner(const struct key *k)
{
	return bytes_of(k->owner, k->owner_len);
}

struct id key_address(const struct key *k)
{
	return id_of_sha256(key_owner(k));
}

void key_sign(const struct key *k, uint8_t *signature, const uint8_t m[SIGNED_HASH_SIZE])
{
	uint8_t text[160];
	size_t len;

	if (k->type == SIGN_ARWEAVE) {
		must(rsa_sign(k->rsa, signature, m));
	} else if (k->type == SIGN_ETHEREUM) {
		ethereum_sign(k->secret, signature, m);
	} else {
		len = ed25519_text(text, k->type, m);
		must(crypto_sign_detached(signature, NULL, text, len, k->secret) == 0);
	}
}

/* ---- key files ---- */

static const char *const rsa_names[] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
static const char *const rsa_params[] = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
					 OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
					 OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
					 OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
enum { RSA_PARTS = 8 };

static enum err member_bytes(const struct json *jwk, const char *name, uint8_t *out, size_t cap, size_t *len,
			     struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct bytes text = json_get_text(&a, jwk, name);
	enum err e = text.len ? b64url_decode(out, cap, len, text) : E_FORMAT;

	arena_release(&a);
	return e < 0 ? note_err(note, E_FORMAT, "the key file's \"%s\" is missing or is not base64url", name) : OK;
}

/* Whether the numbers belong together, tried on a message. */
static enum err check_rsa(const struct key *k, const struct json *jwk, struct note *note)
{
	uint8_t m[SIGNED_HASH_SIZE] = {0}, signature[RSA_SIZE], exponent[8];
	size_t len;

	if (member_bytes(jwk, "e", exponent, sizeof(exponent), &len, NULL) < 0 ||
	    !bytes_eq(bytes_of(exponent, len), BYTES("\x01\x00\x01")))
		return note_err(note, E_UNSUPPORTED, "an Arweave key has the exponent 65537, this RSA key has not");
	if (!rsa_sign(k->rsa, signature, m) || !rsa_verify(key_owner(k), bytes_of(signature, RSA_SIZE), m))
		return note_err(note, E_FORMAT, "the key file's numbers do not belong together");
	return OK;
}

static enum err parse_rsa(struct key *k, const struct json *jwk, struct note *note)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	BIGNUM *parts[RSA_PARTS] = {0};
	uint8_t bytes[RSA_SIZE];
	size_t len;
	enum err e = OK;

	must(bld && context);
	for (int i = 0; i < RSA_PARTS && e == OK; i++) {
		e = member_bytes(jwk, rsa_names[i], bytes, sizeof(bytes), &len, note);
		if (e < 0)
			break;
		parts[i] = BN_secure_new();
		must(parts[i] && BN_bin2bn(bytes, (int)len, parts[i]) &&
		     OSSL_PARAM_BLD_push_BN(bld, rsa_params[i], parts[i]));
	}
	if (e == OK) {
		params = OSSL_PARAM_BLD_to_param(bld);
		must(params != NULL);
		if (EVP_PKEY_fromdata_init(context) <= 0 ||
		    EVP_PKEY_fromdata(context, &k->rsa, EVP_PKEY_KEYPAIR, params) <= 0)
			e = note_err(note, E_FORMAT, "the key file's numbers do not make an RSA key");
		else if ((e = owner_from_rsa(k, note)) == OK)
			e = check_rsa(k, jwk, note);
	}
	sodium_memzero(bytes, sizeof(bytes));
	for (int i = 0; i < RSA_PARTS; i++)
		BN_clear_free(parts[i]);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(context);
	return e;
}

static enum err parse_curve(struct key *k, const struct json *jwk, bool ed25519, struct note *note)
{
	uint8_t secret[32];
	size_t len;
	enum err e = member_bytes(jwk, "d", secret, sizeof(secret), &len, note);

	if (e < 0)
		return e;
	if (len != sizeof(secret))
		return note_err(note, E_FORMAT, "the key file's \"d\" is not 32 bytes");
	if (ed25519) {
		must(crypto_sign_seed_keypair(k->owner, k->secret, secret) == 0);
		k->owner_len = 32;
	} else {
		memcpy(k->secret, secret, sizeof(secret));
		if (!owner_from_secp256k1(k))
			e = note_err(note, E_FORMAT, "the key file's \"d\" is not a secp256k1 key");
	}
	sodium_memzero(secret, sizeof(secret));
	return e;
}

enum err key_parse(struct key **out, struct bytes text, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	const struct json *jwk;
	struct key *k = NULL;
	struct bytes kty, crv;
	enum err e = json_parse(&jwk, &a, text, note);

	if (e < 0)
		goto out;
	kty = json_get_text(&a, jwk, "kty");
	crv = json_get_text(&a, jwk, "crv");
	if (bytes_eq_str(kty, "RSA")) {
		k = key_alloc(SIGN_ARWEAVE);
		e = parse_rsa(k, jwk, note);
	} else if (bytes_eq_str(kty, "OKP") && bytes_eq_str(crv, "Ed25519")) {
		k = key_alloc(SIGN_ED25519);
		e = parse_curve(k, jwk, true, note);
	} else if (bytes_eq_str(kty, "EC") && bytes_eq_str(crv, "secp256k1")) {
		k = key_alloc(SIGN_ETHEREUM);
		e = parse_curve(k, jwk, false, note);
	} else {
		e = note_err(note, E_UNSUPPORTED,
			     "not a key file of ours: kty is not RSA, OKP/Ed25519 or EC/secp256k1");
	}
out:
	arena_release(&a);
	if (e < 0)
		key_free(k);
	else
		*out = k;
	return e;
}

enum err key_load(struct key **out, const char *path, struct note *note)
{
	struct buf text = BUF_EMPTY;
	FILE *file = fopen(path, "rb");
	enum err e;

	if (!file)
		return note_err(note, errno == ENOENT ? E_NOT_FOUND : E_IO, "cannot open the key file %s: %s", path,
				strerror(errno));
	buf_reserve(&text, KEY_FILE_MAX);
	text.len = fread(text.ptr, 1, KEY_FILE_MAX, file);
	fclose(file);
	e = key_parse(out, buf_bytes(&text), note);
	sodium_memzero(text.ptr, text.len);
	buf_release(&text);
	return e;
}

static void json_rsa(struct jw *w, const struct key *k)
{
	uint8_t bytes[RSA_SIZE];

	jw_member(w, "kty", BYTES("RSA"));
	for (int i = 0; i < RSA_PARTS; i++) {
		BIGNUM *part = NULL;
		must(EVP_PKEY_get_bn_param(k->rsa, rsa_params[i], &part));
		jw_key(w, rsa_names[i]);
		jw_b64url(w, bytes_of(bytes, (size_t)BN_bn2bin(part, bytes)));
		BN_clear_free(part);
	}
	sodium_memzero(bytes, sizeof(bytes));
}

void key_json(struct buf *out, const struct key *k)
{
	struct jw w = jw_on(out);

	jw_object(&w);
	if (k->type == SIGN_ARWEAVE) {
		json_rsa(&w, k);
	} else if (k->type == SIGN_ETHEREUM) {
		jw_member(&w, "kty", BYTES("EC"));
		jw_member(&w, "crv", BYTES("secp256k1"));
		jw_key(&w, "x");
		jw_b64url(&w, bytes_of(k->owner + 1, 32));
		jw_key(&w, "y");
		jw_b64url(&w, bytes_of(k->owner + 33, 32));
		jw_key(&w, "d");
		jw_b64url(&w, bytes_of(k->secret, 32));
	} else {
		jw_member(&w, "kty", BYTES("OKP"));
		jw_member(&w, "crv", BYTES("Ed25519"));
		jw_key(&w, "x");
		jw_b64url(&w, bytes_of(k->owner, 32));
		jw_key(&w, "d");
		jw_b64url(&w, bytes_of(k->secret, 32));
	}
	jw_object_end(&w);
}

/* The name in its directory has to last too. */
static bool sync_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct buf directory = BUF_EMPTY;
	bool good;

	buf_put(&directory, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
	good = file_sync_directory(buf_str(&directory));
	buf_release(&directory);
	return good;
}

enum err key_save(const struct key *k, const char *path, struct note *note)
{
	struct buf text = BUF_EMPTY, temporary = BUF_EMPTY;
	uint8_t nonce[8];
	char hex[17];
	enum err e = OK;
	int fd;

	random_bytes(nonce, sizeof(nonce));
	hex_encode(hex, bytes_of(nonce, sizeof(nonce)));
	buf_printf(&temporary, "%s.%s", path, hex);
	fd = open(buf_str(&temporary), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	key_json(&text, k);
	/* link, not rename: it refuses when the name is taken. */
	if (fd < 0 || !file_write_at(fd, buf_bytes(&text), 0) || fsync(fd) < 0)
		e = note_err(note, E_IO, "cannot write %s: %s", path, strerror(errno));
	else if (link(buf_str(&temporary), path) < 0)
		e = errno == EEXIST
			    ? note_err(note, E_EXISTS, "%s exists already, and keys are never overwritten", path)
			    : note_err(note, E_IO, "cannot write %s: %s", path, strerror(errno));
	else if (!sync_directory_of(path))
		e = note_err(note, E_IO, "cannot write the directory of %s: %s", path, strerror(errno));
	if (fd >= 0) {
		close(fd);
		unlink(buf_str(&temporary));
	}
	sodium_memzero(text.ptr, text.len);
	buf_release(&text);
	buf_release(&temporary);
	return e;
}
