/* SPDX-License-Identifier: MIT
 *
 * The weave as gateways, nodes and bundlers are asked: over HTTP, as it is on the wire.
 */
#include "base/clock.h"
#include "base/text.h"
#include "flow/wait.h"
#include "msg/deephash.h"
#include "weave/contract.h"
#include "weave/merkle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BIG = 20 << 20 };

TEST(receipts_are_signed_and_stay_the_same)
{
	struct deephash list = deephash_list(5);
	struct bytes item, answer;
	const struct json *receipt, *again;
	uint8_t signature[64];
	size_t len;
	struct id id;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	item = make(&id, BYTES("x"), NULL);
	answer = post(uploader_port, "/tx/arweave", HTTP_BYTES, item);
	t_u64(status_of(answer), 200);
	receipt = json_of(answer);
	t_bytes(json_get_text(&arena, receipt, "id"), text(id));
	t_u64(number_of(receipt, "deadlineHeight"), 200);
	t_bytes(json_get_text(&arena, receipt, "owner"), text(key_address(key)));
	deephash_add_blob(&list, BYTES("Bundlr"));
	deephash_add_blob(&list, json_get_text(&arena, receipt, "version"));
	deephash_add_blob(&list, json_get_text(&arena, receipt, "id"));
	deephash_add_blob(&list, json_get(receipt, "deadlineHeight")->raw);
	deephash_add_blob(&list, json_get(receipt, "timestamp")->raw);
	t_ok(b64url_decode(signature, sizeof(signature), &len, json_get_text(&arena, receipt, "signature")));
	t_ok(signature_verify(SIGN_ED25519, key_owner(key), bytes_of(signature, len), list.b, NULL));

	mine();
	clock_sleep_ms(2);
	again = json_of(post(gateway_port, "/tx", HTTP_BYTES, item));
	t_bytes(json_whole(again), json_whole(receipt));
	again = json_of(fetch(uploader_port, "GET",
			      arena_cstr(&arena, arena_printf(&arena, "/v1/tx/%s/status", id_text(id).s)), "",
			      bytes_of(NULL, 0)));
	t_bytes(json_get_text(&arena, again, "status"), BYTES("FINALIZED"));

	t_u64(status_of(post(uploader_port, "/v1/tx", "application/json", item)), 400);
	t_u64(status_of(post(uploader_port, "/tx", HTTP_BYTES, BYTES(""))), 400);
	t_u64(status_of(post(uploader_port, "/tx", HTTP_BYTES, BYTES("{\"not\":\"an item\"}"))), 400);
	t_u64(status_of(post(uploader_port, "/tx", HTTP_BYTES, bytes_of(item.ptr, item.len - 1))), 400);
	t_u64(status_of(fetch(uploader_port, "GET", "/info", "", bytes_of(NULL, 0))), 200);
	t_u64(status_of(fetch(uploader_port, "GET", "/tx/x/status", "", bytes_of(NULL, 0))), 404);
	stop();
}

static void check_ranges(struct id id)
{
	static const struct {
		const char *range;
		unsigned status;
		const char *content_range;
		size_t len;
	} cases[] = {
		{"bytes=0-499", 206, "bytes 0-499/1000", 500},
		{"bytes=500-", 206, "bytes 500-999/1000", 500},
		{"bytes=-100", 206, "bytes 900-999/1000", 100},
		{"bytes=999-1000", 206, "bytes 999-999/1000", 1},
		{"bytes=0-99999", 206, "bytes 0-999/1000", 1000},
		{"bytes=1000-1001", 416, "bytes */1000", 0},
		{"bytes=5-2", 416, "bytes */1000", 0},
		{"bytes=abc", 416, "bytes */1000", 0},
		{"garbage", 400, "", 0},
		{"bytes=0-1,5-6", 200, "", 1000},
	};
	struct bytes whole = data_of(id);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[60], header[60];
		struct bytes answer;
		uint64_t first = 0;
		snprintf(path, sizeof(path), "/%s", id_text(id).s);
		snprintf(header, sizeof(header), "Range: %s\r\n", cases[i].range);
		answer = fetch(gateway_port, "GET", path, header, bytes_of(NULL, 0));
		t_u64(status_of(answer), cases[i].status);
		t_text(header_of(answer, "Content-Range"), cases[i].content_range);
		if (cases[i].len == 0)
			continue;
		bytes_u64(bytes_cut(bytes_from(bytes_str(cases[i].content_range), 6), '-', NULL), &first);
		t_bytes(body_of(answer), bytes_of(whole.ptr + first, cases[i].len));
	}
}

