/* SPDX-License-Identifier: MIT
 *
 * A weave over a store in memory or on disk, asked through its port, through a port made of URLs, and over HTTP.
 */
#include "base/clock.h"
#include "base/text.h"
#include "flow/wait.h"
#include "http/http.h"
#include "msg/bundle.h"
#include "msg/deephash.h"
#include "msg/item.h"
#include "msg/key.h"
#include "store/store.h"
#include "test/test.h"
#include "weave/local.h"
#include "weave/merkle.h"
#include "weave/payload.h"
#include "weave/remote.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NO_BLOCKS = 3600000, BIG = 20 << 20 };

/* ---- the bench: one weave, its servers, one sender ---- */

static struct arena arena;
static struct store *store;
static struct key *key, *sender;
static struct local_weave *weave;
static struct weave port;
static uint16_t gateway_port, uploader_port;
static struct http_client *client;

static void start(struct store *on, uint64_t block_ms)
{
	struct note note = {0};

	store = on;
	if (!key) {
		t_ok(key_new(&key, SIGN_ED25519, &note));
		t_ok(key_new(&sender, SIGN_ED25519, &note));
	}
	t_ok(local_weave_open(&weave, &(struct local_weave_options){.store = store, .key = key, .block_ms = block_ms},
			      &note));
	port = local_weave_port(weave);
}

static void serve(void)
{
	struct note note = {0};

	t_ok(local_weave_serve(weave, "127.0.0.1", 0, &gateway_port, &note));
	t_ok(local_weave_serve_uploader(weave, "127.0.0.1", 0, &uploader_port, &note));
	client = http_client_open(20000, NULL);
}

static void stop(void)
{
	if (client)
		http_client_close(client);
	client = NULL;
	local_weave_close(weave);
	store_close(store);
}

static struct store *open_local(const char *directory)
{
	struct store *s;
	struct note note = {0};

	if (store_open_local(&s, directory, NULL, &note) < 0)
		t_fail("%s", note.text);
	return s;
}

static struct bytes make_for(struct id *id, const struct id *target, struct tags tags, struct bytes data)
{
	struct item_fields fields = {
		.tags = tags, .data = data, .target = target ? bytes_of(target->b, 32) : bytes_of(NULL, 0)};
	struct buf raw = BUF_EMPTY;
	struct bytes copy;

	t_ok(item_create(&raw, id, sender, &fields, NULL));
	copy = arena_copy(&arena, buf_bytes(&raw));
	buf_release(&raw);
	return copy;
}

/* An item with tags given as name, value, ..., NULL. */
static struct bytes make(struct id *id, struct bytes data, ...)
{
	struct tag_list tags = tag_list_on(&arena);
	const char *name;
	va_list args;

	va_start(args, data);
	while ((name = va_arg(args, const char *)))
		tag_list_add_str(&tags, name, va_arg(args, const char *));
	va_end(args);
	return make_for(id, NULL, tag_list_tags(&tags), data);
}

static struct bytes make_bundle(struct id *id, const struct bytes *items, const struct id *ids, size_t count)
{
	struct bundle_entry *entries = arena_new_array(&arena, count, struct bundle_entry);
	struct buf data = BUF_EMPTY;
	struct bytes item;

	for (size_t i = 0; i < count; i++)
		entries[i] = (struct bundle_entry){ids[i], items[i]};
	bundle_create(&data, entries, count);
	item = make(id, buf_bytes(&data), "Bundle-Format", "binary", "Bundle-Version", "2.0.0", NULL);
	buf_release(&data);
	return item;
}

static struct bytes text(struct id id)
{
	return arena_copy(&arena, bytes_str(id_text(id).s));
}

static void put(struct bytes item)
{
	struct note note = {0};

	if (weave_put_wait(&port, item, &note) < 0)
		t_fail("%s", note.text);
}

static struct bytes data_of(struct id id)
{
	struct note note = {0};
	struct bytes data;

	if (weave_data_wait(&port, &arena, text(id), &data, &note) < 0)
		t_fail("%s: %s", id_text(id).s, note.text);
	return data;
}

static struct weave_meta meta_of(struct id id)
{
	struct note note = {0};
	struct weave_meta meta;

	if (weave_meta_wait(&port, &arena, text(id), &meta, &note) < 0)
		t_fail("%s: %s", id_text(id).s, note.text);
	return meta;
}

static uint64_t height(void)
{
	uint64_t h;

	t_ok(weave_height_wait(&port, &h, NULL));
	return h;
}

