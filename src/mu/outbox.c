/* SPDX-License-Identifier: MIT */
#include "mu/outbox.h"

#include "msg/avro.h"

#include <string.h>

enum { ANCHOR_SIZE = 32, EXCLUDE_MAX = 500, SHOWN_MAX = 60 };

struct reading {
	struct arena *arena;
	struct outgoing *list;
	size_t count, cap;
	size_t place; /* of the entry that is being read */
};

static struct outgoing *add(struct reading *r, enum task_kind kind)
{
	if (r->count == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 8;
		struct outgoing *wider = arena_new_array(r->arena, cap, struct outgoing);
		if (r->count)
			memcpy(wider, r->list, r->count * sizeof(*wider));
		r->list = wider;
		r->cap = cap;
	}
	r->list[r->count].kind = kind;
	r->list[r->count].place = r->place;
	return &r->list[r->count++];
}

static void refuse(struct outgoing *out, struct bytes why)
{
	if (out->refused.len == 0)
		out->refused = why;
}

/* A piece of the process's own text, short enough for a log line. */
static struct bytes shown(struct bytes text)
{
	return bytes_of(text.ptr, text.len < SHOWN_MAX ? text.len : SHOWN_MAX);
}

static void read_id(struct outgoing *out, struct reading *r, struct id *id, const char *what, const struct json *node)
{
	struct bytes text = json_text(r->arena, node);

	if (!node || node->kind != JSON_STRING)
		refuse(out, arena_printf(r->arena, "its %s is not a text", what));
	else if (id_parse(id, text) < 0)
		refuse(out, arena_printf(r->arena, "its %s is not an id of 43 characters: \"%.*s\"", what,
					 BYTES_FMT(shown(text))));
}

static void read_tags(struct outgoing *out, struct reading *r, const struct json *node)
{
	struct tag_list list = tag_list_on(r->arena);

	if (!node || node->kind != JSON_ARRAY) {
		refuse(out, BYTES("its Tags are not a list"));
		return;
	}
	if (node->count > TAG_COUNT_MAX) {
		refuse(out, BYTES("it has more tags than an item can carry"));
		return;
	}
	for (const struct json *t = node->first; t; t = t->next) {
		const struct json *name = json_get(t, "name"), *value = json_get(t, "value");
		if (!name || name->kind != JSON_STRING || !value || value->kind != JSON_STRING) {
			refuse(out, arena_printf(r->arena, "a tag is not a pair of texts: %.*s",
						 BYTES_FMT(shown(json_whole(t)))));
			return;
		}
		tag_list_add(&list, json_text(r->arena, name), json_text(r->arena, value));
	}
	out->tags = tag_list_tags(&list);
}

/* What JavaScript holds for nothing becomes one space; any other value than a text cannot be
 * data. */
static void read_data(struct outgoing *out, struct reading *r, const struct json *node)
{
	out->data = BYTES(" ");
	if (!node || !json_truthy(node))
		return;
	if (node->kind == JSON_STRING)
		out->data = json_text(r->arena, node);
	else
		refuse(out, BYTES("its Data is not a text"));
}

static bool absent(const struct json *node)
{
	return !node || node->kind == JSON_NULL;
}

static void read_anchor(struct outgoing *out, struct reading *r, const struct json *node)
{
	if (absent(node))
		return;
	out->anchor = json_text(r->arena, node);
	if (node->kind != JSON_STRING || out->anchor.len != ANCHOR_SIZE)
		refuse(out, BYTES("Anchor must be 32 bytes"));
}

static void read_message(struct reading *r, const struct json *node)
{
	const struct json *target = json_get(node, "Target");
	struct outgoing *out;

	if (node->kind == JSON_OBJECT && (absent(target) || (target->kind == JSON_STRING && target->raw.len == 0)))
		return;
	out = add(r, TASK_SEND);
	read_id(out, r, &out->target, "Target", target);
	read_tags(out, r, json_get(node, "Tags"));
	read_data(out, r, json_get(node, "Data"));
	read_anchor(out, r, json_get(node, "Anchor"));
}

