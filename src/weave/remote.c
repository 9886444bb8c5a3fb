/* SPDX-License-Identifier: MIT */
#include "weave/remote.h"

#include "base/text.h"
#include "flow/peer.h"
#include "msg/item.h"
#include "weave/document.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TRIES = 5,
	RETRY_MS = 500,
	RETRY_MS_MAX = 8000,
	PAGE_MAX = 100, /* what every gateway gives at once */
};
#define PAYLOAD_MAX ((size_t)1 << 30)

struct remote {
	struct peer *gateway, *graphql, *node, *uploader;
	struct peer_retry retry;
	atomic_bool away; /* the newest answer was none */
	struct log *log;
};

static const char *const json_headers[] = {"Content-Type: application/json", "Accept: application/json", NULL};
static const char *const item_headers[] = {"Content-Type: application/octet-stream", "Accept: application/json", NULL};

/* One call on its way. */
struct asking {
	struct remote *remote;
	struct arena arena; /* of what comes back */
	union {
		weave_put_done *put;
		weave_find_done *find;
		weave_data_done *data;
		weave_height_done *height;
		weave_blocks_done *blocks;
		weave_status_done *status;
	} done;
	void *ctx;
	struct id_text id;
	struct buf body; /* of the request under way */
	/* of what comes in pages */
	const struct weave_query *query;
	struct weave_meta *metas;
	struct weave_block *blocks;
	size_t count, limit;
	uint64_t height_next;
	struct bytes cursor;
	/* of a transaction that is an item */
	struct bytes id_text;
	struct weave_query by_id;
};

static struct asking *asking_new(struct remote *remote, void *ctx)
{
	struct asking *a = calloc(1, sizeof(*a));

	must(a != NULL);
	a->remote = remote;
	a->ctx = ctx;
	return a;
}

static void asking_free(struct asking *a)
{
	arena_release(&a->arena);
	buf_release(&a->body);
	free(a);
}

/* The note of a failure: the peer's, or ours on what it answered. */
static const struct note *say(const struct asking *a, enum err e, const struct note *given, const struct note *ours)
{
	const struct note *note = given && given->text[0] ? given : ours;

	if (e == OK) {
		if (atomic_exchange(&a->remote->away, false))
			log_event(a->remote->log, LOG_INFO, "weave.remote", "state=back");
		return NULL;
	}
	/* Said once: somebody asks for the height every second. */
	if (e == E_PEER && !atomic_exchange(&a->remote->away, true))
		log_event(a->remote->log, LOG_ODD, "weave.remote", "state=away error=\"%s\"", note_text(note, e));
	return note;
}

static void ask_get(struct asking *a, struct peer *peer, const char *path, bool accepted_is_busy,
		    peer_answered *answered)
{
	struct ask ask = {.method = "GET",
			  .path = bytes_str(path),
			  .headers = json_headers + 1,
			  .retry = a->remote->retry,
			  .answer_max = PAYLOAD_MAX};

	ask.retry.accepted_is_busy = accepted_is_busy;
	peer_ask(peer, &ask, answered, a);
}

/* An id goes into a path only when it is one. */
static bool take_id(struct asking *a, struct bytes text, struct note *note)
{
	struct id id;

	if (id_parse(&id, text) < 0) {
		note_err(note, E_NOT_FOUND, "\"%.*s\" is not an id", BYTES_FMT(text));
		return false;
	}
	a->id = id_text(id);
	return true;
}

/* ---- put ---- */

static void on_put(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;

	(void)body;
	if (e < 0 && e != E_EXISTS)
		a->done.put(a->ctx, e, note, bytes_of(NULL, 0));
	else
		a->done.put(a->ctx, OK, NULL, bytes_str(a->id.s));
	asking_free(a);
}

static void put(void *self, struct bytes raw, weave_put_done *done, void *ctx)
{
	struct asking *a = asking_new(self, ctx);
	struct ask ask = {.method = "POST",
			  .path = BYTES("/tx"),
			  .headers = item_headers,
			  .body = raw,
			  .retry = a->remote->retry,
			  .post_again = true};
	struct note note = {0};
	struct item item;
	enum err e = item_parse(&item, &a->arena, raw, &note);

	if (e < 0) {
		done(ctx, e, &note, bytes_of(NULL, 0));
		asking_free(a);
		return;
	}
	a->done.put = done;
	a->id = id_text(item.id);
	peer_ask(a->remote->uploader, &ask, on_put, a);
}

/* ---- GraphQL ---- */

