/* SPDX-License-Identifier: MIT */
#include "cu/result.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RESULT_VERSION = 1, RESULT_HEAD = 4, FLAG_FAILED = 1, FLAG_UNLISTED = 2, SEEN_KEY_MAX = 81 };

/* ---- from an outcome (ao-units 5.2, 5.12) ---- */

struct bytes result_empty(void)
{
	return BYTES("{\"Messages\":[],\"Assignments\":[],\"Spawns\":[],\"Output\":\"\"}");
}

static void list_or_none(struct jw *w, const char *key, const struct json *response)
{
	const struct json *list = json_get(response, key);

	jw_key(w, key);
	if (list && list->kind == JSON_ARRAY)
		jw_raw(w, json_whole(list));
	else
		jw_raw(w, BYTES("[]"));
}

static void write_output(struct jw *w, const struct json *output)
{
	jw_key(w, "Output");
	if (!output || output->kind == JSON_NULL)
		jw_cstr(w, "");
	else if (output->kind == JSON_NUMBER)
		jw_str(w, output->raw);
	else
		jw_raw(w, json_whole(output));
}

/* aos runs out of memory for a message now and then and says so in its Output only. */
static bool out_of_buffers(struct arena *a, const struct json *output)
{
	const struct json *text = output && output->kind == JSON_OBJECT ? json_get(json_get(output, "data"), "output")
									: output;

	return text && text->kind == JSON_STRING &&
	       bytes_ends(json_text(a, text), "not enough memory for buffer allocation");
}

void result_of_outcome(struct result *out, struct arena *a, const struct outcome *outcome)
{
	const struct json *response = NULL, *output, *error;
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);

	if (outcome->response.len && json_parse(&response, a, outcome->response, NULL) < 0)
		response = NULL;
	output = json_get(response, "Output");
	error = json_get(response, "Error");
	*out = (struct result){.gas_used = outcome->gas_used, .failed = outcome->error.len || json_truthy(error)};
	out->keeps_memory = !out->failed && !out_of_buffers(a, output);

	jw_object(&w);
	list_or_none(&w, "Messages", response);
	list_or_none(&w, "Assignments", response);
	list_or_none(&w, "Spawns", response);
	write_output(&w, output);
	if (!outcome->error.len)
		jw_member_u64(&w, "GasUsed", outcome->gas_used);
	if (out->failed) {
		jw_key(&w, "Error");
		jw_raw(&w, outcome->error.len ? outcome->error : json_whole(error));
	}
	jw_object_end(&w);
	out->json = arena_copy(a, buf_bytes(&json));
	buf_release(&json);
}

/* ---- keeping ---- */

struct bytes result_key_write(uint8_t out[RESULT_KEY_SIZE], struct id process, const struct result_key *key)
{
	memcpy(out, process.b, 32);
	set_u64be(out + 32, key->timestamp_ms);
	set_u64be(out + 40, key->ordinate);
	for (int i = 0; i < 4; i++)
		out[48 + i] = (uint8_t)(key->cron >> (24 - 8 * i));
	return bytes_of(out, RESULT_KEY_SIZE);
}

void result_key_read(struct result_key *out, struct bytes key)
{
	out->timestamp_ms = get_u64be(key.ptr + 32);
	out->ordinate = get_u64be(key.ptr + 40);
	out->cron = (uint32_t)key.ptr[48] << 24 | (uint32_t)key.ptr[49] << 16 | (uint32_t)key.ptr[50] << 8 |
		    key.ptr[51];
}

static bool read_value(struct result *out, struct bytes value)
{
	size_t name;

	if (value.len < RESULT_HEAD || value.ptr[0] != RESULT_VERSION)
		return false;
	name = get_u16le(value.ptr + 2);
	if (name > value.len - RESULT_HEAD)
		return false;
	*out = (struct result){
		.failed = value.ptr[1] & FLAG_FAILED,
		.unlisted = value.ptr[1] & FLAG_UNLISTED,
		.cron_name = bytes_of(value.ptr + RESULT_HEAD, name),
		.json = bytes_from(value, RESULT_HEAD + name),
	};
	return true;
}

void result_put(struct store_batch *b, struct id process, const struct result_key *key, const struct result *result)
{
	uint8_t row[RESULT_KEY_SIZE], head[RESULT_HEAD] = {RESULT_VERSION};
	struct buf value = BUF_EMPTY;

	head[1] = (uint8_t)((result->failed ? FLAG_FAILED : 0) | (result->unlisted ? FLAG_UNLISTED : 0));
	set_u16le(head + 2, (uint16_t)result->cron_name.len);
	buf_put(&value, head, sizeof(head));
	buf_put_bytes(&value, result->cron_name);
	buf_put_bytes(&value, result->json);
	store_put(b, TABLE_RESULT, result_key_write(row, process, key), buf_bytes(&value));
	buf_release(&value);
	for (size_t i = 0; i < result->read_count; i++)
		read_put(b, process, key, &result->reads[i]);
}