/* ---- HTTP, through a socket: the answer as it is on the wire ---- */

static struct bytes fetch(uint16_t to, const char *method, const char *path, const char *headers, struct bytes body)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(to), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct buf out = BUF_EMPTY;
	struct bytes copy;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t sent = 0;
	ssize_t n;

	t_check(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	buf_printf(&out, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n", method,
		   path, body.len, headers);
	buf_put_bytes(&out, body);
	while (sent < out.len && (n = write(fd, out.ptr + sent, out.len - sent)) > 0)
		sent += (size_t)n;
	buf_clear(&out);
	do {
		buf_reserve(&out, 65536);
		n = read(fd, out.ptr + out.len, 65536);
		out.len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	close(fd);
	copy = arena_copy(&arena, buf_bytes(&out));
	buf_release(&out);
	return copy;
}

static unsigned status_of(struct bytes answer)
{
	uint64_t status = 0;

	bytes_u64(bytes_of(answer.ptr + 9, answer.len > 12 ? 3 : 0), &status);
	return (unsigned)status;
}

static struct bytes body_of(struct bytes answer)
{
	const char *end = memmem(answer.ptr, answer.len, "\r\n\r\n", 4);

	t_check(end != NULL);
	return bytes_from(answer, (size_t)((const uint8_t *)end + 4 - answer.ptr));
}

/* A header of the answer; empty when it has none. */
static struct bytes header_of(struct bytes answer, const char *name)
{
	struct bytes rest = bytes_of(answer.ptr, (size_t)(body_of(answer).ptr - answer.ptr)), line, value;

	while (rest.len) {
		line = bytes_cut(rest, '\n', &rest);
		if (bytes_case_eq(bytes_cut(line, ':', &value), name))
			return bytes_of(value.ptr + 1, value.len - 2);
	}
	return bytes_of(NULL, 0);
}

static struct bytes get(const char *format, ...)
{
	char path[300];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return fetch(gateway_port, "GET", path, "", bytes_of(NULL, 0));
}

static const struct json *json_of(struct bytes answer)
{
	const struct json *json;

	t_ok(json_parse(&json, &arena, body_of(answer), NULL));
	return json;
}

static struct bytes post(uint16_t to, const char *path, const char *type, struct bytes body)
{
	char header[200];

	snprintf(header, sizeof(header), "Content-Type: %s\r\n", type);
	return fetch(to, "POST", path, header, body);
}

static uint64_t number_of(const struct json *object, const char *name)
{
	uint64_t n = UINT64_MAX;

	json_u64(json_get(object, name), &n);
	return n;
}

static void mine(void)
{
	t_u64(status_of(get("/mine")), 200);
}

/* ---- the contract of the port: the same cases over both kinds ---- */

static struct key *fresh_key(void)
{
	struct key *k;

	t_ok(key_new(&k, SIGN_ED25519, NULL));
	return k;
}

static void check_port(void)
{
	struct key *before_us = sender, *fresh = fresh_key();
	struct bytes ids[3], owner = text(key_address(fresh)), types[] = {BYTES("A"), BYTES("B")};
	struct weave_tag_filter filter = {BYTES("Type"), types, 2};
	struct weave_query query = {.owners = &owner, .owner_count = 1, .tags = &filter, .tag_count = 1, .first = 2};
	const struct weave_meta *list;
	const struct weave_block *blocks;
	struct note note = {0};
	struct weave_meta meta;
	struct bytes data;
	struct id a, b, c, target = key_address(key);
	struct tag_list tags = tag_list_on(&arena);
	uint64_t confirmations, before = height();
	size_t count;

	sender = fresh;
	put(make(&a, BYTES("first"), "Type", "A", NULL));
	put(make(&b, BYTES(""), "Type", "B", NULL));
	tag_list_add_str(&tags, "Type", "C");
	tag_list_add_str(&tags, "Na\"me", "v\\al\nue\xc3\xa9");
	put(make_for(&c, &target, tag_list_tags(&tags), BYTES("third")));
	put(make_for(&c, &target, tag_list_tags(&tags),
		     BYTES("third"))); /* another: ed25519 signs the same: the same */

	t_text(data_of(a), "first");
	t_u64(data_of(b).len, 0);
	meta = meta_of(c);
	t_bytes(meta.id, text(c));
	t_bytes(meta.recipient, text(target));
	t_bytes(meta.owner_address, owner);
	t_bytes(meta.owner_key, key_owner(sender));
	t_u64(meta.signature.len, 86);
	t_u64(meta.anchor.len, 0);
	t_u64(meta.data_size, 5);
	t_text(tags_get(meta.tags, "Na\"me"), "v\\al\nue\xc3\xa9");
	t_check(!meta.mined);
	t_u64(meta.block_height, 0);
	t_ok(weave_status_wait(&port, text(c), &confirmations, &note));
	t_u64(confirmations, 0);

	/* By owner and tag, in both directions, and with a bound. */
	t_ok(weave_find_wait(&port, &arena, &query, &list, &count, &note));
	t_u64(count, 2);
	t_bytes(list[0].id, text(b));
	t_bytes(list[1].id, text(a));
	query.oldest_first = true;
	query.first = 1;
	t_ok(weave_find_wait(&port, &arena, &query, &list, &count, &note));
	t_u64(count, 1);
	t_bytes(list[0].id, text(a));
	ids[0] = text(c);
	ids[1] = BYTES("nonsense");
	ids[2] = text(a);
	query = (struct weave_query){.ids = ids, .id_count = 3, .first = 10};
	t_ok(weave_find_wait(&port, &arena, &query, &list, &count, &note));
	t_u64(count, 2);
	t_bytes(list[0].id, text(c));

	/* A block gives a height. */
	mine();
	mine();
	t_u64(height(), before + 2);
	meta = meta_of(a);
	t_check(meta.mined);
	t_u64(meta.block_height, before + 1);
	t_check(meta.block_timestamp > 1600000000 && meta.block_timestamp < 100000000000);
	t_ok(weave_status_wait(&port, text(a), &confirmations, &note));
	t_u64(confirmations, 2);
	t_ok(weave_blocks_wait(&port, &arena, before + 1, 10, &blocks, &count, &note));
	t_u64(count, 2);
	t_u64(blocks[0].height, before + 1);
	t_u64(blocks[1].height, before + 2);
	t_u64(blocks[0].id.len, 64);
	t_u64(blocks[0].timestamp, meta.block_timestamp);
	t_ok(weave_blocks_wait(&port, &arena, before, 2, &blocks, &count, &note));
	t_u64(count, 2);
	t_u64(blocks[0].height, before);
	t_ok(weave_blocks_wait(&port, &arena, before + 3, 2, &blocks, &count, &note));
	t_u64(count, 0);

	/* What is not there, and what is wrong. */
	t_err(weave_data_wait(&port, &arena, text(target), &data, &note), E_NOT_FOUND);
	note_reset(&note);
	t_err(weave_data_wait(&port, &arena, BYTES("../../etc/passwd"), &data, &note), E_NOT_FOUND);
	note_reset(&note);
	t_err(weave_status_wait(&port, text(target), &confirmations, &note), E_NOT_FOUND);
	note_reset(&note);
	t_err(weave_put_wait(&port, BYTES("not an item"), &note), E_UNSUPPORTED);
	note_reset(&note);
	data = make(&a, BYTES("broken"), NULL);
	((uint8_t *)(uintptr_t)data.ptr)[data.len - 1] ^= 1;
	t_err(weave_put_wait(&port, data, &note), E_SIGNATURE);
	t_check(note.text[0]);
	query = (struct weave_query){.ids = ids + 1, .id_count = 1, .first = 10};
	t_ok(weave_find_wait(&port, &arena, &query, &list, &count, &note));
	t_u64(count, 0);
	key_free(fresh);
	sender = before_us;
}

static struct weave remote_to(uint16_t gateway, uint16_t uploader)
{
	struct remote_weave_options options = {
		.client = client,
		.gateway = arena_printf(&arena, "http://127.0.0.1:%u/", gateway),
		.uploader = uploader ? arena_printf(&arena, "http://127.0.0.1:%u", uploader) : bytes_of(NULL, 0),
		.retry_ms = 1};

	return remote_weave_new(&options);
}

TEST(the_port_keeps_its_contract)
{
	start(store_open_memory(), NO_BLOCKS);
	serve();
	check_port();
	stop();
	start(open_local(t_dir()), NO_BLOCKS);
	serve();
	check_port();
	stop();
}

TEST(the_port_made_of_urls_keeps_the_same)
{
	struct weave remote;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	remote = port = remote_to(gateway_port, uploader_port);
	check_port();
	remote_weave_free(remote);
	/* The gateway takes items, too. */
	remote = port = remote_to(gateway_port, 0);
	check_port();
	remote_weave_free(remote);
	stop();
}

TEST(long_lists_come_in_pages)
{
	struct bytes owner;
	struct weave_query query = {.owners = &owner, .owner_count = 1, .first = 250, .oldest_first = true};
	const struct weave_meta *list;
	const struct weave_block *blocks;
	struct note note = {0};
	struct id ids[230];
	struct weave remote;
	size_t count;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	owner = text(key_address(sender));
	for (int i = 0; i < 230; i++) {
		char number[8];
		snprintf(number, sizeof(number), "%d", i);
		put(make(&ids[i], bytes_str(number), NULL));
	}
	t_u64(status_of(get("/mine/230")), 200);
	remote = port = remote_to(gateway_port, uploader_port);
	t_ok(weave_find_wait(&port, &arena, &query, &list, &count, &note));
	t_u64(count, 230);
	for (size_t i = 0; i < count; i++)
		t_bytes(list[i].id, text(ids[i]));
	query.first = 101;
	t_ok(weave_find_wait(&port, &arena, &query, &list, &count, &note));
	t_u64(count, 101);
	t_ok(weave_blocks_wait(&port, &arena, 3, 205, &blocks, &count, &note));
	t_u64(count, 205);
	t_u64(blocks[204].height, 207);
	remote_weave_free(remote);
	stop();
}

/* ---- a gateway that misbehaves ---- */

static atomic_int asked;

static void answer_500(void *ctx, struct http_request *r)
{
	(void)ctx;
	atomic_fetch_add(&asked, 1);
	http_answer(r, 500, HTTP_TEXT, BYTES("boom"));
}

static void answer_nonsense(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 200, HTTP_JSON, BYTES("{\"data\":[}"));
}