static void ask_graphql(struct asking *a, peer_answered *answered)
{
	struct ask ask = {.method = "POST",
			  .path = BYTES(""),
			  .headers = json_headers,
			  .body = buf_bytes(&a->body),
			  .retry = a->remote->retry,
			  .post_again = true};

	peer_ask(a->remote->graphql, &ask, answered, a);
}

/* The connection in an answer, or an error: what GraphQL calls one, too. */
static enum err read_connection(const struct json **out, struct arena *arena, struct bytes body, const char *name,
				struct note *note)
{
	const struct json *answer, *errors;

	if (json_parse(&answer, arena, body, note) < 0)
		return E_PEER;
	errors = json_get(answer, "errors");
	if (errors && errors->count)
		return note_err(note, E_PEER, "the gateway's GraphQL says: %.*s",
				BYTES_FMT(json_get_text(arena, json_at(errors, 0), "message")));
	*out = json_get(json_get(answer, "data"), name);
	if (!*out || !json_get(*out, "edges") || json_get(*out, "edges")->kind != JSON_ARRAY)
		return note_err(note, E_PEER, "the gateway's GraphQL answers without a list of %s", name);
	return OK;
}

static bool has_next_page(const struct json *connection)
{
	return json_truthy(json_get(json_get(connection, "pageInfo"), "hasNextPage"));
}

/* Numbers come as numbers or as strings of digits. */
static uint64_t read_number(struct arena *arena, const struct json *object, const char *key)
{
	const struct json *node = json_get(object, key);
	uint64_t n = 0;

	if (!json_u64(node, &n))
		bytes_u64(json_text(arena, node), &n);
	return n;
}

/* What is no base64url ("<not-found>", say) is not known. */
static struct bytes decoded(struct arena *arena, struct bytes text)
{
	uint8_t *out = arena_alloc(arena, text.len);
	size_t len;

	return b64url_decode(out, text.len, &len, text) == OK ? bytes_of(out, len) : bytes_of(NULL, 0);
}

/* ---- find ---- */

static void texts(struct jw *w, const struct bytes *list, size_t count)
{
	jw_array(w);
	for (size_t i = 0; i < count; i++)
		jw_str(w, list[i]);
	jw_array_end(w);
}

static void find_variables(struct jw *w, const struct asking *a)
{
	const struct weave_query *q = a->query;
	size_t left = a->limit - a->count;

	jw_object(w);
	if (q->id_count) {
		jw_key(w, "ids");
		texts(w, q->ids, q->id_count);
	}
	if (q->owner_count) {
		jw_key(w, "owners");
		texts(w, q->owners, q->owner_count);
	}
	if (q->tag_count) {
		jw_key(w, "tags");
		jw_array(w);
		for (size_t i = 0; i < q->tag_count; i++) {
			jw_object(w);
			jw_member(w, "name", q->tags[i].name);
			jw_key(w, "values");
			texts(w, q->tags[i].values, q->tags[i].value_count);
			jw_object_end(w);
		}
		jw_array_end(w);
	}
	jw_member_u64(w, "first", left < PAGE_MAX ? left : PAGE_MAX);
	if (a->cursor.len)
		jw_member(w, "after", a->cursor);
	jw_object_end(w);
}

/* Only what is asked for is mentioned: to some gateways an absent list and null are not the same. */
static void find_text(struct buf *text, const struct asking *a)
{
	const struct weave_query *q = a->query;

	buf_printf(text, "query($first:Int!%s%s%s%s){transactions(first:$first sort:%s%s%s%s%s)",
		   q->id_count ? " $ids:[ID!]!" : "", q->owner_count ? " $owners:[String!]!" : "",
		   q->tag_count ? " $tags:[TagFilter!]!" : "", a->cursor.len ? " $after:String" : "",
		   q->oldest_first ? "HEIGHT_ASC" : "HEIGHT_DESC", q->id_count ? " ids:$ids" : "",
		   q->owner_count ? " owners:$owners" : "", q->tag_count ? " tags:$tags" : "",
		   a->cursor.len ? " after:$after" : "");
	buf_put_str(text, "{pageInfo{hasNextPage}edges{cursor node{id signature anchor recipient owner{address key}"
			  "tags{name value}block{height timestamp}data{size}}}}}");
}

static void on_found(void *ctx, enum err e, const struct note *note, struct bytes body);

