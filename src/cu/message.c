/* SPDX-License-Identifier: MIT
 *
 * message: what the module sees. The exact text is part of consensus: its keys, their order, and the way
 * that JSON.stringify writes (ao-units 5.12, 5.15).
 */
#include "cu/unit.h"
#include "msg/address.h"

/* Tags that say From or Owner would be taken for ours. */
static void write_tags(struct jw *w, struct tags tags)
{
	jw_key(w, "Tags");
	jw_array(w);
	for (size_t i = 0; i < tags.count; i++) {
		const struct tag *t = &tags.list[i];
		if (bytes_eq_str(t->name, "From") || bytes_eq_str(t->name, "Owner"))
			continue;
		jw_object(w);
		jw_member(w, "name", t->name);
		jw_member(w, "value", t->value);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void text_or_null(struct jw *w, const char *key, struct bytes text, bool present)
{
	jw_key(w, key);
	if (present)
		jw_str(w, text);
	else
		jw_null(w);
}

static bool excludes(struct tags assignment, bool assigned, const char *field)
{
	return assigned && tags_includes(assignment, "Exclude", field);
}

/* What both shapes of a message begin with. */
static void write_head(struct jw *w, const struct live *p, const struct message *m, struct tags exclude, bool assigned,
		       struct bytes owner)
{
	struct tags tags = excludes(exclude, assigned, "Tags") ? (struct tags){NULL, 0} : m->tags;
	struct bytes from = owner, said;
	bool forwarded = tags_find(tags, "From-Process", &said);

	if (forwarded && said.len)
		from = said;
	jw_member(w, "Id", m->id);
	if (!excludes(exclude, assigned, "Signature"))
		jw_member(w, "Signature", m->signature);
	if (!excludes(exclude, assigned, "Data"))
		text_or_null(w, "Data", m->data, m->has_data);
	jw_member(w, "Owner", owner);
	jw_member(w, "Target", assigned ? m->target : bytes_str(id_text(p->process).s));
	if (!excludes(exclude, assigned, "Anchor"))
		text_or_null(w, "Anchor", m->anchor, m->has_anchor);
	jw_member(w, "From", from);
	if (forwarded && !assigned)
		jw_member(w, "Forwarded-By", owner);
	write_tags(w, tags);
}

static void write_time(struct jw *w, uint64_t timestamp_ms, uint64_t block_height)
{
	jw_member_u64(w, "Timestamp", timestamp_ms);
	jw_member_u64(w, "Block-Height", block_height);
}

static void write_kind(struct jw *w, bool cron, bool read_only)
{
	jw_key(w, "Cron");
	jw_bool(w, cron);
	jw_key(w, "Read-Only");
	jw_bool(w, read_only);
}

void message_for_module(struct buf *out, struct arena *a, const struct live *p, const struct assignment *assignment,
			const struct message *m, bool assigned)
{
	struct bytes owner = address_for_module(a, m->owner_address, m->owner_key);
	struct jw w = jw_on(out);

	jw_object(&w);
	write_head(&w, p, m, assignment->tags, assigned, owner);
	jw_member_u64(&w, "Epoch", assignment->epoch);
	jw_member_u64(&w, "Nonce", assignment->nonce);
	write_time(&w, assignment->timestamp_ms, assignment->block_height);
	if (assignment->has_hash_chain)
		jw_member(&w, "Hash-Chain", bytes_str(id_text(assignment->hash_chain).s));
	write_kind(&w, false, false);
	jw_object_end(&w);
}

void message_of_process(struct buf *out, struct arena *a, const struct live *p, const struct message *m)
{
	struct bytes owner = address_for_module(a, m->owner_address, m->owner_key);
	struct jw w = jw_on(out);

	jw_object(&w);
	write_head(&w, p, m, (struct tags){NULL, 0}, false, owner);
	write_time(&w, p->info.timestamp_ms, p->info.block_height);
	write_kind(&w, false, false);
	jw_object_end(&w);
}

void cron_for_module(struct buf *out, const struct live *p, struct tags tags, uint64_t timestamp_ms,
		     uint64_t block_height)
{
	struct jw w = jw_on(out);

	jw_object(&w);
	jw_member(&w, "Owner", p->owner);
	jw_member(&w, "Target", bytes_str(id_text(p->process).s));
	jw_member(&w, "From", p->owner);
	write_tags(&w, tags);
	write_time(&w, timestamp_ms, block_height);
	write_kind(&w, true, false);
	jw_object_end(&w);
}

void value_for_module(struct jw *w, struct arena *a, const struct json *v)
{
	switch (v->kind) {
	case JSON_STRING:
		jw_str(w, json_text(a, v));
		return;
	case JSON_ARRAY:
		jw_array(w);
		for (const struct json *i = v->first; i; i = i->next)
			value_for_module(w, a, i);
		jw_array_end(w);
		return;
	case JSON_OBJECT:
		jw_object(w);
		for (const struct json *i = v->first; i; i = i->next) {
			jw_key_bytes(w, json_text(a, &(struct json){.kind = JSON_STRING, .raw = i->key}));
			value_for_module(w, a, i);
		}
		jw_object_end(w);
		return;
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
	case JSON_NUMBER:
		jw_raw(w, v->raw);
		return;
	}
}

static void copy_member(struct jw *w, struct arena *a, const struct json *body, const char *key)
{
	const struct json *member = json_get(body, key);

	if (!member)
		return;
	jw_key(w, key);
	value_for_module(w, a, member);
}

/* A number, also as text; `otherwise` when it is absent. */
static void copy_number(struct jw *w, struct arena *a, const struct json *body, const char *key, uint64_t otherwise)
{
	const struct json *member = json_get(body, key);

	jw_key(w, key);
	if (member && member->kind == JSON_NUMBER) {
		jw_raw(w, member->raw);
		return;
	}
	bytes_u64(json_text(a, member), &otherwise);
	jw_u64(w, otherwise);
}

static bool is_number(struct arena *a, const struct json *member)
{
	uint64_t ignored;

	return !member || member->kind == JSON_NUMBER || bytes_u64(json_text(a, member), &ignored);
}

/* What is wrong with a dry run's body, in the words of the reference. */
static enum err check_dry_run(struct arena *a, const struct json *body, struct note *note)
{
	static const char *const texts[] = {"Id", "Signature", "Owner", "Target", "Anchor"};
	static const char *const numbers[] = {"Timestamp", "Block-Height"};
	bool owner, tags;

	if (body->kind != JSON_OBJECT)
		return note_err(note, E_ARGUMENT, "'dryRun': Expected object.");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct json *member = json_get(body, texts[i]);
		if (member && member->kind != JSON_STRING)
			return note_err(note, E_ARGUMENT, "'%s': Expected string.", texts[i]);
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!is_number(a, json_get(body, numbers[i])))
			return note_err(note, E_ARGUMENT, "'%s': Expected number.", numbers[i]);
	owner = json_get_text(a, body, "Owner").len > 0;
	tags = json_get(body, "Tags") != NULL;
	if (!owner || !tags)
		return note_err(note, E_ARGUMENT, "%s%s%s", owner ? "" : "'Owner': Required. | 'From': Required.",
				owner || tags ? "" : " | ", tags ? "" : "'Tags': Required.");
	return OK;
}

enum err dry_run_for_module(struct buf *out, struct arena *a, struct id process, const struct tip *tip,
			    struct bytes body, struct note *note)
{
	const struct json *json;
	struct bytes owner, said, target;
	struct tags tags;
	struct jw w = jw_on(out);
	enum err e = json_parse(&json, a, body, note);

	if (e == OK)
		e = check_dry_run(a, json, note);
	if (e == OK && tags_of_json(&tags, a, json_get(json, "Tags"), note) < 0)
		e = E_ARGUMENT;
	if (e < 0)
		return e;
	owner = json_get_text(a, json, "Owner");
	target = json_get_text(a, json, "Target");
	if (!tags_find(tags, "From-Process", &said) || said.len == 0)
		said = owner;

	jw_object(&w);
	copy_member(&w, a, json, "Id");
	copy_member(&w, a, json, "Signature");
	copy_member(&w, a, json, "Data");
	jw_member(&w, "Owner", owner);
	jw_member(&w, "Target", json_get(json, "Target") ? target : bytes_str(id_text(process).s));
	copy_member(&w, a, json, "Anchor");
	jw_member(&w, "From", said);
	write_tags(&w, tags);
	copy_number(&w, a, json, "Timestamp", tip->timestamp_ms);
	copy_number(&w, a, json, "Block-Height", tip->block_height);
	write_kind(&w, false, true);
	jw_object_end(&w);
	return OK;
}

static void write_party(struct jw *w, const char *key, struct bytes id, struct bytes owner, struct tags tags)
{
	jw_key(w, key);
	jw_object(w);
	jw_member(w, "Id", id);
	jw_member(w, "Owner", owner);
	jw_key(w, "Tags");
	tags_json(w, tags);
	jw_object_end(w);
}

struct bytes environment_for_module(struct arena *a, const struct live *p, const struct module *m)
{
	struct buf out = BUF_EMPTY;
	struct jw w = jw_on(&out);
	struct bytes copy;

	jw_object(&w);
	write_party(&w, "Process", bytes_str(id_text(p->process).s), p->owner, p->info.message.tags);
	write_party(&w, "Module", bytes_str(m->id), m->owner, m->tags);
	jw_object_end(&w);
	copy = arena_copy(a, buf_bytes(&out));
	buf_release(&out);
	return copy;
}
