/* SPDX-License-Identifier: MIT
 *
 * The signed message against vectors of the reference (ao-units, Appendix A), and against itself.
 */
#include "base/text.h"
#include "msg/address.h"
#include "msg/avro.h"
#include "msg/bundle.h"
#include "msg/deephash.h"
#include "msg/item.h"
#include "test/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "msg/vectors.inc"

static struct arena arena;

static struct bytes unhex(const char *text)
{
	uint8_t *out = arena_alloc(&arena, strlen(text) / 2 + 1);
	size_t len;

	t_ok(hex_decode(out, strlen(text) / 2, &len, bytes_str(text)));
	return bytes_of(out, len);
}

static struct bytes un64(const char *text)
{
	uint8_t *out = arena_alloc(&arena, strlen(text));
	size_t len;

	t_ok(b64url_decode(out, strlen(text), &len, bytes_str(text)));
	return bytes_of(out, len);
}

static void hash_is(struct deephash got, const char *want)
{
	t_bytes(bytes_of(got.b, sizeof(got.b)), unhex(want));
}

static struct tags two_tags(void)
{
	static const struct tag list[] = {{BYTES("Data-Protocol"), BYTES("ao")}, {BYTES("Type"), BYTES("Message")}};

	return (struct tags){list, 2};
}

TEST(deep_hashes_match_the_reference)
{
	struct deephash inner = deephash_list(1), outer = deephash_list(2);

	hash_is(deephash_blob(BYTES("")),
		"fbf00cc444f5fea9dc3bedf62a13fba8ae87e7445fc910567a23bec4eb82fadb1143c433069314d8362983dc3c2e4a38");
	hash_is(deephash_blob(BYTES("abc")),
		"71115a30152ebcffb6defbb643abc8ef76f01fe323f1d62340646085960f6e347cb2d8e9a46ddee655b3012c6131d4e0");
	hash_is(deephash_list(0),
		"a69e7d37fdc7f040a9ec16aae84de24fab4a653dac4de0bd247e36bab9fe45d9289c5a04a893c95285812f5cefc9707a");
	deephash_add_blob(&inner, BYTES("b"));
	deephash_add_blob(&outer, BYTES("a"));
	deephash_add(&outer, inner);
	hash_is(outer,
		"d219d7a0ad14ca55004085cc8965e4a4281330569d814184653ae2462568da25e357dc0c25a40ba4c68faa14fe778abf");
}

TEST(tags_encode_as_the_reference_does)
{
	struct tag odd = {BYTES("\xc3\xa9"), BYTES("\xe2\x82\xac\xf0\x9f\x98\x80")}, many[70];
	struct tags tags;
	struct buf out = BUF_EMPTY;

	avro_encode(&out, (struct tags){0});
	t_u64(out.len, 0);
	avro_encode(&out, two_tags());
	t_bytes(buf_bytes(&out), unhex("041a446174612d50726f746f636f6c04616f08547970650e4d65737361676500"));
	buf_clear(&out);
	avro_encode(&out, (struct tags){&odd, 1});
	t_bytes(buf_bytes(&out), unhex("0204c3a90ee282acf09f988000"));
	buf_clear(&out);
	for (int i = 0; i < 70; i++)
		many[i] = (struct tag){arena_printf(&arena, "n%d", i), BYTES("v")};
	avro_encode(&out, (struct tags){many, 70});
	t_bytes(bytes_of(out.ptr, 20), unhex("8c01046e300276046e310276046e320276046e33"));
	t_u64(out.len, 413);
	t_ok(avro_decode(&tags, &arena, buf_bytes(&out), 70, NULL));
	t_text(tags.list[69].name, "n69");
	buf_release(&out);
	arena_release(&arena);
}

static enum err decode(const char *hex, uint64_t count, struct tags *tags)
{
	return avro_decode(tags, &arena, unhex(hex), count, NULL);
}

TEST(tags_decode_in_every_shape_the_grammar_allows)
{
	struct tags tags;

	/* two blocks */
	t_ok(decode("020261026202026302640"
		    "0",
		    2, &tags));
	t_text(tags.list[1].name, "c");
	t_text(tags.list[1].value, "d");
	/* a negative count with the block's size */
	t_ok(decode("0108026102620"
		    "0",
		    1, &tags));
	t_text(tags.list[0].value, "b");
	t_err(decode("0106026102620"
		     "0",
		     1, &tags),
	      E_FORMAT); /* the size is wrong */
	t_err(decode("02026102620"
		     "0",
		     2, &tags),
	      E_FORMAT); /* fewer than announced */
	t_err(decode("02026102620"
		     "0",
		     0, &tags),
	      E_FORMAT);                                     /* more than announced */
	t_err(decode("0202610262", 1, &tags), E_FORMAT);     /* no end */
	t_err(decode("020261026200ff", 1, &tags), E_FORMAT); /* bytes after the end */
	t_err(decode("02ffffffffffffffffff0161", 1, &tags), E_FORMAT);
	t_err(decode("0201610262"
		     "00",
		     1, &tags),
	      E_FORMAT); /* a negative length */
	t_err(decode("ffffffffffffffffffff01", 1, &tags), E_FORMAT);
	t_err(decode("01", TAG_COUNT_MAX + 1, &tags), E_LIMIT);
}

