/* SPDX-License-Identifier: MIT */
#include "mu/trace.h"

#include "mu/task.h"

#include <inttypes.h>
#include <string.h>

enum { TRACE_VERSION = 1, TRACE_HEAD = 11, TRACE_IDS = 7, TRACE_SIZE = TRACE_HEAD + 32 * TRACE_IDS };
enum { KEY_TRACE = 8, KEY_LINK = 41, ERROR_MAX = 600 };
enum link_kind { LINK_MESSAGE = 'm', LINK_PROCESS = 'p', LINK_PARENT = 'c' };
enum { LOOK_MAX = 10000 }; /* links that one question may walk */

/* ---- writing ---- */

static struct bytes trace_key(uint8_t out[KEY_TRACE], uint64_t seq)
{
	set_u64be(out, seq);
	return bytes_of(out, KEY_TRACE);
}

static struct bytes link_key(uint8_t out[KEY_LINK], struct id id, enum link_kind kind, uint64_t seq)
{
	memcpy(out, id.b, 32);
	out[32] = (uint8_t)kind;
	set_u64be(out + 33, seq);
	return bytes_of(out, KEY_LINK);
}

static void put_trace(struct store_batch *b, uint64_t seq, const struct trace *t)
{
	const struct id *ids[TRACE_IDS] = {&t->message, &t->assigned, &t->process, &t->from,
					   &t->parent,  &t->root,     &t->wallet};
	struct bytes error = {t->error.ptr, t->error.len < ERROR_MAX ? t->error.len : ERROR_MAX};
	uint8_t key[KEY_TRACE], *head;
	struct buf value = BUF_EMPTY;
	size_t ip_len = t->ip.len < UINT8_MAX ? t->ip.len : UINT8_MAX;

	head = buf_grow(&value, TRACE_SIZE);
	head[0] = TRACE_VERSION;
	head[1] = (uint8_t)t->type;
	head[2] = (uint8_t)ip_len;
	set_u64le(head + 3, t->time_ms);
	for (size_t i = 0; i < TRACE_IDS; i++)
		memcpy(head + TRACE_HEAD + 32 * i, ids[i]->b, 32);
	buf_put(&value, t->ip.ptr, ip_len);
	buf_put_bytes(&value, error);
	store_put(b, TABLE_TRACE, trace_key(key, seq), buf_bytes(&value));
	buf_release(&value);
}

/* Its links; a zero id has none. */
static void change_links(struct store_batch *b, uint64_t seq, const struct trace *t, bool put)
{
	const struct {
		const struct id *id;
		enum link_kind kind;
	} links[] = {{&t->message, LINK_MESSAGE},
		     {&t->assigned, LINK_MESSAGE},
		     {&t->process, LINK_PROCESS},
		     {&t->parent, LINK_PARENT}};
	uint8_t key[KEY_LINK];

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (id_is_zero(*links[i].id))
			continue;
		link_key(key, *links[i].id, links[i].kind, seq);
		if (put)
			store_put(b, TABLE_LINK, bytes_of(key, KEY_LINK), bytes_of(NULL, 0));
		else
			store_del(b, TABLE_LINK, bytes_of(key, KEY_LINK));
	}
}

void trace_put(struct store_batch *b, uint64_t seq, const struct trace *t)
{
	put_trace(b, seq, t);
	change_links(b, seq, t, true);
}

static void del_trace(struct store_batch *b, uint64_t seq, const struct trace *t)
{
	uint8_t key[KEY_TRACE];

	store_del(b, TABLE_TRACE, trace_key(key, seq));
	change_links(b, seq, t, false);
}

/* ---- reading ---- */