TEST(payloads_are_served_with_their_tags)
{
	char etag[64], path[60];
	struct bytes thousand = bytes_of(arena_alloc(&arena, 1000), 1000), answer;
	struct id id, plain;

	for (size_t i = 0; i < 1000; i++)
		((uint8_t *)(uintptr_t)thousand.ptr)[i] = (uint8_t)i;
	start(store_open_memory(), NO_BLOCKS);
	serve();
	put(make(&id, thousand, "Content-Type", "text/plain", "Data-Protocol", "ao", "Type", "Process", "Type",
		 "second", "Memory-Limit", "1-gb", "Set-Cookie", "evil=1", "Na me", "with a blank", "Umlaut",
		 "\xc3\xa4", "Evil", "a\r\nSet-Cookie: x", "X-Own", "mine", NULL));
	put(make(&plain, BYTES(""), NULL));
	answer = get("/%s", id_text(id).s);
	t_u64(status_of(answer), 200);
	t_bytes(body_of(answer), thousand);
	t_text(header_of(answer, "Content-Type"), "text/plain");
	t_text(header_of(answer, "type"), "Process");
	t_text(header_of(answer, "memory-limit"), "1-gb");
	t_text(header_of(answer, "data-protocol"), "ao");
	t_u64(header_of(answer, "Set-Cookie").len, 0);
	t_text(header_of(answer, "X-Arweave-Tag-Set-Cookie"), "evil=1");
	t_text(header_of(answer, "X-Arweave-Tag-Na_me"), "with a blank");
	t_text(header_of(answer, "X-Arweave-Tag-Evil"), "aSet-Cookie: x");
	t_text(header_of(answer, "X-Arweave-Tag-Count"), "10");
	t_u64(header_of(answer, "X-Own").len, 0);
	t_text(header_of(answer, "Accept-Ranges"), "bytes");
	t_text(header_of(answer, "Access-Control-Allow-Origin"), "*");
	check_ranges(id);

	snprintf(etag, sizeof(etag), "If-None-Match: %.*s\r\n", BYTES_FMT(header_of(answer, "ETag")));
	snprintf(path, sizeof(path), "/raw/%s", id_text(id).s);
	t_u64(status_of(fetch(gateway_port, "GET", path, etag, bytes_of(NULL, 0))), 304);
	answer = fetch(gateway_port, "HEAD", path, "", bytes_of(NULL, 0));
	t_u64(status_of(answer), 200);
	t_text(header_of(answer, "Content-Length"), "1000");
	t_u64(body_of(answer).len, 0);
	answer = get("/%s", id_text(plain).s);
	t_text(header_of(answer, "Content-Type"), HTTP_BYTES);
	t_text(header_of(answer, "Content-Length"), "0");
	stop();
}

TEST(hundreds_of_tags_do_not_break_the_headers)
{
	struct tag_list tags = tag_list_on(&arena);
	struct bytes answer;
	struct id id;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	for (int i = 0; i < 300; i++)
		tag_list_add(&tags, arena_printf(&arena, "n%d", i), BYTES("value"));
	put(make_for(&id, NULL, tag_list_tags(&tags), BYTES("x")));
	answer = get("/%s", id_text(id).s);
	t_u64(status_of(answer), 200);
	t_text(header_of(answer, "n0"), "value");
	t_text(header_of(answer, "X-Arweave-Tags-Truncated"), "true");
	t_text(body_of(answer), "x");
	stop();
}

static void check_big(struct store *on)
{
	uint8_t *big = malloc(BIG);
	char path[60];
	struct bytes item, answer;
	struct id inner, outer;
	struct bytes pair[2];
	struct id ids[2];

	t_check(big != NULL);
	for (size_t i = 0; i < BIG; i++)
		big[i] = (uint8_t)(i * 2654435761u >> 13);
	start(on, NO_BLOCKS);
	serve();
	item = make(&inner, bytes_of(big, BIG), "Content-Type", "application/wasm", NULL);
	pair[0] = make(&ids[0], BYTES(""), NULL);
	pair[1] = item;
	ids[1] = inner;
	t_u64(status_of(post(uploader_port, "/tx", HTTP_BYTES, make_bundle(&outer, pair, ids, 2))), 200);
	answer = get("/raw/%s", id_text(inner).s);
	t_u64(status_of(answer), 200);
	t_text(header_of(answer, "Content-Type"), "application/wasm");
	t_bytes(body_of(answer), bytes_of(big, BIG));
	t_bytes(data_of(inner), bytes_of(big, BIG));
	t_u64(data_of(ids[0]).len, 0);
	answer = get("/%s", id_text(ids[0]).s);
	t_u64(status_of(answer), 200);
	t_u64(body_of(answer).len, 0);
	snprintf(path, sizeof(path), "/%s", id_text(inner).s);
	answer = fetch(gateway_port, "GET", path, "Range: bytes=10000000-10000099\r\n", bytes_of(NULL, 0));
	t_u64(status_of(answer), 206);
	t_bytes(body_of(answer), bytes_of(big + 10000000, 100));
	answer = fetch(gateway_port, "HEAD", path, "", bytes_of(NULL, 0));
	t_text(header_of(answer, "Content-Length"), "20971520");
	t_u64(status_of(get("/tx/%s/data", id_text(inner).s)), 400);
	stop();
	free(big);
}