static void vector_verifies(struct bytes raw, enum signature_type type, const char *id)
{
	struct item item;
	struct note note = {0};

	if (item_parse(&item, &arena, raw, &note) < 0 || item_verify(&item, &note) < 0)
		t_fail("type %d: %s", type, note.text);
	t_u64(item.type, type);
	t_str(id_text(item.id).s, id);
	t_text(item.data, "hello");
	t_text(item.anchor, "00000000000000000000000000000123");
	t_u64(item.target.len, 32);
	t_text(tags_get(item.tags, "Type"), "Message");
	/* Any changed byte of what is signed is noticed. */
	for (size_t at = raw.len - 1; at > raw.len - 100; at -= 7) {
		uint8_t *copy = (uint8_t *)(uintptr_t)arena_copy(&arena, raw).ptr;
		copy[at] ^= 1;
		if (item_parse(&item, &arena, bytes_of(copy, raw.len), NULL) == OK)
			t_err(item_verify(&item, NULL), E_SIGNATURE);
	}
	arena_reset(&arena);
}

static void signs(struct bytes raw, const char *m)
{
	uint8_t got[SIGNED_HASH_SIZE];
	struct item item;

	t_ok(item_parse(&item, &arena, raw, NULL));
	item_signed_hash(got, item.type, item.owner, item.target, item.anchor, item.raw_tags, item.data);
	t_bytes(bytes_of(got, sizeof(got)), unhex(m));
}

TEST(what_is_signed_is_that_of_the_reference)
{
	struct item item;

	signs(unhex(type3_item),
	      "db375dd0baf81b1d04bcff204beb57d364f0392e303399ce50e148518851a5e569e3e203864913861d979bd8"
	      "2fac8505");
	signs(un64(type1_item),
	      "cde9198a80fb013aa541e324cff6d56382b7a75a696e6e014473deadc3f293ef9907ae76e943f410811fb475"
	      "1d9af407");
	t_ok(item_parse(&item, &arena, un64(type1_item), NULL));
	t_text(address_native(&arena, item.owner), "jspNVVUDCGt3bIlE9vt05vxsFZe6XuJPx_KwxHgfWQg");
	arena_release(&arena);
}

TEST(items_of_the_reference_verify)
{
	vector_verifies(un64(type1_item), SIGN_ARWEAVE, "b1rqoGR0wcn8A5dDD1-4XTy8fY1_bW-WaN4T3bJLCBc");
	vector_verifies(unhex(type2_item), SIGN_ED25519, "AGhT03O-lgraysCbNCSuBwj3bK7kvQSB_wNHS2bFl14");
	vector_verifies(unhex(type3_item), SIGN_ETHEREUM, "YIkBswyBpmohUWCAtmXU_WIrebuiKCNNwSgNuCjiXRg");
	vector_verifies(unhex(type4_item), SIGN_SOLANA, "xkM1Jzc_8H33qNyrFg5knSq-4y-QqTZE4Gq92jsPOWk");
	vector_verifies(unhex(type7_item), SIGN_TYPED_ETHEREUM, "R0TxquLVjdonl5ZKrnslCOgVdohwwOcpLAEJYV5zThA");
}

static struct item_fields vector_fields(void)
{
	static uint8_t target[32];

	memset(target, 7, sizeof(target));
	return (struct item_fields){bytes_of(target, 32), BYTES("00000000000000000000000000000123"), two_tags(),
				    BYTES("hello")};
}

static struct key *key_of_secret(const char *kty_crv, uint8_t byte)
{
	uint8_t secret[32];
	struct buf jwk = BUF_EMPTY;
	struct key *key;

	memset(secret, byte, sizeof(secret));
	buf_printf(&jwk, "{%s,\"d\":\"", kty_crv);
	buf_put_b64url(&jwk, bytes_of(secret, 32));
	buf_put_str(&jwk, "\"}");
	t_ok(key_parse(&key, buf_bytes(&jwk), NULL));
	buf_release(&jwk);
	return key;
}