static bool read_trace(struct trace *out, struct bytes value)
{
	struct id *ids[TRACE_IDS] = {&out->message, &out->assigned, &out->process, &out->from,
				     &out->parent,  &out->root,     &out->wallet};

	if (value.len < TRACE_SIZE || value.ptr[0] != TRACE_VERSION || value.len - TRACE_SIZE < value.ptr[2])
		return false;
	out->type = (enum trace_type)value.ptr[1];
	out->time_ms = get_u64le(value.ptr + 3);
	for (size_t i = 0; i < TRACE_IDS; i++)
		memcpy(ids[i]->b, value.ptr + TRACE_HEAD + 32 * i, 32);
	out->ip = bytes_of(value.ptr + TRACE_SIZE, value.ptr[2]);
	out->error = bytes_from(value, TRACE_SIZE + value.ptr[2]);
	return true;
}

static bool get_trace(struct store *s, struct arena *a, uint64_t seq, struct trace *out)
{
	uint8_t key[KEY_TRACE];
	struct bytes value;

	return store_get(s, TABLE_TRACE, trace_key(key, seq), a, &value) == OK && read_trace(out, value);
}

void trace_error(struct store_batch *b, struct store *s, uint64_t seq, struct bytes error)
{
	struct arena a = ARENA_EMPTY;
	struct trace t;

	if (get_trace(s, &a, seq, &t)) {
		t.error = error;
		put_trace(b, seq, &t);
	}
	arena_release(&a);
}

void trace_forget(struct store_batch *b, struct store *s, uint64_t seq)
{
	struct arena a = ARENA_EMPTY;
	struct trace t;

	if (get_trace(s, &a, seq, &t))
		del_trace(b, seq, &t);
	arena_release(&a);
}

void trace_assigned(struct store_batch *b, struct store *s, uint64_t seq, struct id assignment)
{
	struct arena a = ARENA_EMPTY;
	struct trace t;

	if (get_trace(s, &a, seq, &t)) {
		t.message = assignment;
		trace_put(b, seq, &t);
	}
	arena_release(&a);
}

/* A list of sequence numbers, newest first. */
struct links {
	struct arena *arena;
	uint64_t *list;
	size_t count, cap, max;
};

static bool see_link(void *ctx, struct bytes key, struct bytes value)
{
	struct links *l = ctx;

	if (key.len != KEY_LINK)
		return true;
	if (l->count == l->cap) {
		uint64_t *wider = arena_new_array(l->arena, l->cap ? 2 * l->cap : 16, uint64_t);
		if (l->count)
			memcpy(wider, l->list, l->count * sizeof(*wider));
		l->list = wider;
		l->cap = l->cap ? 2 * l->cap : 16;
	}
	l->list[l->count++] = get_u64be(key.ptr + 33);
	return l->count < l->max;
}

static enum err find_links(struct links *out, struct store *s, struct arena *a, struct id id, enum link_kind kind,
			   size_t max)
{
	uint8_t from[KEY_LINK], end[33];
	struct store_range range = {.backward = true};

	*out = (struct links){.arena = a, .max = max};
	link_key(from, id, kind, 0);
	range.from = bytes_of(from, 33);
	range.to = store_prefix_end(end, range.from);
	return store_scan(s, TABLE_LINK, &range, see_link, out);
}

bool trace_find(struct store *s, struct id message, struct id process, uint64_t *seq)
{
	struct arena a = ARENA_EMPTY;
	struct links links;
	bool found = false;

	if (find_links(&links, s, &a, message, LINK_MESSAGE, LOOK_MAX) == OK) {
		for (size_t i = 0; !found && i < links.count; i++) {
			struct trace t;
			/* An assign of the message to this process is not the message. */
			found = get_trace(s, &a, links.list[i], &t) && id_eq(t.process, process) &&
				id_eq(t.message, message);
			*seq = links.list[i];
		}
	}
	arena_release(&a);
	return found;
}

bool trace_spawned(struct store *s, struct id process)
{
	struct arena a = ARENA_EMPTY;
	struct links links;
	bool found = false;

	if (find_links(&links, s, &a, process, LINK_MESSAGE, LOOK_MAX) == OK) {
		for (size_t i = 0; !found && i < links.count; i++) {
			struct trace t;
			found = get_trace(s, &a, links.list[i], &t) &&
				(t.type == TRACE_SPAWN || t.type == TRACE_PROCESS);
		}
	}
	arena_release(&a);
	return found;
}