static void answer_empty(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 200, HTTP_JSON, BYTES("{\"data\":{}}"));
}

static void answer_errors(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 200, HTTP_JSON, BYTES("{\"errors\":[{\"message\":\"the index sleeps\"}],\"data\":null}"));
}

/* The first two times nothing, then what is wanted. */
static void answer_third(void *ctx, struct http_request *r)
{
	(void)ctx;
	if (atomic_fetch_add(&asked, 1) < 2)
		http_answer(r, asked == 1 ? 503 : 429, HTTP_TEXT, BYTES("later"));
	else
		http_answer(r, 200, HTTP_JSON, BYTES("{\"height\":77}"));
}

static enum err ask_bad(http_handler *handle, enum err *find, enum err *status, enum err *puts, struct note *note)
{
	struct http_options options = {.address = "127.0.0.1",
				       .name = "bad",
				       .fallback = handle,
				       .body_max = 1 << 20,
				       .threads = 2,
				       .connections_max = 20};
	struct id id = key_address(key);
	struct bytes ids = text(id);
	struct weave_query query = {.ids = &ids, .id_count = 1, .first = 1};
	const struct weave_meta *list;
	struct http_server *server;
	struct weave remote;
	struct note ignored = {0};
	uint64_t number;
	size_t count;
	enum err e;