/* ed25519 and RFC 6979 signatures are deterministic: the items must be the reference's, byte for byte. */
TEST(items_made_here_equal_those_of_the_reference)
{
	struct key *ed25519 = key_of_secret("\"kty\":\"OKP\",\"crv\":\"Ed25519\"", 2);
	struct key *secp256k1 = key_of_secret("\"kty\":\"EC\",\"crv\":\"secp256k1\"", 1);
	struct item_fields fields = vector_fields();
	struct buf out = BUF_EMPTY;
	struct id id;

	t_ok(item_create(&out, &id, ed25519, &fields, NULL));
	t_bytes(buf_bytes(&out), unhex(type2_item));
	t_str(id_text(key_address(ed25519)).s, "ajgD1fBZkCocba-8m6RykhL3yqwIY0zDrnaydSnwOCc");
	buf_clear(&out);
	t_ok(key_as(ed25519, SIGN_SOLANA));
	t_ok(item_create(&out, &id, ed25519, &fields, NULL));
	t_bytes(buf_bytes(&out), unhex(type4_item));
	buf_clear(&out);
	t_ok(item_create(&out, &id, secp256k1, &fields, NULL));
	t_bytes(buf_bytes(&out), unhex(type3_item));
	buf_clear(&out);
	t_ok(item_create(&out, &id, secp256k1, &(struct item_fields){0}, NULL));
	t_bytes(buf_bytes(&out), unhex(type3min_item));
	key_free(ed25519);
	key_free(secp256k1);
	buf_release(&out);
	arena_release(&arena);
}

TEST(every_cut_of_an_item_is_refused_with_a_reason)
{
	struct bytes raw = unhex(type2_item);
	size_t data_starts = raw.len - 5;
	struct item item;

	for (size_t len = 0; len < data_starts; len++) {
		struct note note = {0};
		struct arena a = ARENA_EMPTY;
		t_err(item_parse(&item, &a, bytes_of(raw.ptr, len), &note), E_FORMAT);
		t_check(note.text[0] != 0);
		arena_release(&a);
	}
	arena_release(&arena);
}

TEST(wrong_flags_types_and_sizes_are_named)
{
	struct key *key = key_of_secret("\"kty\":\"OKP\",\"crv\":\"Ed25519\"", 2);
	uint8_t *raw = (uint8_t *)(uintptr_t)unhex(type2_item).ptr;
	size_t len = strlen(type2_item) / 2;
	struct item_fields fields = vector_fields();
	struct buf out = BUF_EMPTY, huge = BUF_EMPTY;
	struct note note = {0};
	struct tag tag;
	struct item item;
	struct id id;

	raw[98] = 2;
	t_err(item_parse(&item, &arena, bytes_of(raw, len), &note), E_FORMAT);
	t_check(strstr(note.text, "target") != NULL);
	raw[0] = 9;
	t_err(item_parse(&item, &arena, bytes_of(raw, len), NULL), E_UNSUPPORTED);
	fields.target.len = 31;
	t_err(item_create(&out, &id, key, &fields, NULL), E_ARGUMENT);
	fields = vector_fields();
	memset(buf_grow(&huge, 5000), 'x', 5000);
	tag = (struct tag){BYTES("a"), buf_bytes(&huge)};
	fields.tags = (struct tags){&tag, 1};
	t_err(item_create(&out, &id, key, &fields, NULL), E_LIMIT);
	key_free(key);
	buf_release(&out);
	buf_release(&huge);
	arena_release(&arena);
}

TEST(an_ethereum_signature_has_one_form)
{
	uint8_t *raw = (uint8_t *)(uintptr_t)unhex(type3_item).ptr;
	struct bytes all = bytes_of(raw, strlen(type3_item) / 2);
	struct item item;

	raw[2 + 64] ^= 1; /* 27 <-> 28: recovers to another key */
	t_ok(item_parse(&item, &arena, all, NULL));
	t_err(item_verify(&item, NULL), E_SIGNATURE);
	raw[2 + 64] = 0; /* as some wallets write 27: it would give the same message a second id */
	t_ok(item_parse(&item, &arena, all, NULL));
	t_err(item_verify(&item, NULL), E_SIGNATURE);
	raw[2 + 64] = 1;
	t_ok(item_parse(&item, &arena, all, NULL));
	t_err(item_verify(&item, NULL), E_SIGNATURE);
	raw[2 + 64] = 99;
	t_ok(item_parse(&item, &arena, all, NULL));
	t_err(item_verify(&item, NULL), E_SIGNATURE);
	arena_release(&arena);
}