/* ---- dropping the oldest ---- */

static bool sweep_row(void *ctx, struct bytes key, struct bytes value)
{
	struct store_batch *b = ctx;
	struct trace t;

	if (key.len != KEY_TRACE)
		return true;
	if (read_trace(&t, value))
		del_trace(b, get_u64be(key.ptr), &t);
	else
		store_del(b, TABLE_TRACE, key);
	return true;
}

enum err trace_sweep(struct store_batch *b, struct store *s, uint64_t seq_first, size_t limit)
{
	uint8_t to[KEY_TRACE];
	struct store_range range = {.to = trace_key(to, seq_first), .limit = limit};

	return store_scan(s, TABLE_TRACE, &range, sweep_row, b);
}

/* ---- JSON ---- */

struct listing {
	struct store *store;
	struct arena *arena;
	const struct trace_ask *ask;
	struct jw w;
	size_t skip, left;
	bool more;
};

static const char *type_name(enum trace_type type)
{
	switch (type) {
	case TRACE_SPAWN:
		return "SPAWN";
	case TRACE_ASSIGN:
		return "ASSIGN";
	case TRACE_PROCESS:
		return "PROCESS";
	case TRACE_MESSAGE:
		break;
	}
	return "MESSAGE";
}

void id_or_null(struct jw *w, const char *key, struct id id)
{
	jw_key(w, key);
	if (id_is_zero(id))
		jw_null(w);
	else
		jw_cstr(w, id_text(id).s);
}

/* What the reference calls the message of a trace: of an assign, what was assigned. */
static struct id named(const struct trace *t)
{
	return t->type == TRACE_ASSIGN ? t->assigned : t->message;
}

/* A task that is still there is pending, one among the failed has failed; an error without a
 * task was final. */
static const char *state_of(struct store *s, struct arena *a, uint64_t seq, const struct trace *t)
{
	struct record r;
	struct bytes why;

	if (task_exists(s, seq))
		return "pending";
	if (task_get_failed(s, a, seq, &r, &why) == OK)
		return "failed";
	return t->error.len ? "dropped" : "done";
}

static void write_node(struct listing *l, uint64_t seq, const struct trace *t, const char *relation)
{
	struct jw *w = &l->w;
	struct bytes number = arena_printf(l->arena, "%" PRIu64, seq);

	jw_object(w);
	jw_key(w, "node");
	jw_object(w);
	jw_member(w, "relation", bytes_str(relation));
	jw_member(w, "id", number);
	id_or_null(w, "messageId", named(t));
	if (t->type == TRACE_ASSIGN)
		id_or_null(w, "assignmentId", t->message);
	id_or_null(w, "processId", t->process);
	id_or_null(w, "fromProcessId", t->from);
	id_or_null(w, "wallet", t->wallet);
	jw_key(w, "ip");
	if (t->ip.len)
		jw_str(w, t->ip);
	else
		jw_null(w);
	id_or_null(w, "parentId", t->parent);
	id_or_null(w, "rootId", t->root);
	jw_member_u64(w, "timestamp", t->time_ms);
	jw_member(w, "type", bytes_str(type_name(t->type)));
	jw_member(w, "state", bytes_str(state_of(l->store, l->arena, seq, t)));
	if (t->error.len)
		jw_member(w, "error", t->error);
	jw_object_end(w);
	jw_member(w, "cursor", number);
	jw_object_end(w);
}

/* Writes the trace if it is on the page asked for. */
static void list_trace(struct listing *l, uint64_t seq, const struct trace *t, const char *relation)
{
	if (l->skip) {
		l->skip--;
	} else if (l->left) {
		l->left--;
		write_node(l, seq, t, relation);
	} else {
		l->more = true;
	}
}

static bool type_wanted(enum trace_type wanted, enum trace_type type)
{
	return type == wanted || (wanted == TRACE_SPAWN && type == TRACE_PROCESS);
}