	atomic_store(&asked, 0);
	t_ok(http_serve(&server, &options, &ignored));
	remote = remote_to(http_server_port(server), 0);
	note_reset(note);
	e = weave_height_wait(&remote, &number, &ignored);
	if (find) {
		*find = weave_find_wait(&remote, &arena, &query, &list, &count, note);
		*status = weave_status_wait(&remote, ids, &number, &ignored);
		*puts = weave_put_wait(&remote, make(&id, BYTES("x"), NULL), &ignored);
	}
	remote_weave_free(remote);
	http_stop(server, 1000);
	return e;
}

TEST(a_gateway_that_fails_is_an_error_with_a_cause)
{
	struct note note = {0};
	struct weave remote;
	enum err find, status, puts;
	uint64_t number;
	struct id id;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	t_err(ask_bad(answer_500, &find, &status, &puts, &note), E_PEER);
	t_err(find, E_PEER);
	t_err(status, E_PEER);
	t_err(puts, E_PEER);
	t_u64((unsigned)atomic_load(&asked), 20); /* each five times */
	t_str(note.text, "boom");
	t_err(ask_bad(answer_nonsense, &find, &status, &puts, &note), E_PEER);
	t_err(find, E_PEER);
	t_err(status, E_PEER);
	t_err(puts, OK); /* a bundler need not say anything */
	t_err(ask_bad(answer_empty, &find, &status, &puts, &note), E_PEER);
	t_err(find, E_PEER);
	t_check(strstr(note.text, "without a list of transactions"));
	t_err(ask_bad(answer_errors, &find, &status, &puts, &note), E_PEER);
	t_err(find, E_PEER);
	t_str(note.text, "the gateway's GraphQL says: the index sleeps");
	t_err(ask_bad(answer_third, NULL, NULL, NULL, &note), OK);
	t_u64((unsigned)atomic_load(&asked), 3);

	/* Nobody there at all. */
	local_weave_close(weave);
	remote = remote_to(gateway_port, uploader_port);
	t_err(weave_height_wait(&remote, &number, &note), E_PEER);
	note_reset(&note);
	t_err(weave_put_wait(&remote, make(&id, BYTES("x"), NULL), &note), E_PEER);
	t_check(note.text[0]);
	remote_weave_free(remote);
	http_client_close(client);
	client = NULL;
	store_close(store);
}