/* An item of type 6 without any signature verifies in the common client; here it must not. */
TEST(a_multi_signature_needs_its_threshold)
{
	uint8_t raw[2 + 2052 + 1025 + 2 + 16] = {6, 0};
	struct item item;

	t_ok(item_parse(&item, &arena, bytes_of(raw, sizeof(raw)), NULL));
	t_err(item_verify(&item, NULL), E_SIGNATURE);
	raw[2 + 2052 + 1024] = 1;
	t_ok(item_parse(&item, &arena, bytes_of(raw, sizeof(raw)), NULL));
	t_err(item_verify(&item, NULL), E_SIGNATURE);
	arena_release(&arena);
}

/* An item of type 6 as arbundles makes it: keys 0 to 2, of which two have to sign, and those of `signers` do. */
static struct bytes multi_item(unsigned signers)
{
	enum { OWNER = 2 + 2052, TARGET = OWNER + 1025, SIZE = TARGET + 2 + 16 + 4 };
	uint8_t *raw = arena_alloc(&arena, SIZE), m[SIGNED_HASH_SIZE];
	struct key *keys[3];

	raw[0] = SIGN_MULTI_APTOS;
	memcpy(raw + SIZE - 4, "data", 4);
	for (unsigned i = 0; i < 3; i++) {
		keys[i] = key_of_secret("\"kty\":\"OKP\",\"crv\":\"Ed25519\"", (uint8_t)(i + 1));
		memcpy(raw + OWNER + 32 * i, key_owner(keys[i]).ptr, 32);
	}
	raw[OWNER + 1024] = 2;
	item_signed_hash(m, SIGN_MULTI_APTOS, bytes_of(raw + OWNER, 1025), BYTES(""), BYTES(""), BYTES(""),
			 BYTES("data"));
	for (unsigned i = 0; i < 3; i++) {
		if (signers & 1u << i) {
			key_sign(keys[i], raw + 2 + 64 * i, m);
			raw[OWNER - 4] = (uint8_t)(raw[OWNER - 4] | 128 >> i);
		}
		key_free(keys[i]);
	}
	return bytes_of(raw, SIZE);
}

static void multi_is(struct bytes raw, enum err want)
{
	struct item item;

	t_ok(item_parse(&item, &arena, raw, NULL));
	t_err(item_verify(&item, NULL), want);
}

TEST(a_multi_signature_is_over_the_hash_and_has_one_form)
{
	struct bytes two = multi_item(5);
	uint8_t *raw = (uint8_t *)(uintptr_t)two.ptr;

	multi_is(two, OK);
	multi_is(multi_item(6), OK);
	multi_is(multi_item(7), OK);
	multi_is(multi_item(1), E_SIGNATURE);
	raw[2 + 64 + 7] = 1; /* in the slot of key 1, which did not sign */
	multi_is(two, E_SIGNATURE);
	raw[2 + 64 + 7] = 0;
	raw[2 + 128 + 7] ^= 1;
	multi_is(two, E_SIGNATURE);
	arena_release(&arena);
}

TEST_TIMEOUT(keys_survive_their_files, 120)
{
	static const enum signature_type types[] = {SIGN_ARWEAVE, SIGN_ED25519, SIGN_ETHEREUM};
	struct item_fields fields = vector_fields();
	const char *directory = t_dir();

	for (size_t i = 0; i < 3; i++) {
		struct key *key, *again;
		struct buf out = BUF_EMPTY;
		struct item item;
		struct id id;
		char path[160];

		snprintf(path, sizeof(path), "%s/key%zu.json", directory, i);
		t_ok(key_new(&key, types[i], NULL));
		t_ok(key_save(key, path, NULL));
		t_err(key_save(key, path, NULL), E_EXISTS);
		t_ok(key_load(&again, path, NULL));
		t_bytes(key_owner(again), key_owner(key));
		t_ok(item_create(&out, &id, again, &fields, NULL));
		t_ok(item_parse(&item, &arena, buf_bytes(&out), NULL));
		t_ok(item_verify(&item, NULL));
		t_check(id_eq(item.id, id));
		key_free(key);
		key_free(again);
		buf_release(&out);
	}
	t_err(key_new(&(struct key *){NULL}, SIGN_APTOS, NULL), E_UNSUPPORTED);
	t_err(key_parse(&(struct key *){NULL}, BYTES("{\"kty\":\"RSA\"}"), NULL), E_FORMAT);
	t_err(key_parse(&(struct key *){NULL}, BYTES("{\"kty\":\"oct\"}"), NULL), E_UNSUPPORTED);
	t_err(key_load(&(struct key *){NULL}, "/nonexistent/key", NULL), E_NOT_FOUND);
	arena_release(&arena);
}