static bool contains(struct bytes text, struct bytes part)
{
	return part.len == 0 || memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

static enum err list_process(struct listing *l)
{
	struct links links;
	enum err e = find_links(&links, l->store, l->arena, l->ask->process, LINK_PROCESS, LOOK_MAX);

	for (size_t i = 0; e == OK && i < links.count && !l->more; i++) {
		struct trace t;
		if (get_trace(l->store, l->arena, links.list[i], &t) && type_wanted(l->ask->type, t.type) &&
		    contains(bytes_str(id_text(named(&t)).s), l->ask->message))
			list_trace(l, links.list[i], &t, "root");
	}
	return e;
}

/* What led to `id`: its trace's parent, and so on to the root. */
static void list_ancestors(struct listing *l, struct id id)
{
	for (size_t depth = 0; !id_is_zero(id) && depth < TRACE_PAGE_MAX; depth++) {
		struct links links;
		struct trace t;
		if (find_links(&links, l->store, l->arena, id, LINK_MESSAGE, 1) < 0 || links.count == 0 ||
		    !get_trace(l->store, l->arena, links.list[0], &t))
			return;
		list_trace(l, links.list[0], &t, "ancestor");
		if (id_eq(t.parent, id))
			return;
		id = t.parent;
	}
}

/* What came of `id`, breadth first. What an outbox holds is younger than what it answers, so
 * this ends. */
static enum err list_descendants(struct listing *l, struct id id)
{
	struct id *queue = arena_new_array(l->arena, LOOK_MAX, struct id);
	size_t first = 0, count = 0;
	enum err e = OK;

	queue[count++] = id;
	while (e == OK && first < count && !l->more) {
		struct links links;
		e = find_links(&links, l->store, l->arena, queue[first++], LINK_PARENT, LOOK_MAX);
		for (size_t i = links.count; e == OK && i-- > 0 && !l->more;) { /* oldest first */
			struct trace t;
			if (!get_trace(l->store, l->arena, links.list[i], &t))
				continue;
			list_trace(l, links.list[i], &t, "descendant");
			if (count < LOOK_MAX && !id_is_zero(t.message))
				queue[count++] = t.message;
		}
	}
	return e;
}

static enum err list_message(struct listing *l, struct id id)
{
	struct links links;
	enum err e = find_links(&links, l->store, l->arena, id, LINK_MESSAGE, LOOK_MAX);

	for (size_t i = 0; e == OK && i < links.count; i++) {
		struct trace t;
		if (!get_trace(l->store, l->arena, links.list[i], &t) ||
		    (l->ask->has_process && !id_eq(t.process, l->ask->process)))
			continue;
		list_trace(l, links.list[i], &t, "root");
		list_ancestors(l, t.parent);
		e = list_descendants(l, id);
	}
	return e;
}

enum err trace_page(struct buf *out, struct store *s, const struct trace_ask *ask)
{
	struct arena a = ARENA_EMPTY;
	struct buf edges = BUF_EMPTY;
	struct listing l = {.store = s, .arena = &a, .ask = ask, .w = jw_on(&edges)};
	struct jw w = jw_on(out);
	struct id id;
	enum err e;

	l.left = ask->page_size < TRACE_PAGE_MAX ? ask->page_size : TRACE_PAGE_MAX;
	l.skip = (ask->page ? ask->page - 1 : 0) * l.left;
	jw_array(&l.w);
	e = id_parse(&id, ask->message) == OK ? list_message(&l, id) : list_process(&l);
	jw_array_end(&l.w);
	jw_object(&w);
	jw_key(&w, "pageInfo");
	jw_object(&w);
	jw_key(&w, "hasNextPage");
	jw_bool(&w, l.more);
	jw_object_end(&w);
	jw_key(&w, "edges");
	jw_raw(&w, buf_bytes(&edges));
	jw_object_end(&w);
	buf_release(&edges);
	arena_release(&a);
	return e;
}