/* ---- bundles ---- */

TEST(what_is_bundled_is_found)
{
	struct bytes items[4], again;
	struct id ids[4], inner, outer, beside, lost = {{9}};
	struct note note = {0};
	struct weave_meta meta;
	const struct json *node;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	items[0] = make(&ids[0], BYTES("one"), "Type", "Message", NULL);
	items[1] = make(&ids[1], BYTES("two"), "Type", "Message", NULL);
	items[2] = make_bundle(&inner, items, ids, 2);
	ids[2] = inner;
	beside = ids[1];
	again = items[1];
	items[1] = make(&ids[1], BYTES("three"), NULL);
	/* Something broken, and something under another's id, are passed over. */
	items[0] = make(&ids[0], BYTES("bad"), NULL);
	((uint8_t *)(uintptr_t)items[0].ptr)[items[0].len - 1] ^= 1;
	items[3] = make(&ids[3], BYTES("liar"), NULL);
	ids[3] = lost;
	put(make_bundle(&outer, items, ids, 4));

	t_text(data_of(ids[1]), "three");
	t_text(data_of(beside), "two");
	t_bytes(meta_of(inner).id, text(inner));
	t_err(weave_meta_wait(&port, &arena, text(ids[0]), &meta, &note), E_NOT_FOUND);
	note_reset(&note);
	t_err(weave_meta_wait(&port, &arena, text(lost), &meta, &note), E_NOT_FOUND);
	node = json_of(post(gateway_port, "/graphql", HTTP_JSON,
			    arena_printf(&arena, "{\"query\":\"{transaction(id:\\\"%s\\\"){bundledIn{id}}}\"}",
					 id_text(beside).s)));
	node = json_get(json_get(json_get(node, "data"), "transaction"), "bundledIn");
	t_bytes(json_get_text(&arena, node, "id"), text(inner));
	/* The same item in another bundle stays where it was; alone it is accepted again. */
	put(make_bundle(&outer, &again, &beside, 1));
	put(again);
	node = json_of(post(
		gateway_port, "/graphql", HTTP_JSON,
		BYTES("{\"query\":\"{transactions(tags:[{name:\\\"Type\\\",values:[\\\"Message\\\"]}]){count}}\"}")));
	t_bytes(json_get_text(&arena, json_get(json_get(node, "data"), "transactions"), "count"), BYTES("2"));
	stop();
}

static struct bytes bundle_in_bundle(struct id *id, struct bytes item, struct id item_id, int levels)
{
	for (int i = 0; i < levels; i++) {
		item = make_bundle(id, &item, &item_id, 1);
		item_id = *id;
	}
	return item;
}

TEST(bundles_are_opened_ten_deep)
{
	struct note note = {0};
	struct weave_meta meta;
	struct id id, top;
	struct bytes item;

	start(store_open_memory(), NO_BLOCKS);
	item = make(&id, BYTES("deep"), NULL);
	put(bundle_in_bundle(&top, item, id, 10));
	t_text(data_of(id), "deep");
	item = make(&id, BYTES("deeper"), NULL);
	put(bundle_in_bundle(&top, item, id, 11));
	t_err(weave_meta_wait(&port, &arena, text(id), &meta, &note), E_NOT_FOUND);
	stop();
}

/* ---- durability ---- */