TEST(twenty_megabytes_go_in_and_out)
{
	check_big(open_local(t_dir()));
	check_big(store_open_memory());
}

TEST(a_damaged_payload_is_not_passed_on)
{
	const char *directory = t_dir();
	struct bytes big = bytes_of(arena_alloc(&arena, 400000), 400000), data;
	struct note note = {0};
	struct id id;
	char command[400];

	start(open_local(directory), NO_BLOCKS);
	put(make(&id, big, NULL));
	snprintf(command, sizeof(command),
		 "f=$(find '%s/blobs' -type f) && printf X | dd of=\"$f\" bs=1 seek=200000 conv=notrunc 2>/dev/null",
		 directory);
	t_check(system(command) == 0);
	t_err(weave_data_wait(&port, &arena, text(id), &data, &note), E_CORRUPT);
	stop();
}

static struct bytes answer_text(const char *path)
{
	struct bytes answer = get("%s", path);

	t_u64(status_of(answer), 200);
	return body_of(answer);
}

TEST(nodes_are_asked_the_usual_things)
{
	const struct json *json;
	struct bytes current;
	struct id id;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	put(make(&id, BYTES("hello"), "Name", "value", NULL));
	t_u64(json_of(get("/tx/pending"))->count, 1);
	t_u64(status_of(get("/tx/%s/status", id_text(id).s)), 202);
	mine();
	json = json_of(get("/info"));
	t_u64(number_of(json, "height"), 1);
	t_u64(number_of(json, "blocks"), 2);
	current = json_get_text(&arena, json, "current");
	t_bytes(json_whole(json_of(get("/"))), json_whole(json));
	t_text(answer_text("/height"), "1");
	t_bytes(answer_text("/tx_anchor"), current);
	t_text(answer_text("/peers"), "[]");
	t_text(answer_text("/price/1000"), "65595508");
	t_text(answer_text("/price/0"), "0");
	t_u64(status_of(get("/price/abc")), 400);
	t_u64(status_of(get("/price/18446744073709551615")), 400);
	json = json_of(get("/block/current"));
	t_bytes(json_get_text(&arena, json, "indep_hash"), current);
	t_bytes(json_whole(json_of(get("/block/hash/%.*s", BYTES_FMT(current)))), json_whole(json));
	t_bytes(json_whole(json_of(get("/block/height/1"))), json_whole(json));
	t_u64(status_of(get("/block/height/2")), 404);
	t_u64(status_of(get("/block/height/x")), 400);
	t_u64(status_of(get("/block/hash/x")), 400);

	json = json_of(get("/tx/%s", id_text(id).s));
	t_bytes(json_get_text(&arena, json, "id"), text(id));
	t_text(json_get_text(&arena, json, "data_size"), "5");
	json = json_at(json_get(json, "tags"), 0);
	t_text(json_get_text(&arena, json, "value"), "dmFsdWU");
	json = json_of(get("/tx/%s/status", id_text(id).s));
	t_u64(number_of(json, "block_height"), 1);
	t_u64(number_of(json, "number_of_confirmations"), 1);
	t_text(body_of(get("/tx/%s/data", id_text(id).s)), "aGVsbG8");
	t_text(body_of(get("/tx/%s/data.txt", id_text(id).s)), "hello");
	t_text(body_of(get("/tx/%s/data_size", id_text(id).s)), "5");
	t_text(body_of(get("/tx/%s/tags", id_text(id).s)), "[{\"name\":\"TmFtZQ\",\"value\":\"dmFsdWU\"}]");
	t_text(body_of(get("/tx/%s/quantity", id_text(id).s)), "0");
	t_u64(status_of(get("/tx/%s/nope", id_text(id).s)), 400);
	t_u64(status_of(get("/tx/%s/offset", id_text(id).s)), 404);

	t_u64(status_of(get("/%s", id_text(key_address(key)).s)), 404);
	t_u64(status_of(get("/raw/%s", id_text(key_address(key)).s)), 404);
	t_u64(status_of(get("/tx/%s", id_text(key_address(key)).s)), 404);
	t_u64(status_of(get("/BI1KStNPlDXZdfSxGf0o-UVIeTUqL9itzsZj5idGHf2")), 400);
	t_u64(status_of(get("/favicon.ico")), 404);
	t_u64(status_of(get("/mine/x")), 400);
	t_u64(status_of(fetch(gateway_port, "DELETE", "/info", "", bytes_of(NULL, 0))), 405);
	stop();
}