static void ask_find(struct asking *a)
{
	struct buf text = BUF_EMPTY;
	struct jw w = jw_on(&a->body);

	buf_clear(&a->body);
	find_text(&text, a);
	jw_object(&w);
	jw_member(&w, "query", buf_bytes(&text));
	jw_key(&w, "variables");
	find_variables(&w, a);
	jw_object_end(&w);
	buf_release(&text);
	ask_graphql(a, on_found);
}

static enum err read_meta(struct weave_meta *out, struct arena *arena, const struct json *node, struct note *note)
{
	const struct json *owner = json_get(node, "owner"), *block = json_get(node, "block");
	struct id id;

	*out = (struct weave_meta){.id = json_get_text(arena, node, "id"),
				   .signature = json_get_text(arena, node, "signature"),
				   .owner_address = json_get_text(arena, owner, "address"),
				   .owner_key = decoded(arena, json_get_text(arena, owner, "key")),
				   .recipient = json_get_text(arena, node, "recipient"),
				   .anchor = json_get_text(arena, node, "anchor"),
				   .mined = block && block->kind == JSON_OBJECT,
				   .block_height = read_number(arena, block, "height"),
				   .block_timestamp = read_number(arena, block, "timestamp"),
				   .data_size = read_number(arena, json_get(node, "data"), "size")};
	if (id_parse(&id, out->id) < 0 || tags_of_json(&out->tags, arena, json_get(node, "tags"), note) < 0)
		return note_err(note, E_PEER, "the gateway's GraphQL answers with a transaction that is none");
	return OK;
}

/* Takes one page in; *more: there is another that is wanted. */
static enum err take_page(struct asking *a, struct bytes body, bool *more, struct note *note)
{
	const struct json *connection, *edges;
	struct weave_meta *metas;
	/* The answer goes with the call, and all pages are kept until the last. */
	struct bytes copy = arena_copy(&a->arena, body);
	enum err e = read_connection(&connection, &a->arena, copy, "transactions", note);

	if (e < 0)
		return e;
	edges = json_get(connection, "edges");
	metas = arena_new_array(&a->arena, a->count + edges->count, struct weave_meta);
	if (a->count)
		memcpy(metas, a->metas, a->count * sizeof(*metas));
	a->metas = metas;
	for (const struct json *edge = edges->first; edge && a->count < a->limit; edge = edge->next) {
		e = read_meta(&a->metas[a->count], &a->arena, json_get(edge, "node"), note);
		if (e < 0)
			return e;
		a->cursor = json_get_text(&a->arena, edge, "cursor");
		a->count++;
	}
	*more = edges->count && a->count < a->limit && a->cursor.len && has_next_page(connection);
	return OK;
}

static void on_found(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	struct note ours = {0};
	bool more = false;

	if (e == OK)
		e = take_page(a, body, &more, &ours);
	if (e == OK && more) {
		ask_find(a);
		return;
	}
	a->done.find(a->ctx, e, say(a, e, note, &ours), a->metas, e < 0 ? 0 : a->count);
	asking_free(a);
}

static void find(void *self, const struct weave_query *query, weave_find_done *done, void *ctx)
{
	struct asking *a = asking_new(self, ctx);

	a->done.find = done;
	a->query = query;
	a->limit = query->first;
	if (a->limit) {
		ask_find(a);
		return;
	}
	done(ctx, OK, NULL, NULL, 0);
	asking_free(a);
}

/* ---- data ---- */

static void on_data(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;

	a->done.data(a->ctx, e, note, body);
	asking_free(a);
}

/* A gateway that knows no /raw may know the id. */
static void on_raw(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	char path[ID_TEXT_LEN + 2];

	if (e != E_NOT_FOUND) {
		on_data(ctx, e, note, body);
		return;
	}
	snprintf(path, sizeof(path), "/%s", a->id.s);
	ask_get(a, a->remote->gateway, path, true, on_data);
}

/* GET /<what>/<id>, whose answer is a payload or leads to one; what is no id is not there. */
static void ask_by_id(struct asking *a, struct bytes id, struct peer *peer, const char *what, bool accepted_is_busy,
		      peer_answered *answered)
{
	char path[ID_TEXT_LEN + 8];
	struct note note = {0};

	if (!take_id(a, id, &note)) {
		on_data(a, E_NOT_FOUND, &note, bytes_of(NULL, 0));
		return;
	}
	snprintf(path, sizeof(path), "/%s/%s", what, a->id.s);
	ask_get(a, peer, path, accepted_is_busy, answered);
}

static void data(void *self, struct bytes id, weave_data_done *done, void *ctx)
{
	struct asking *a = asking_new(self, ctx);

	a->done.data = done;
	ask_by_id(a, id, a->remote->gateway, "raw", true, on_raw);
}

