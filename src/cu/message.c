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

void message_for_module(struct buf *out, struct arena *a, const struct live *p, const struct assignment *assignment,
			const struct message *m, bool assigned)
{
	struct bytes owner = address_for_module(a, m->owner_address, m->owner_key), from = owner, said;
	struct tags tags = excludes(assignment->tags, assigned, "Tags") ? (struct tags){NULL, 0} : m->tags;
	bool forwarded = tags_find(tags, "From-Process", &said);
	struct jw w = jw_on(out);

	if (forwarded && said.len)
		from = said;
	jw_object(&w);
	jw_member(&w, "Id", m->id);
	if (!excludes(assignment->tags, assigned, "Signature"))
		jw_member(&w, "Signature", m->signature);
	if (!excludes(assignment->tags, assigned, "Data"))
		text_or_null(&w, "Data", m->data, m->has_data);
	jw_member(&w, "Owner", owner);
	jw_member(&w, "Target", assigned ? m->target : bytes_str(id_text(p->process).s));
	if (!excludes(assignment->tags, assigned, "Anchor"))
		text_or_null(&w, "Anchor", m->anchor, m->has_anchor);
	jw_member(&w, "From", from);
	if (forwarded && !assigned)
		jw_member(&w, "Forwarded-By", owner);
	write_tags(&w, tags);
	jw_member_u64(&w, "Epoch", assignment->epoch);
	jw_member_u64(&w, "Nonce", assignment->nonce);
	jw_member_u64(&w, "Timestamp", assignment->timestamp_ms);
	jw_member_u64(&w, "Block-Height", assignment->block_height);
	if (assignment->has_hash_chain)
		jw_member(&w, "Hash-Chain", bytes_str(id_text(assignment->hash_chain).s));
	jw_key(&w, "Cron");
	jw_bool(&w, false);
	jw_key(&w, "Read-Only");
	jw_bool(&w, false);
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
	jw_member_u64(&w, "Timestamp", timestamp_ms);
	jw_member_u64(&w, "Block-Height", block_height);
	jw_key(&w, "Cron");
	jw_bool(&w, true);
	jw_key(&w, "Read-Only");
	jw_bool(&w, false);
	jw_object_end(&w);
}

static void copy_member(struct jw *w, const struct json *body, const char *key)
{
	const struct json *member = json_get(body, key);

	if (!member)
		return;
	jw_key(w, key);
	jw_raw(w, json_whole(member));
}

/* A string member that is there but is something else. */
static enum err check_text(const struct json *body, const char *key, struct note *note)
{
	const struct json *member = json_get(body, key);

	if (member && member->kind != JSON_STRING && member->kind != JSON_NULL)
		return note_err(note, E_ARGUMENT, "'%s': Expected string.", key);
	return OK;
}

enum err dry_run_for_module(struct buf *out, struct arena *a, const struct live *p, struct bytes body,
			    struct note *note)
{
	static const char *const texts[] = {"Id", "Signature", "Owner", "Target", "Anchor"};
	const struct json *json, *member;
	struct bytes owner, said;
	struct tags tags;
	struct jw w = jw_on(out);
	enum err e = json_parse(&json, a, body, note);

	if (e < 0)
		return e;
	if (json->kind != JSON_OBJECT)
		return note_err(note, E_ARGUMENT, "'dryRun': Expected object.");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if ((e = check_text(json, texts[i], note)) < 0)
			return e;
	owner = json_get_text(a, json, "Owner");
	if (owner.len == 0)
		return note_err(note, E_ARGUMENT, "'Owner': Required.");
	if (!json_get(json, "Tags"))
		return note_err(note, E_ARGUMENT, "'Tags': Required.");
	if (tags_of_json(&tags, a, json_get(json, "Tags"), note) < 0)
		return E_ARGUMENT;
	if (!tags_find(tags, "From-Process", &said) || said.len == 0)
		said = owner;

	jw_object(&w);
	copy_member(&w, json, "Id");
	copy_member(&w, json, "Signature");
	copy_member(&w, json, "Data");
	jw_member(&w, "Owner", owner);
	member = json_get(json, "Target");
	jw_member(&w, "Target",
		  member && member->kind == JSON_STRING ? json_text(a, member) : bytes_str(id_text(p->process).s));
	copy_member(&w, json, "Anchor");
	jw_member(&w, "From", said);
	write_tags(&w, tags);
	if (json_get(json, "Timestamp"))
		copy_member(&w, json, "Timestamp");
	else
		jw_member_u64(&w, "Timestamp", p->tip.timestamp_ms);
	if (json_get(json, "Block-Height"))
		copy_member(&w, json, "Block-Height");
	else
		jw_member_u64(&w, "Block-Height", p->tip.block_height);
	jw_key(&w, "Cron");
	jw_bool(&w, false);
	jw_key(&w, "Read-Only");
	jw_bool(&w, true);
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

struct bytes environment_for_module(struct arena *a, const struct live *p)
{
	struct buf out = BUF_EMPTY;
	struct jw w = jw_on(&out);
	struct bytes copy;

	jw_object(&w);
	write_party(&w, "Process", bytes_str(id_text(p->process).s), p->owner, p->info.message.tags);
	write_party(&w, "Module", bytes_str(p->module->id), p->module->owner, p->module->tags);
	jw_object_end(&w);
	copy = arena_copy(a, buf_bytes(&out));
	buf_release(&out);
	return copy;
}