TEST(graphql_is_asked_by_get_and_post)
{
	struct bytes answer;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	answer = get("/graphql?query=query+A($n:Int)%%7Bblocks(first:$n)%%7Bcount%%7D%%7D&variables=%%7B%%22n%%22:1%%7D"
		     "&operationName=A");
	t_u64(status_of(answer), 200);
	t_text(body_of(answer), "{\"data\":{\"blocks\":{\"count\":\"1\"}}}");
	answer = post(gateway_port, "/graphql", "application/json; charset=utf-8",
		      BYTES("{\"query\":\"{blocks{count}}\"}"));
	t_text(body_of(answer), "{\"data\":{\"blocks\":{\"count\":\"1\"}}}");
	t_text(header_of(answer, "Content-Type"), HTTP_JSON);
	t_u64(status_of(get("/graphql")), 400);
	t_u64(status_of(get("/graphql?query=%%7Bblocks%%7Bcount%%7D%%7D&variables=x")), 400);
	t_u64(status_of(post(gateway_port, "/graphql", HTTP_JSON, BYTES("nonsense"))), 400);
	t_u64(status_of(fetch(gateway_port, "OPTIONS", "/graphql", "", bytes_of(NULL, 0))), 204);
	stop();
}

/* ---- transactions of layer 1 ---- */

static const struct json *vectors(void)
{
	static struct buf file;
	const char *path = t_data("golden/weave-vectors.json");
	const struct json *all;

	if (!path)
		return NULL;
	file = t_file(path);
	t_ok(json_parse(&all, &arena, buf_bytes(&file), NULL));
	return all;
}

TEST(data_roots_are_those_of_arweave)
{
	const struct json *all = vectors();
	uint8_t *data;

	if (!all)
		return;
	for (const struct json *row = json_get(json_get(all, "merkle"), "table")->first; row; row = row->next) {
		uint64_t size = number_of(row, "size");
		struct id shared, plain;
		data = malloc(size + 1);
		for (size_t i = 0; i < size; i++)
			data[i] = (uint8_t)(i % 251);
		shared = merkle_root(bytes_of(data, size), MERKLE_CLIENT);
		plain = merkle_root(bytes_of(data, size), MERKLE_PLAIN);
		t_bytes(text(shared), json_get_text(&arena, row, "data_root"));
		t_bytes(text(plain), json_get_text(&arena, row, "plain_256k_split_root"));
		free(data);
	}
}

static void check_item_of_bundle(const struct json *want)
{
	struct bytes id = json_get_text(&arena, want, "id"), answer = get("/%.*s", BYTES_FMT(id));
	const struct json *node;

	t_u64(status_of(answer), 200);
	t_u64(body_of(answer).len, number_of(want, "data_size"));
	node = json_of(post(gateway_port, "/graphql", HTTP_JSON,
			    arena_printf(&arena,
					 "{\"query\":\"{transaction(id:\\\"%.*s\\\"){recipient anchor owner{address} "
					 "bundledIn{id}}}\"}",
					 BYTES_FMT(id))));
	node = json_get(json_get(node, "data"), "transaction");
	t_bytes(json_get_text(&arena, node, "recipient"), json_get_text(&arena, want, "target"));
	t_bytes(json_get_text(&arena, node, "anchor"), json_get_text(&arena, want, "anchor_b64url"));
	t_bytes(json_get_text(&arena, json_get(node, "owner"), "address"),
		json_get_text(&arena, want, "owner_address"));
	t_bytes(json_get_text(&arena, json_get(node, "bundledIn"), "id"), json_get_text(&arena, want, "bundledIn"));
}

/* The vectors write the transaction's data only once, beside it. */
static struct bytes with_data(struct bytes tx, struct bytes data)
{
	static const char place[] = "<= bundle_b64url>";
	const uint8_t *at = memmem(tx.ptr, tx.len, place, strlen(place));

