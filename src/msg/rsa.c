/* SPDX-License-Identifier: MIT
 *
 * rsa: RSASSA-PSS with SHA-256 over M (RFC 8017, 8.1). The salt may have any length:
 * node signs with the longest, browsers with 32 bytes, and so do we.
 */
#include "msg/signature.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <string.h>

/* Building a key from its modulus costs a third of a verification, and the same few
 * owners sign most messages. */
enum { CACHE_SIZE = 256 };

static struct {
	struct id owner;
	EVP_PKEY *key;
} cache[CACHE_SIZE];
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;

static EVP_PKEY *build(struct bytes modulus)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = BN_bin2bn(modulus.ptr, (int)modulus.len, NULL), *e = BN_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	must(bld && context && n && e && BN_set_word(e, 65537));
	must(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) &&
	     OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e));
	params = OSSL_PARAM_BLD_to_param(bld);
	must(params != NULL);
	if (EVP_PKEY_fromdata_init(context) <= 0 || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(context);
	BN_free(n);
	BN_free(e);
	return key;
}

EVP_PKEY *rsa_public(struct bytes modulus)
{
	struct id owner = id_of_sha256(modulus);
	size_t slot = owner.b[0] % CACHE_SIZE;
	EVP_PKEY *key = NULL;

	pthread_mutex_lock(&cache_lock);
	if (cache[slot].key && id_eq(cache[slot].owner, owner)) {
		key = cache[slot].key;
		EVP_PKEY_up_ref(key);
	}
	pthread_mutex_unlock(&cache_lock);
	if (key)
		return key;
	key = build(modulus);
	if (!key)
		return NULL;
	EVP_PKEY_up_ref(key);
	pthread_mutex_lock(&cache_lock);
	EVP_PKEY_free(cache[slot].key);
	cache[slot].key = key;
	cache[slot].owner = owner;
	pthread_mutex_unlock(&cache_lock);
	return key;
}

static bool set_padding(EVP_PKEY_CTX *context, int salt_len)
{
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_len) > 0;
}

bool rsa_verify(struct bytes modulus, struct bytes signature, const uint8_t m[SIGNED_HASH_SIZE])
{
	EVP_PKEY *key = rsa_public(modulus);
	EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	uint8_t hash[SHA256_SIZE];
	bool good;

	sha256(hash, bytes_of(m, SIGNED_HASH_SIZE));
	good = context && EVP_PKEY_verify_init(context) > 0 && set_padding(context, RSA_PSS_SALTLEN_AUTO) &&
	       EVP_PKEY_verify(context, signature.ptr, signature.len, hash, sizeof(hash)) == 1;
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(key);
	return good;
}

bool rsa_sign(EVP_PKEY *key, uint8_t signature[RSA_SIZE], const uint8_t m[SIGNED_HASH_SIZE])
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	uint8_t hash[SHA256_SIZE];
	size_t len = RSA_SIZE;
	bool good;

	sha256(hash, bytes_of(m, SIGNED_HASH_SIZE));
	must(context && EVP_PKEY_sign_init(context) > 0 && set_padding(context, RSA_PSS_SALTLEN_DIGEST));
	good = EVP_PKEY_sign(context, signature, &len, hash, sizeof(hash)) > 0 && len == RSA_SIZE;
	EVP_PKEY_CTX_free(context);
	return good;
}