/* ---- height and blocks ---- */

static void on_height(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	const struct json *info = NULL;
	struct note ours = {0};
	uint64_t height = 0;

	if (e == OK && json_parse(&info, &a->arena, body, &ours) < 0)
		e = E_PEER;
	if (e == OK && !json_u64(json_get(info, "height"), &height))
		e = note_err(&ours, E_PEER, "the node's /info has no height");
	a->done.height(a->ctx, e, say(a, e, note, &ours), height);
	asking_free(a);
}

static void height(void *self, weave_height_done *done, void *ctx)
{
	struct asking *a = asking_new(self, ctx);

	a->done.height = done;
	ask_get(a, a->remote->node, "/info", false, on_height);
}

static void on_blocks(void *ctx, enum err e, const struct note *note, struct bytes body);

static void ask_blocks(struct asking *a)
{
	size_t left = a->limit - a->count;
	struct jw w = jw_on(&a->body);

	buf_clear(&a->body);
	jw_object(&w);
	jw_member(&w, "query",
		  BYTES("query($min:Int!,$first:Int!){blocks(height:{min:$min} first:$first sort:HEIGHT_ASC)"
			"{pageInfo{hasNextPage}edges{node{id height timestamp}}}}"));
	jw_key(&w, "variables");
	jw_object(&w);
	jw_member_u64(&w, "min", a->height_next);
	jw_member_u64(&w, "first", left < PAGE_MAX ? left : PAGE_MAX);
	jw_object_end(&w);
	jw_object_end(&w);
	ask_graphql(a, on_blocks);
}

static enum err take_blocks(struct asking *a, struct bytes body, bool *more, struct note *note)
{
	const struct json *connection, *edges;
	struct weave_block *wider;
	struct bytes copy = arena_copy(&a->arena, body);
	enum err e = read_connection(&connection, &a->arena, copy, "blocks", note);

	if (e < 0)
		return e;
	edges = json_get(connection, "edges");
	wider = arena_new_array(&a->arena, a->count + edges->count, struct weave_block);
	if (a->count)
		memcpy(wider, a->blocks, a->count * sizeof(*wider));
	a->blocks = wider;
	for (const struct json *edge = edges->first; edge && a->count < a->limit; edge = edge->next) {
		const struct json *node = json_get(edge, "node");
		struct weave_block *block = &a->blocks[a->count];
		if (!json_u64(json_get(node, "height"), &block->height) || block->height < a->height_next)
			return note_err(note, E_PEER, "the gateway's GraphQL answers with blocks out of order");
		block->id = json_get_text(&a->arena, node, "id");
		block->timestamp = read_number(&a->arena, node, "timestamp");
		a->height_next = block->height + 1;
		a->count++;
	}
	*more = edges->count && a->count < a->limit && has_next_page(connection);
	return OK;
}

static void on_blocks(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	struct note ours = {0};
	bool more = false;

	if (e == OK)
		e = take_blocks(a, body, &more, &ours);
	if (e == OK && more) {
		ask_blocks(a);
		return;
	}
	a->done.blocks(a->ctx, e, say(a, e, note, &ours), a->blocks, e < 0 ? 0 : a->count);
	asking_free(a);
}

static void blocks(void *self, uint64_t height_first, size_t limit, weave_blocks_done *done, void *ctx)
{
	struct asking *a = asking_new(self, ctx);

	a->done.blocks = done;
	a->height_next = height_first;
	a->limit = limit;
	if (limit && height_first <= INT32_MAX) {
		ask_blocks(a);
		return;
	}
	done(ctx, OK, NULL, NULL, 0);
	asking_free(a);
}

/* ---- status ---- */

/* A pending transaction is answered with a text, "Pending" or "Accepted". */
static void on_status(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	const struct json *status = NULL;
	struct note ours = {0};
	uint64_t confirmations = 0;

	if (e == OK && body.len && body.ptr[0] == '{') {
		if (json_parse(&status, &a->arena, body, &ours) < 0)
			e = E_PEER;
		else if (!json_u64(json_get(status, "number_of_confirmations"), &confirmations))
			e = note_err(&ours, E_PEER, "the node's status of %s has no number_of_confirmations", a->id.s);
	}
	a->done.status(a->ctx, e, say(a, e, note, &ours), confirmations);
	asking_free(a);
}