	t_check(at != NULL);
	return arena_printf(&arena, "%.*s%.*s%.*s", (int)(at - tx.ptr), (const char *)tx.ptr, BYTES_FMT(data),
			    BYTES_FMT(bytes_from(tx, (size_t)(at - tx.ptr) + strlen(place))));
}

TEST(a_bundle_of_layer_1_is_opened)
{
	const struct json *all = vectors(), *bundle, *tx;
	struct bytes body;

	if (!all)
		return;
	start(store_open_memory(), NO_BLOCKS);
	serve();
	bundle = json_get(all, "bundle");
	body = with_data(json_whole(json_get(bundle, "l1_transaction")), json_get(bundle, "bundle_b64url")->raw);
	t_u64(status_of(post(gateway_port, "/tx", HTTP_JSON, body)), 200);
	t_u64(status_of(post(gateway_port, "/tx", HTTP_JSON, body)), 208);
	for (const struct json *i = json_get(bundle, "items")->first; i; i = i->next)
		check_item_of_bundle(i);
	mine();
	tx = json_get(json_of(get("/block/height/1")), "txs");
	t_u64(tx->count, 1);
	stop();
}

TEST(transactions_of_layer_1_are_checked)
{
	const struct json *all = vectors(), *t, *tx;
	struct bytes answer;
	unsigned taken = 0;

	if (!all)
		return;
	start(store_open_memory(), NO_BLOCKS);
	serve();
	for (t = json_get(all, "transactions")->first; t; t = t->next) {
		bool chunked = json_get_text(&arena, json_get(t, "json"), "data").len == 0 &&
			       !bytes_eq_str(json_get_text(&arena, json_get(t, "json"), "data_size"), "0");
		answer = post(gateway_port, "/tx", HTTP_JSON, json_whole(json_get(t, "json")));
		t_u64(status_of(answer), chunked ? 400 : 200);
		if (chunked)
			t_check(strstr(arena_cstr(&arena, body_of(answer)), "chunks"));
		taken += !chunked;
	}
	t_u64(taken, 3);
	t = json_get(json_at(json_get(all, "transactions"), 0), "json");
	tx = json_of(get("/tx/%.*s", BYTES_FMT(json_get_text(&arena, t, "id"))));
	static const char *const fields[] = {"id",        "last_tx",   "owner",  "target",   "quantity",
					     "data_size", "data_root", "reward", "signature"};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		t_bytes(json_get_text(&arena, tx, fields[i]), json_get_text(&arena, t, fields[i]));
	t_bytes(json_whole(json_get(tx, "tags")), arena_copy(&arena, json_whole(json_get(tx, "tags"))));
	t_text(body_of(get("/%.*s", BYTES_FMT(json_get_text(&arena, t, "id")))), "hello weave");

	t_u64(status_of(post(gateway_port, "/tx", HTTP_JSON, BYTES("{"))), 400);
	t_u64(status_of(post(gateway_port, "/tx", HTTP_JSON, BYTES("{\"format\":1}"))), 400);
	t_u64(status_of(post(gateway_port, "/tx", HTTP_JSON, json_whole(json_get(json_get(all, "v1"), "json")))), 400);
	t_u64(status_of(post(gateway_port, "/tx", HTTP_JSON, json_whole(json_get(json_get(all, "ecdsa"), "json")))),
	      400);
	stop();
}

/* Each field changed by one character makes the transaction false. */
TEST(a_changed_transaction_is_refused)
{
	static const char *const fields[] = {"last_tx",   "owner",  "target",    "quantity", "data",
					     "data_root", "reward", "signature", "id",       "data_size"};
	const struct json *all = vectors(), *t;

	if (!all)
		return;
	start(store_open_memory(), NO_BLOCKS);
	serve();
	t = json_get(json_at(json_get(all, "transactions"), 0), "json");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct bytes whole = json_whole(t), value = json_get(t, fields[i])->raw,
			     copy = arena_copy(&arena, whole);
		uint8_t *at = (uint8_t *)(uintptr_t)copy.ptr + (value.ptr - whole.ptr);
		*at = *at == '1' ? '2' : *at == 'A' ? 'B' : *at >= '0' && *at <= '9' ? '1' : 'A';
		if (status_of(post(gateway_port, "/tx", HTTP_JSON, copy)) != 400)
			t_fail("%s was changed and nobody noticed", fields[i]);
	}
	stop();
}

TEST_MAIN