static void read_spawn(struct reading *r, const struct json *node)
{
	struct outgoing *out = add(r, TASK_SPAWN);

	read_tags(out, r, json_get(node, "Tags"));
	read_data(out, r, json_get(node, "Data"));
	if (out->refused.len == 0 && tags_get(out->tags, "Module").len == 0)
		refuse(out, BYTES("No Module tag found on 'Process' DataItem"));
}

bool exclude_valid(struct bytes names)
{
	for (size_t i = 0; i < names.len; i++) {
		uint8_t c = names.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		      c == '_' || c == ','))
			return false;
	}
	return names.len <= EXCLUDE_MAX;
}

/* A list of names, or one text of them with commas. */
static struct bytes read_exclude(struct reading *r, const struct json *node)
{
	struct buf names = BUF_EMPTY;
	struct bytes copy;

	if (!node || node->kind != JSON_ARRAY)
		return json_text(r->arena, node);
	for (const struct json *name = node->first; name; name = name->next) {
		if (names.len)
			buf_put_u8(&names, ',');
		buf_put_bytes(&names, json_text(r->arena, name));
	}
	copy = arena_copy(r->arena, buf_bytes(&names));
	buf_release(&names);
	return copy;
}

static void read_assignment(struct reading *r, const struct json *node)
{
	const struct json *processes = json_get(node, "Processes");
	struct outgoing first = {.kind = TASK_ASSIGN};

	read_id(&first, r, &first.message, "Message", json_get(node, "Message"));
	first.base_layer = json_truthy(json_get(node, "BaseLayer"));
	first.exclude = read_exclude(r, json_get(node, "Exclude"));
	if (!exclude_valid(first.exclude))
		refuse(&first, BYTES("its Exclude is not a list of field names"));
	if (!processes || processes->kind != JSON_ARRAY) {
		refuse(&first, BYTES("its Processes are not a list"));
		*add(r, TASK_ASSIGN) = first;
		return;
	}
	for (const struct json *process = processes->first; process; process = process->next) {
		struct outgoing *out = add(r, TASK_ASSIGN);
		*out = first;
		out->place = r->place;
		read_id(out, r, &out->target, "Processes", process);
	}
}

static void read_list(struct reading *r, const struct json *result, const char *key, enum task_kind kind,
		      void (*read)(struct reading *, const struct json *))
{
	const struct json *list = json_get(result, key);

	if (absent(list))
		return;
	if (list->kind != JSON_ARRAY) {
		if (list->kind != JSON_OBJECT || list->count) /* an empty table in Lua may become {} */
			refuse(add(r, kind), arena_printf(r->arena, "the result's %s are not a list", key));
		return;
	}
	r->place = 0;
	for (const struct json *node = list->first; node; node = node->next, r->place++)
		read(r, node);
}

enum err outbox_read(struct outbox *out, struct arena *a, const struct json *result, struct note *note)
{
	struct reading r = {.arena = a};

	if (!result || result->kind != JSON_OBJECT)
		return note_err(note, E_FORMAT, "a result is not a JSON object");
	read_list(&r, result, "Messages", TASK_SEND, read_message);
	read_list(&r, result, "Spawns", TASK_SPAWN, read_spawn);
	read_list(&r, result, "Assignments", TASK_ASSIGN, read_assignment);
	*out = (struct outbox){r.list, r.count};
	return OK;
}

bool outbox_message(struct outbox *out, struct arena *a, const struct json *result, uint64_t n)
{
	const struct json *list = json_get(result, "Messages");
	struct reading r = {.arena = a, .place = (size_t)n};

	if (!list || list->kind != JSON_ARRAY || n >= list->count)
		return false;
	read_message(&r, json_at(list, (size_t)n));
	*out = (struct outbox){r.list, r.count};
	return true;
}
