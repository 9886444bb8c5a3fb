/* SPDX-License-Identifier: MIT */
#include "mu/build.h"

#include "msg/item.h"

#include <stdio.h>
#include <string.h>

static bool named_among(struct bytes name, const char *const *names)
{
	for (; *names; names++)
		if (bytes_eq_str(name, *names))
			return true;
	return false;
}

static const char *variant_of(struct tags tags)
{
	return bytes_eq_str(tags_get(tags, "Variant"), "ao.N.1") ? "ao.N.1" : "ao.TN.1";
}

static void add_id(struct tag_list *tags, const char *name, struct id id)
{
	struct id_text text = id_text(id);

	tag_list_add(tags, bytes_str(name), arena_copy(tags->arena, bytes_str(text.s)));
}

/* Who the process is and what it answers, where it may not say so itself. */
static void add_origin(struct tag_list *tags, const struct origin *origin, bool with_module)
{
	add_id(tags, "From-Process", origin->process);
	if (with_module)
		tag_list_add(tags, BYTES("From-Module"), bytes_str(origin->facts->module));
	if (!id_is_zero(origin->root))
		add_id(tags, "Pushed-For", origin->root);
}

/* 32 characters, as an anchor has to be text. */
static struct bytes make_anchor(struct arena *a, const struct origin *origin, size_t place)
{
	struct bytes seed = arena_printf(a, "%s %zu", id_text(origin->seed).s, place);
	struct id_text text = id_text(id_of_sha256(seed));

	return arena_copy(a, bytes_of(text.s, 32));
}

enum err build_message(struct buf *out, struct id *id, const struct origin *origin, const struct outgoing *message,
		       struct note *note)
{
	static const char *const ours[] = {"Data-Protocol", "Type", "From-Process", "From-Module", "Assignments", NULL};
	struct arena a = ARENA_EMPTY;
	struct tag_list tags = tag_list_on(&a);
	enum err e;

	for (size_t i = 0; i < message->tags.count; i++) {
		const struct tag *t = &message->tags.list[i];
		if (named_among(t->name, ours) || (bytes_eq_str(t->name, "Pushed-For") && !id_is_zero(origin->root)))
			continue;
		tag_list_add(&tags, t->name, t->value);
	}
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Message");
	add_origin(&tags, origin, true);
	struct item_fields fields = {
		.target = bytes_of(message->target.b, 32),
		.anchor = message->anchor.len ? message->anchor : make_anchor(&a, origin, message->place),
		.tags = tag_list_tags(&tags),
		.data = message->data,
	};
	e = item_create(out, id, origin->key, &fields, note);
	arena_release(&a);
	return e;
}

enum err build_spawn(struct buf *out, struct id *id, struct bytes *scheduler, struct arena *a,
		     const struct origin *origin, const struct outgoing *spawn, struct note *note)
{
	static const char *const ours[] = {"Data-Protocol", "Type", "From-Process", NULL};
	struct tag_list tags = tag_list_on(a);

	for (size_t i = 0; i < spawn->tags.count; i++) {
		const struct tag *t = &spawn->tags.list[i];
		if (named_among(t->name, ours) || (bytes_eq_str(t->name, "Pushed-For") && !id_is_zero(origin->root)))
			continue;
		if (bytes_eq_str(t->name, "From-Module"))
			tag_list_add(&tags, t->name, bytes_str(origin->facts->module));
		else
			tag_list_add(&tags, t->name, t->value);
	}
	tag_list_add_str(&tags, "Variant", variant_of(spawn->tags));
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Process");
	add_origin(&tags, origin, false);
	*scheduler = tags_get(spawn->tags, "Scheduler");
	if (scheduler->len == 0) {
		*scheduler = arena_copy(a, bytes_str(origin->facts->scheduler));
		tag_list_add(&tags, BYTES("Scheduler"), *scheduler);
	}
	if (scheduler->len == 0 || scheduler->len >= FACT_MAX)
		return note_err(note, E_ARGUMENT, "No Scheduler tag found on 'Process' DataItem");
	struct item_fields fields = {
		.anchor = make_anchor(a, origin, spawn->place), .tags = tag_list_tags(&tags), .data = spawn->data};
	return item_create(out, id, origin->key, &fields, note);
}

enum err build_spawned(struct buf *out, struct id *id, const struct origin *origin, const struct outgoing *spawn,
		       struct id child, struct note *note)
{
	static const char *const ours[] = {"Variant", "Type", NULL};
	struct arena a = ARENA_EMPTY;
	struct tag_list tags = tag_list_on(&a);
	enum err e;

	for (size_t i = 0; i < spawn->tags.count; i++) {
		const struct tag *t = &spawn->tags.list[i];
		if (named_among(t->name, ours) ||
		    (bytes_eq_str(t->name, "Data-Protocol") && bytes_eq_str(t->value, "ao")))
			continue;
		if (bytes_eq_str(t->name, "From-Process"))
			add_id(&tags, "From-Process", origin->process);
		else if (bytes_eq_str(t->name, "From-Module"))
			tag_list_add(&tags, t->name, bytes_str(origin->facts->module));
		else
			tag_list_add(&tags, t->name, t->value);
	}
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Message");
	add_id(&tags, "Process", child);
	tag_list_add_str(&tags, "Action", "Spawned");
	tag_list_add_str(&tags, "Variant", variant_of(spawn->tags));
	struct item_fields fields = {
		.target = bytes_of(origin->process.b, 32), .tags = tag_list_tags(&tags), .data = BYTES(" ")};
	e = item_create(out, id, origin->key, &fields, note);
	arena_release(&a);
	return e;
}