static size_t count_blocks(uint64_t from)
{
	size_t linked = 0;
	struct bytes previous = {0};

	for (uint64_t h = from; h <= height(); h++, linked++) {
		const struct json *block = json_of(get("/block/height/%" PRIu64, h));
		t_u64(number_of(block, "height"), h);
		t_bytes(json_get_text(&arena, block, "previous_block"), previous);
		previous = json_get_text(&arena, block, "indep_hash");
		t_u64(previous.len, 64);
	}
	return linked;
}

TEST(what_was_accepted_is_there_after_a_restart)
{
	const char *directory = t_dir();
	struct bytes big = bytes_of(arena_alloc(&arena, 1 << 20), 1 << 20);
	struct id small, large, pending;
	struct weave_meta meta;
	uint64_t before;

	memset((void *)(uintptr_t)big.ptr, 'x', big.len);
	start(open_local(directory), NO_BLOCKS);
	serve();
	put(make(&small, BYTES("small"), "Type", "A", NULL));
	put(make(&large, big, NULL));
	mine();
	put(make(&pending, BYTES("pending"), NULL));
	before = height();
	t_u64(before, 1);
	stop();

	start(open_local(directory), NO_BLOCKS);
	serve();
	t_u64(height(), before);
	t_text(data_of(small), "small");
	t_bytes(data_of(large), big);
	meta = meta_of(large);
	t_u64(meta.block_height, 1);
	t_check(!meta_of(pending).mined);
	mine();
	t_u64(meta_of(pending).block_height, 2);
	t_u64(json_get(json_of(get("/block/height/2")), "txs")->count, 1);
	t_u64(count_blocks(0), 3);
	stop();
}

TEST(blocks_come_by_themselves)
{
	start(store_open_memory(), 5);
	serve();
	while (height() < 10)
		clock_sleep_ms(5);
	t_check(count_blocks(0) >= 11);
	stop();
}

TEST(a_disk_that_fails_accepts_nothing)
{
	struct note note = {0};
	struct weave_meta meta;
	struct id first, second;

	start(store_open_faulty(store_open_memory(), 2), NO_BLOCKS);
	serve();
	put(make(&first, BYTES("kept"), NULL));
	t_err(weave_put_wait(&port, make(&second, BYTES("lost"), NULL), &note), E_IO);
	note_reset(&note);
	t_err(weave_meta_wait(&port, &arena, text(second), &meta, &note), E_NOT_FOUND);
	t_text(data_of(first), "kept");
	t_u64(status_of(get("/mine")), 500);
	t_u64(status_of(post(uploader_port, "/tx", HTTP_BYTES, make(&second, BYTES("x"), NULL))), 500);
	stop();
}

struct crowd {
	struct bytes *items;
	size_t count, from;
};

static void *put_all(void *ctx)
{
	struct crowd *c = ctx;

	for (size_t i = 0; i < c->count; i++)
		put(c->items[(c->from + i) % c->count]);
	return NULL;
}

TEST(many_at_once_are_each_taken_once)
{
	enum { THREADS = 6, ITEMS = 60 };
	struct bytes items[ITEMS];
	struct crowd crowd[THREADS];
	pthread_t threads[THREADS];
	struct id id;
	size_t seen = 0;

	start(store_open_memory(), 2);
	serve();
	for (int i = 0; i < ITEMS; i++) {
		char number[8];
		snprintf(number, sizeof(number), "%d", i);
		items[i] = make(&id, bytes_str(number), NULL);
	}
	for (size_t i = 0; i < THREADS; i++) {
		crowd[i] = (struct crowd){items, ITEMS, i * 7};
		t_check(pthread_create(&threads[i], NULL, put_all, &crowd[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	mine();
	for (uint64_t h = 0; h <= height(); h++)
		seen += json_get(json_of(get("/block/height/%" PRIu64, h)), "txs")->count;
	t_u64(seen, ITEMS);
	stop();
}

/* ---- HTTP ---- */

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
	pair[0] = make(&ids[0], BYTES("beside"), NULL);
	pair[1] = item;
	ids[1] = inner;
	t_u64(status_of(post(uploader_port, "/tx", HTTP_BYTES, make_bundle(&outer, pair, ids, 2))), 200);
	answer = get("/raw/%s", id_text(inner).s);
	t_u64(status_of(answer), 200);
	t_text(header_of(answer, "Content-Type"), "application/wasm");
	t_bytes(body_of(answer), bytes_of(big, BIG));
	t_bytes(data_of(inner), bytes_of(big, BIG));
	t_text(data_of(ids[0]), "beside");
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
