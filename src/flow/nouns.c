/* SPDX-License-Identifier: MIT */
#include "flow/nouns.h"

#include "base/text.h"

#include <inttypes.h>

/* ---- tags of an assignment (ao-units 2.6) ---- */

void assignment_write_tags(struct tag_list *tags, const struct assignment *a, struct bytes exclude)
{
	struct arena *arena = tags->arena;

	tag_list_add(tags, BYTES("Process"), arena_printf(arena, "%s", id_text(a->process).s));
	tag_list_add(tags, BYTES("Epoch"), arena_printf(arena, "%" PRIu64, a->epoch));
	tag_list_add(tags, BYTES("Nonce"), arena_printf(arena, "%" PRIu64, a->nonce));
	tag_list_add(tags, BYTES("Hash-Chain"), arena_printf(arena, "%s", id_text(a->hash_chain).s));
	tag_list_add(tags, BYTES("Block-Height"), arena_printf(arena, "%012" PRIu64, a->block_height));
	tag_list_add(tags, BYTES("Timestamp"), arena_printf(arena, "%" PRIu64, a->timestamp_ms));
	tag_list_add_str(tags, "Data-Protocol", "ao");
	tag_list_add_str(tags, "Type", "Assignment");
	tag_list_add_str(tags, "Variant", "ao.TN.1");
	if (a->message_id.len)
		tag_list_add(tags, BYTES("Message"), arena_copy(arena, a->message_id));
	while (exclude.len) {
		struct bytes name = bytes_cut(exclude, ',', &exclude);
		if (name.len)
			tag_list_add(tags, BYTES("Exclude"), arena_copy(arena, name));
	}
}

static enum err read_number(uint64_t *out, struct tags tags, const char *name, struct note *note)
{
	struct bytes text;

	if (!tags_find(tags, name, &text))
		return note_err(note, E_FORMAT, "the assignment has no %s tag", name);
	if (!bytes_u64(text, out))
		return note_err(note, E_FORMAT, "the assignment's %s tag is not a number: %.*s", name, BYTES_FMT(text));
	return OK;
}

enum err assignment_read_tags(struct assignment *a, struct note *note)
{
	struct bytes text;
	enum err e;

	if (!tags_find(a->tags, "Process", &text))
		return note_err(note, E_FORMAT, "the assignment has no Process tag");
	if (id_parse(&a->process, text) < 0)
		return note_err(note, E_FORMAT, "the assignment's Process tag is not an id: %.*s", BYTES_FMT(text));
	a->has_hash_chain = tags_find(a->tags, "Hash-Chain", &text);
	if (a->has_hash_chain && id_parse(&a->hash_chain, text) < 0)
		return note_err(note, E_FORMAT, "the assignment's Hash-Chain tag is not 32 bytes of base64url");
	if ((e = read_number(&a->epoch, a->tags, "Epoch", note)) < 0 ||
	    (e = read_number(&a->nonce, a->tags, "Nonce", note)) < 0 ||
	    (e = read_number(&a->block_height, a->tags, "Block-Height", note)) < 0 ||
	    (e = read_number(&a->timestamp_ms, a->tags, "Timestamp", note)) < 0)
		return e;
	a->message_id = tags_get(a->tags, "Message");
	return OK;
}

/* ---- writing ---- */

static void owner_json(struct jw *w, struct bytes address, struct bytes key)
{
	jw_key(w, "owner");
	jw_object(w);
	jw_member(w, "address", address);
	jw_key(w, "key");
	jw_b64url(w, key);
	jw_object_end(w);
}

static void text_or_null(struct jw *w, const char *key, struct bytes text, bool present)
{
	jw_key(w, key);
	if (present)
		jw_str(w, text);
	else
		jw_null(w);
}

void message_json(struct jw *w, const struct message *m)
{
	jw_object(w);
	jw_member(w, "id", m->id);
	owner_json(w, m->owner_address, m->owner_key);
	text_or_null(w, "data", m->data, m->has_data);
	jw_key(w, "tags");
	tags_json(w, m->tags);
	jw_member(w, "signature", m->signature);
	text_or_null(w, "anchor", m->anchor, m->has_anchor);
	jw_member(w, "target", m->target);
	jw_object_end(w);
}

void assignment_json(struct jw *w, const struct assignment *a)
{
	jw_object(w);
	jw_key(w, "message");
	if (a->message)
		message_json(w, a->message);
	else
		jw_null(w);
	jw_key(w, "assignment");
	jw_object(w);
	jw_member(w, "id", a->id);
	owner_json(w, a->owner_address, a->owner_key);
	jw_key(w, "tags");
	tags_json(w, a->tags);
	jw_member(w, "signature", a->signature);
	/* Assignment anchors are random bytes, which the scheduler shows as null. */
	text_or_null(w, "anchor", a->id, false);
	jw_member(w, "target", BYTES(""));
	jw_object_end(w);
	jw_object_end(w);
}

/* ---- reading ---- */

static struct bytes decode_key(struct arena *a, struct bytes text)
{
	uint8_t *key = arena_alloc(a, text.len + 1);
	size_t len;

	if (b64url_decode(key, text.len, &len, text) < 0)
		return bytes_of(NULL, 0);
	return bytes_of(key, len);
}

static enum err read_common(struct bytes *id, struct bytes *signature, struct bytes *address, struct bytes *key,
			    struct tags *tags, struct arena *a, const struct json *object, struct note *note)
{
	const struct json *owner = json_get(object, "owner");

	*id = json_get_text(a, object, "id");
	*signature = json_get_text(a, object, "signature");
	*address = json_get_text(a, owner, "address");
	*key = decode_key(a, json_get_text(a, owner, "key"));
	return tags_of_json(tags, a, json_get(object, "tags"), note);
}

static bool is_string(const struct json *node)
{
	return node && node->kind == JSON_STRING;
}

enum err message_of_json(struct message *out, struct arena *a, const struct json *object, struct note *note)
{
	*out = (struct message){0};
	if (!object || object->kind != JSON_OBJECT)
		return note_err(note, E_FORMAT, "the message is not a JSON object");
	out->target = json_get_text(a, object, "target");
	out->has_anchor = is_string(json_get(object, "anchor"));
	out->anchor = json_get_text(a, object, "anchor");
	out->has_data = is_string(json_get(object, "data"));
	out->data = json_get_text(a, object, "data");
	return read_common(&out->id, &out->signature, &out->owner_address, &out->owner_key, &out->tags, a, object,
			   note);
}

enum err assignment_of_json(struct assignment *out, struct arena *a, const struct json *node, struct note *note)
{
	const struct json *assignment = json_get(node, "assignment"), *message = json_get(node, "message");
	enum err e;

	*out = (struct assignment){0};
	if (!assignment || assignment->kind != JSON_OBJECT)
		return note_err(note, E_FORMAT, "the scheduler's answer has no assignment");
	e = read_common(&out->id, &out->signature, &out->owner_address, &out->owner_key, &out->tags, a, assignment,
			note);
	if (e < 0)
		return e;
	e = assignment_read_tags(out, note);
	if (e < 0)
		return e;
	/* A pure assignment's message is null, or an object without an id (ao-units 5.9). */
	if (message && message->kind == JSON_OBJECT && json_get_text(a, message, "id").len) {
		struct message *m = arena_new(a, struct message);
		e = message_of_json(m, a, message, note);
		if (e < 0)
			return e;
		out->message = m;
	}
	return OK;
}