/* The JWK of a fresh RSA key with the value of one member replaced, or changed in its middle. */
static enum err parse_with(const struct key *key, const char *member, const char *value)
{
	struct buf jwk = BUF_EMPTY, pattern = BUF_EMPTY;
	struct key *again = NULL;
	char *at, *end;
	enum err e;

	key_json(&jwk, key);
	buf_printf(&pattern, "\"%s\":\"", member);
	at = strstr((char *)(uintptr_t)buf_str(&jwk), buf_str(&pattern)) + pattern.len;
	end = strchr(at, '"');
	if (value) {
		buf_clear(&pattern);
		buf_printf(&pattern, "%.*s%s%s", (int)(at - (char *)jwk.ptr), (char *)jwk.ptr, value, end);
		e = key_parse(&again, buf_bytes(&pattern), NULL);
	} else {
		at[(end - at) / 2] = at[(end - at) / 2] == 'A' ? 'B' : 'A';
		e = key_parse(&again, buf_bytes(&jwk), NULL);
	}
	if (e == OK)
		key_free(again);
	buf_release(&jwk);
	buf_release(&pattern);
	return e;
}

TEST_TIMEOUT(an_rsa_key_that_cannot_sign_is_refused_when_it_is_read, 120)
{
	struct key *key;

	t_ok(key_new(&key, SIGN_ARWEAVE, NULL));
	t_ok(parse_with(key, "kty", "RSA"));
	t_err(parse_with(key, "n", NULL), E_FORMAT);
	t_err(parse_with(key, "n", "AQAB"), E_UNSUPPORTED);
	t_err(parse_with(key, "e", "Aw"), E_UNSUPPORTED);
	t_err(parse_with(key, "d", ""), E_FORMAT);
	t_err(parse_with(key, "p", "***"), E_FORMAT);
	key_free(key);
}

TEST(addresses_follow_the_owner)
{
	struct bytes key = bytes_of(unhex(type3_item).ptr + 2 + 65, 65);
	uint8_t fives[512];

	t_text(address_native(&arena, key), "wMXg2SfkzLtbvwPVDa52p5EUopaMrraR6R_scnfpm-U");
	t_text(address_for_module(&arena, BYTES("x"), key), "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1");
	memset(fives, 5, sizeof(fives));
	t_text(address_native(&arena, bytes_of(fives, 512)), "pfjrWnL7_h336J42rT2pS3zexrrhJsf3RvOxfIOZiSE");
	t_text(address_for_module(&arena, BYTES("x"), bytes_of(fives, 512)), "x");
	arena_release(&arena);
}

TEST(bundles_hold_their_items)
{
	struct bytes raw = unhex(type3_item);
	const struct bundle_entry *entries;
	struct buf out = BUF_EMPTY;
	struct bundle_entry one[2] = {{.item = raw}, {.item = raw}};
	size_t count;

	t_ok(id_parse(&one[0].id, BYTES("YIkBswyBpmohUWCAtmXU_WIrebuiKCNNwSgNuCjiXRg")));
	one[1] = one[0];
	bundle_create(&out, one, 1);
	t_u64(out.len, 347);
	t_bytes(bytes_of(out.ptr, 96),
		unhex("0100000000000000000000000000000000000000000000000000000000000000fb0000000000000000000000000000"
		      "0000000000000000000000000000000000608901b30c81a66a21516080b665d4fd622b79bba228234dc1280db828e25d"
		      "18"));
	t_ok(bundle_parse(&entries, &count, &arena, buf_bytes(&out), NULL));
	t_u64(count, 1);
	t_bytes(entries[0].item, raw);
	for (size_t len = 0; len < out.len; len++)
		t_err(bundle_parse(&entries, &count, &arena, bytes_of(out.ptr, len), NULL), E_FORMAT);
	buf_put_u8(&out, 0);
	t_err(bundle_parse(&entries, &count, &arena, buf_bytes(&out), NULL), E_FORMAT);
	buf_clear(&out);
	bundle_create(&out, one, 2);
	t_ok(bundle_parse(&entries, &count, &arena, buf_bytes(&out), NULL));
	t_u64(count, 2);
	set_u64le(out.ptr, UINT64_MAX);
	t_err(bundle_parse(&entries, &count, &arena, buf_bytes(&out), NULL), E_LIMIT);
	buf_release(&out);
	arena_release(&arena);
}

TEST_MAIN