static void status(void *self, struct bytes id, weave_status_done *done, void *ctx)
{
	struct asking *a = asking_new(self, ctx);
	char path[ID_TEXT_LEN + 16];
	struct note note = {0};

	a->done.status = done;
	if (!take_id(a, id, &note)) {
		on_status(a, E_NOT_FOUND, &note, bytes_of(NULL, 0));
		return;
	}
	snprintf(path, sizeof(path), "/tx/%s/status", a->id.s);
	ask_get(a, a->remote->node, path, false, on_status);
}

/* ---- transaction and block ---- */

/* The index has written the item's fields down, and no node has. */
static void on_meta(void *ctx, enum err e, const struct note *note, const struct weave_meta *list, size_t count)
{
	struct asking *a = ctx;
	struct buf json = BUF_EMPTY;
	struct note ours = {0};

	if (e == OK && count == 0)
		e = note_err(&ours, E_NOT_FOUND, "Transaction %s was not found on the weave", a->id.s);
	if (e == OK)
		document_of_meta(&json, &list[0]);
	a->done.data(a->ctx, e, note && note->text[0] ? note : &ours, buf_bytes(&json));
	buf_release(&json);
	asking_free(a);
}

static void on_transaction(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	const struct json *json;
	struct note ours = {0};

	if (e == E_NOT_FOUND) { /* an item, perhaps: nodes know only what is on layer 1 */
		a->id_text = bytes_str(a->id.s);
		a->by_id = (struct weave_query){.ids = &a->id_text, .id_count = 1, .first = 1};
		find(a->remote, &a->by_id, on_meta, a);
		return;
	}
	if (e == OK && (json_parse(&json, &a->arena, body, &ours) < 0 || json->kind != JSON_OBJECT)) /* "Pending" */
		e = note_err(&ours, E_PEER, "the node's answer on transaction %s is not JSON", a->id.s);
	a->done.data(a->ctx, e, say(a, e, note, &ours), e < 0 ? bytes_of(NULL, 0) : body);
	asking_free(a);
}

static void transaction(void *self, struct bytes id, weave_data_done *done, void *ctx)
{
	struct asking *a = asking_new(self, ctx);

	a->done.data = done;
	ask_by_id(a, id, a->remote->node, "tx", false, on_transaction);
}

static void on_block(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	const struct json *json;
	struct note ours = {0};

	if (e == OK && (json_parse(&json, &a->arena, body, &ours) < 0 || json->kind != JSON_OBJECT))
		e = note_err(&ours, E_PEER, "the node's answer on a block is not JSON");
	a->done.data(a->ctx, e, say(a, e, note, &ours), e < 0 ? bytes_of(NULL, 0) : body);
	asking_free(a);
}

static void block(void *self, uint64_t height, weave_data_done *done, void *ctx)
{
	struct asking *a = asking_new(self, ctx);
	char path[48];

	a->done.data = done;
	snprintf(path, sizeof(path), "/block/height/%" PRIu64, height);
	ask_get(a, a->remote->node, path, false, on_block);
}

/* ---- life ---- */

static struct peer *open_peer(const struct remote_weave_options *o, struct bytes url, const char *suffix)
{
	struct bytes base = url.len ? url : o->gateway;
	struct buf text = BUF_EMPTY;
	struct peer *peer;

	while (base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	buf_put_bytes(&text, base);
	if (url.len == 0)
		buf_put_str(&text, suffix);
	peer = peer_new(o->client, buf_bytes(&text));
	buf_release(&text);
	return peer;
}

struct weave remote_weave_new(const struct remote_weave_options *options)
{
	struct remote *r = calloc(1, sizeof(*r));

	must(r != NULL);
	r->log = options->log;
	r->retry = (struct peer_retry){.tries = TRIES,
				       .delay_ms = options->retry_ms ? options->retry_ms : RETRY_MS,
				       .delay_ms_max = RETRY_MS_MAX};
	r->gateway = open_peer(options, options->gateway, "");
	r->graphql = open_peer(options, options->graphql, "/graphql");
	r->node = open_peer(options, options->node, "");
	r->uploader = open_peer(options, options->uploader, "");
	return (struct weave){.self = r,
			      .put = put,
			      .find = find,
			      .data = data,
			      .height = height,
			      .blocks = blocks,
			      .status = status,
			      .transaction = transaction,
			      .block = block};
}

void remote_weave_free(struct weave w)
{
	struct remote *r = w.self;

	if (!r)
		return;
	peer_free(r->gateway);
	peer_free(r->graphql);
	peer_free(r->node);
	peer_free(r->uploader);
	free(r);
}