static struct bytes id_key(uint8_t out[64], struct id process, struct id id)
{
	memcpy(out, id.b, 32);
	memcpy(out + 32, process.b, 32);
	return bytes_of(out, 64);
}

void result_put_id(struct store_batch *b, struct id process, struct id id, const struct result_key *key)
{
	uint8_t row[RESULT_KEY_SIZE], by_id[64];

	store_put(b, TABLE_RESULT_ID, id_key(by_id, process, id), result_key_write(row, process, key));
}

enum err result_get(struct store *s, struct arena *a, struct id process, struct bytes id, struct result *out)
{
	struct bytes key, value;
	uint8_t by_id[64];
	struct id wanted;
	enum err e;

	if (id_parse(&wanted, id) < 0)
		return E_NOT_FOUND;
	e = store_get(s, TABLE_RESULT_ID, id_key(by_id, process, wanted), a, &key);
	if (e == OK)
		e = store_get(s, TABLE_RESULT, key, a, &value);
	if (e < 0)
		return e;
	return read_value(out, value) ? OK : E_CORRUPT;
}

/* ---- cursors ---- */

static enum err bad_cursor(struct note *note, struct bytes text)
{
	return note_err(note, E_ARGUMENT,
			"a cursor is what a page gave, or a timestamp in milliseconds; this is neither: \"%.*s\"",
			BYTES_FMT(text));
}

static bool read_number(struct arena *a, const struct json *node, uint64_t *out)
{
	return json_u64(node, out) || bytes_u64(json_text(a, node), out);
}

enum err cursor_parse(struct cursor *out, struct arena *a, struct bytes text, struct note *note)
{
	uint8_t *plain = arena_alloc(a, text.len + 1);
	const struct json *json = NULL;
	struct bytes sort;
	size_t len;

	*out = (struct cursor){.given = true};
	if (b64_decode(plain, text.len, &len, text) < 0 || json_parse(&json, a, bytes_of(plain, len), NULL) < 0 ||
	    json->kind != JSON_OBJECT)
		return bytes_u64(text, &out->key.timestamp_ms) ? OK : bad_cursor(note, text);
	if (!read_number(a, json_get(json, "timestamp"), &out->key.timestamp_ms))
		return bad_cursor(note, text);
	out->has_ordinate = read_number(a, json_get(json, "ordinate"), &out->key.ordinate);
	out->cron = json_get_text(a, json, "cron");
	sort = json_get_text(a, json, "sort");
	out->has_sort = sort.len > 0;
	out->descending = bytes_eq_str(sort, "DESC");
	return OK;
}

void cursor_write(struct buf *out, const struct result_key *key, struct bytes cron_name, bool descending)
{
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);
	char ordinate[24];

	snprintf(ordinate, sizeof(ordinate), "%" PRIu64, key->ordinate);
	jw_object(&w);
	jw_member_u64(&w, "timestamp", key->timestamp_ms);
	jw_member(&w, "ordinate", bytes_str(ordinate));
	jw_key(&w, "cron");
	if (cron_name.len)
		jw_str(&w, cron_name);
	else
		jw_null(&w);
	jw_member(&w, "sort", bytes_str(descending ? "DESC" : "ASC"));
	jw_object_end(&w);
	buf_put_b64(out, buf_bytes(&json));
	buf_release(&json);
}

/* ---- pages ---- */

/* A page ends early rather than grow past this. */
#define PAGE_BYTES_MAX ((size_t)64 << 20)

struct paging {
	const struct results_ask *ask;
	struct arena *arena;
	struct jw w;
	size_t count;
	bool more;
};

/* The first key past what a lower cursor excludes, or an upper one includes. A cursor is exact as far as it says: without an
 * ordinate a lower one excludes nothing of its timestamp, and an upper one includes all of it (ao-units 5.4). */
static struct bytes bound(uint8_t out[RESULT_KEY_SIZE + 1], struct id process, const struct cursor *c, bool lower)
{
	struct result_key key = c->key;

	if (!c->has_ordinate) {
		key.ordinate = lower ? 0 : UINT64_MAX;
		key.cron = lower ? 0 : UINT32_MAX;
	} else if (c->cron.len) { /* a cron that is not there: all of them are met */
		key.cron = UINT32_MAX;
	}
	result_key_write(out, process, &key);
	out[RESULT_KEY_SIZE] = 0;
	return bytes_of(out, RESULT_KEY_SIZE + !(lower && !c->has_ordinate));
}

static void write_node(struct paging *p, struct bytes json)
{
	const struct json *result = NULL;
	static const char *const keys[] = {"Messages", "Assignments", "Spawns", "Output"};

	jw_key(&p->w, "node");
	jw_object(&p->w);
	if (json_parse(&result, p->arena, json, NULL) == OK) {
		for (size_t i = 0; i < 4; i++) {
			const struct json *member = json_get(result, keys[i]);
			jw_key(&p->w, keys[i]);
			jw_raw(&p->w, json_whole(member));
		}
	}
	jw_object_end(&p->w);
}

