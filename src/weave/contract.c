/* SPDX-License-Identifier: MIT */
#include "weave/contract.h"

#include "base/text.h"
#include "flow/wait.h"
#include "msg/bundle.h"
#include "msg/item.h"
#include "weave/remote.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the bench: one weave, its servers, one sender ---- */

struct arena arena;
struct store *store;
struct key *key, *sender;
struct local_weave *weave;
struct weave port;
uint16_t gateway_port, uploader_port;
struct http_client *client;

void start(struct store *on, uint64_t block_ms)
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

void serve(void)
{
	struct note note = {0};

	t_ok(local_weave_serve(weave, "127.0.0.1", 0, &gateway_port, &note));
	t_ok(local_weave_serve_uploader(weave, "127.0.0.1", 0, &uploader_port, &note));
	client = http_client_open(20000, NULL);
}

void stop(void)
{
	if (client)
		http_client_close(client);
	client = NULL;
	local_weave_close(weave);
	store_close(store);
}

struct store *open_local(const char *directory)
{
	struct store *s;
	struct note note = {0};

	if (store_open_local(&s, directory, NULL, &note) < 0)
		t_fail("%s", note.text);
	return s;
}

struct bytes make_for(struct id *id, const struct id *target, struct tags tags, struct bytes data)
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
struct bytes make(struct id *id, struct bytes data, ...)
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

struct bytes make_bundle(struct id *id, const struct bytes *items, const struct id *ids, size_t count)
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

struct bytes text(struct id id)
{
	return arena_copy(&arena, bytes_str(id_text(id).s));
}

void put(struct bytes item)
{
	struct note note = {0};

	if (weave_put_wait(&port, item, &note) < 0)
		t_fail("%s", note.text);
}

struct bytes data_of(struct id id)
{
	struct note note = {0};
	struct bytes data;

	if (weave_data_wait(&port, &arena, text(id), &data, &note) < 0)
		t_fail("%s: %s", id_text(id).s, note.text);
	return data;
}

struct weave_meta meta_of(struct id id)
{
	struct note note = {0};
	struct weave_meta meta;

	if (weave_meta_wait(&port, &arena, text(id), &meta, &note) < 0)
		t_fail("%s: %s", id_text(id).s, note.text);
	return meta;
}

uint64_t height(void)
{
	uint64_t h;

	t_ok(weave_height_wait(&port, &h, NULL));
	return h;
}

/* ---- HTTP, through a socket: the answer as it is on the wire ---- */

struct bytes fetch(uint16_t to, const char *method, const char *path, const char *headers, struct bytes body)
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

unsigned status_of(struct bytes answer)
{
	uint64_t status = 0;

	bytes_u64(bytes_of(answer.ptr + 9, answer.len > 12 ? 3 : 0), &status);
	return (unsigned)status;
}

struct bytes body_of(struct bytes answer)
{
	const char *end = memmem(answer.ptr, answer.len, "\r\n\r\n", 4);

	t_check(end != NULL);
	return bytes_from(answer, (size_t)((const uint8_t *)end + 4 - answer.ptr));
}

/* A header of the answer; empty when it has none. */
struct bytes header_of(struct bytes answer, const char *name)
{
	struct bytes rest = bytes_of(answer.ptr, (size_t)(body_of(answer).ptr - answer.ptr)), line, value;

	while (rest.len) {
		line = bytes_cut(rest, '\n', &rest);
		if (bytes_case_eq(bytes_cut(line, ':', &value), name))
			return bytes_of(value.ptr + 1, value.len - 2);
	}
	return bytes_of(NULL, 0);
}

struct bytes get(const char *format, ...)
{
	char path[300];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return fetch(gateway_port, "GET", path, "", bytes_of(NULL, 0));
}

const struct json *json_of(struct bytes answer)
{
	const struct json *json;

	t_ok(json_parse(&json, &arena, body_of(answer), NULL));
	return json;
}

struct bytes post(uint16_t to, const char *path, const char *type, struct bytes body)
{
	char header[200];

	snprintf(header, sizeof(header), "Content-Type: %s\r\n", type);
	return fetch(to, "POST", path, header, body);
}

uint64_t number_of(const struct json *object, const char *name)
{
	uint64_t n = UINT64_MAX;

	json_u64(json_get(object, name), &n);
	return n;
}

void mine(void)
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

void check_port(void)
{
	struct key *before_us = sender, *fresh = fresh_key();
	struct bytes ids[3], owner = text(key_address(fresh)), types[] = {BYTES("A"), BYTES("B")};
	struct weave_tag_filter filter = {BYTES("Type"), types, 2};
	struct weave_query query = {.owners = &owner, .owner_count = 1, .tags = &filter, .tag_count = 1, .first = 2};
	const struct weave_meta *list;
	const struct weave_block *blocks;
	const struct json *json;
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

	/* What a node says of them. */
	t_ok(weave_transaction_wait(&port, &arena, text(c), &data, &note));
	t_ok(json_parse(&json, &arena, data, &note));
	t_bytes(json_get_text(&arena, json, "id"), text(c));
	t_bytes(json_get_text(&arena, json, "target"), text(target));
	t_text(json_get_text(&arena, json, "data_size"), "5");
	t_u64(json_get(json, "tags")->count, 2);
	t_ok(weave_block_wait(&port, &arena, before + 1, &data, &note));
	t_ok(json_parse(&json, &arena, data, &note));
	t_u64(number_of(json, "height"), before + 1);
	t_err(weave_transaction_wait(&port, &arena, text(target), &data, &note), E_NOT_FOUND);
	note_reset(&note);
	t_err(weave_transaction_wait(&port, &arena, BYTES("info"), &data, &note), E_NOT_FOUND);
	note_reset(&note);
	t_err(weave_block_wait(&port, &arena, before + 3, &data, &note), E_NOT_FOUND);
	note_reset(&note);

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

struct weave remote_to(uint16_t gateway, uint16_t uploader)
{
	struct remote_weave_options options = {
		.client = client,
		.gateway = arena_printf(&arena, "http://127.0.0.1:%u/", gateway),
		.uploader = uploader ? arena_printf(&arena, "http://127.0.0.1:%u", uploader) : bytes_of(NULL, 0),
		.retry_ms = 1};

	return remote_weave_new(&options);
}
