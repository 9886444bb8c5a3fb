/* SPDX-License-Identifier: MIT */
#include "flow/nouns.h"

struct tags tags_copy(struct arena *a, struct tags tags)
{
	struct tag *list = arena_new_array(a, tags.count, struct tag);

	for (size_t i = 0; i < tags.count; i++) {
		list[i].name = arena_copy(a, tags.list[i].name);
		list[i].value = arena_copy(a, tags.list[i].value);
	}
	return (struct tags){list, tags.count};
}

static void message_fill(struct message *out, struct arena *a, const struct message *m)
{
	*out = *m;
	out->id = arena_copy(a, m->id);
	out->signature = arena_copy(a, m->signature);
	out->owner_address = arena_copy(a, m->owner_address);
	out->owner_key = arena_copy(a, m->owner_key);
	out->target = arena_copy(a, m->target);
	out->anchor = arena_copy(a, m->anchor);
	out->tags = tags_copy(a, m->tags);
	out->data = arena_copy(a, m->data);
	out->item = arena_copy(a, m->item);
}

struct message *message_copy(struct arena *a, const struct message *m)
{
	struct message *copy = arena_new(a, struct message);

	message_fill(copy, a, m);
	return copy;
}

void assignment_copy(struct assignment *out, struct arena *a, const struct assignment *from)
{
	*out = *from;
	out->id = arena_copy(a, from->id);
	out->signature = arena_copy(a, from->signature);
	out->owner_address = arena_copy(a, from->owner_address);
	out->owner_key = arena_copy(a, from->owner_key);
	out->tags = tags_copy(a, from->tags);
	out->message_id = arena_copy(a, from->message_id);
	out->message = from->message ? message_copy(a, from->message) : NULL;
	out->item = arena_copy(a, from->item);
}

void page_copy(struct page *out, struct arena *a, const struct page *from)
{
	struct assignment *list = arena_new_array(a, from->count, struct assignment);

	for (size_t i = 0; i < from->count; i++)
		assignment_copy(&list[i], a, &from->list[i]);
	*out = (struct page){list, from->count, from->more};
}

void process_info_copy(struct process_info *out, struct arena *a, const struct process_info *from)
{
	*out = *from;
	message_fill(&out->message, a, &from->message);
}

void weave_meta_copy(struct weave_meta *out, struct arena *a, const struct weave_meta *from)
{
	*out = *from;
	out->id = arena_copy(a, from->id);
	out->signature = arena_copy(a, from->signature);
	out->owner_address = arena_copy(a, from->owner_address);
	out->owner_key = arena_copy(a, from->owner_key);
	out->recipient = arena_copy(a, from->recipient);
	out->anchor = arena_copy(a, from->anchor);
	out->tags = tags_copy(a, from->tags);
}