static bool see_result(void *ctx, struct bytes key, struct bytes value)
{
	struct paging *p = ctx;
	struct buf cursor = BUF_EMPTY;
	struct result_key at;
	struct result r;

	if (key.len != RESULT_KEY_SIZE || !read_value(&r, value) || r.failed || r.unlisted ||
	    (p->ask->crons_only && r.cron_name.len == 0))
		return true;
	if (p->count == p->ask->limit || p->w.out->len >= PAGE_BYTES_MAX) {
		p->more = true;
		return false;
	}
	p->count++;
	arena_reset(p->arena);
	result_key_read(&at, key);
	jw_object(&p->w);
	write_node(p, r.json);
	cursor_write(&cursor, &at, r.cron_name, p->ask->descending);
	jw_member(&p->w, "cursor", buf_bytes(&cursor));
	jw_object_end(&p->w);
	buf_release(&cursor);
	return true;
}

/* Finds the number that a cron's name has among those between two messages, so that a cursor is a key. */
struct naming {
	struct bytes name;
	uint32_t cron;
	bool found;
};

static bool see_name(void *ctx, struct bytes key, struct bytes value)
{
	struct naming *n = ctx;
	struct result_key at;
	struct result r;

	if (key.len != RESULT_KEY_SIZE || !read_value(&r, value) || !bytes_eq(r.cron_name, n->name))
		return true;
	result_key_read(&at, key);
	n->cron = at.cron;
	n->found = true;
	return false;
}

static enum err resolve(struct store *s, struct id process, struct cursor *c)
{
	uint8_t from[RESULT_KEY_SIZE], to[RESULT_KEY_SIZE];
	struct result_key last = c->key;
	struct naming n = {.name = c->cron};
	struct store_range range;
	enum err e;

	if (!c->given || !c->cron.len || !c->has_ordinate)
		return OK;
	c->key.cron = 0;
	last.cron = UINT32_MAX;
	range = (struct store_range){.from = result_key_write(from, process, &c->key),
				     .to = result_key_write(to, process, &last)};
	e = store_scan(s, TABLE_RESULT, &range, see_name, &n);
	if (n.found) {
		c->key.cron = n.cron;
		c->cron = bytes_of(NULL, 0);
	}
	return e;
}

void page_json(struct buf *out, struct bytes edges, bool more)
{
	struct jw w = jw_on(out);

	jw_object(&w);
	jw_key(&w, "pageInfo");
	jw_object(&w);
	jw_key(&w, "hasNextPage");
	jw_bool(&w, more);
	jw_object_end(&w);
	jw_key(&w, "edges");
	jw_raw(&w, edges);
	jw_object_end(&w);
}

enum err results_page(struct buf *out, struct store *s, struct id process, const struct results_ask *ask, size_t *count)
{
	uint8_t from[RESULT_KEY_SIZE + 1], to[RESULT_KEY_SIZE + 1], end[32];
	struct cursor low = ask->from, high = ask->to;
	struct store_range range = {.backward = ask->descending};
	struct arena a = ARENA_EMPTY;
	struct buf edges = BUF_EMPTY;
	struct paging p = {.ask = ask, .arena = &a, .w = jw_on(&edges)};
	enum err e = resolve(s, process, &low);

	if (e == OK)
		e = resolve(s, process, &high);
	range.from = low.given ? bound(from, process, &low, true) : bytes_of(process.b, 32);
	range.to = high.given ? bound(to, process, &high, false) : store_prefix_end(end, bytes_of(process.b, 32));
	jw_array(&p.w);
	if (e == OK)
		e = store_scan(s, TABLE_RESULT, &range, see_result, &p);
	jw_array_end(&p.w);
	page_json(out, buf_bytes(&edges), p.more);
	if (count)
		*count = p.count;
	buf_release(&edges);
	arena_release(&a);
	return e;
}

/* ---- what was seen ---- */

static struct bytes seen_key(uint8_t out[SEEN_KEY_MAX], struct id process, enum seen_kind kind, struct bytes hash)
{
	must(33 + hash.len <= SEEN_KEY_MAX);
	memcpy(out, process.b, 32);
	out[32] = (uint8_t)kind;
	memcpy(out + 33, hash.ptr, hash.len);
	return bytes_of(out, 33 + hash.len);
}

bool seen_before(struct store *s, struct id process, enum seen_kind kind, struct bytes hash, uint64_t nonce)
{
	uint8_t key[SEEN_KEY_MAX];
	struct arena a = ARENA_EMPTY;
	struct bytes value;
	bool seen = store_get(s, TABLE_SEEN, seen_key(key, process, kind, hash), &a, &value) == OK && value.len == 8 &&
		    get_u64be(value.ptr) < nonce;

	arena_release(&a);
	return seen;
}

void seen_put(struct store_batch *b, struct id process, enum seen_kind kind, struct bytes hash, uint64_t nonce)
{
	uint8_t key[SEEN_KEY_MAX], value[8];

	set_u64be(value, nonce);
	store_put(b, TABLE_SEEN, seen_key(key, process, kind, hash), bytes_of(value, 8));
}
