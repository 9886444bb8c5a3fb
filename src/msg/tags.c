/* SPDX-License-Identifier: MIT */
#include "msg/tags.h"

#include <string.h>

bool tags_find(struct tags tags, const char *name, struct bytes *value)
{
	for (size_t i = 0; i < tags.count; i++) {
		if (bytes_eq_str(tags.list[i].name, name)) {
			*value = tags.list[i].value;
			return true;
		}
	}
	return false;
}

struct bytes tags_get(struct tags tags, const char *name)
{
	struct bytes value = {0};

	tags_find(tags, name, &value);
	return value;
}

bool tags_has(struct tags tags, const char *name)
{
	struct bytes value;

	return tags_find(tags, name, &value);
}

bool tags_includes(struct tags tags, const char *name, const char *value)
{
	for (size_t i = 0; i < tags.count; i++)
		if (bytes_eq_str(tags.list[i].name, name) && bytes_eq_str(tags.list[i].value, value))
			return true;
	return false;
}

void tags_json(struct jw *w, struct tags tags)
{
	jw_array(w);
	for (size_t i = 0; i < tags.count; i++) {
		jw_object(w);
		jw_member(w, "name", tags.list[i].name);
		jw_member(w, "value", tags.list[i].value);
		jw_object_end(w);
	}
	jw_array_end(w);
}

enum err tags_of_json(struct tags *out, struct arena *a, const struct json *list, struct note *note)
{
	struct tag *tags;
	size_t n = 0;

	*out = (struct tags){0};
	if (!list || list->kind != JSON_ARRAY)
		return note_err(note, E_FORMAT, "the tags are not a JSON array");
	tags = arena_new_array(a, list->count, struct tag);
	for (const struct json *tag = list->first; tag; tag = tag->next, n++) {
		const struct json *name = json_get(tag, "name"), *value = json_get(tag, "value");
		if (!name || name->kind != JSON_STRING || !value || value->kind != JSON_STRING)
			return note_err(note, E_FORMAT, "tag %zu is not {\"name\": text, \"value\": text}", n);
		tags[n] = (struct tag){json_text(a, name), json_text(a, value)};
	}
	*out = (struct tags){tags, n};
	return OK;
}

struct tag_list tag_list_on(struct arena *a)
{
	return (struct tag_list){.arena = a};
}

void tag_list_add(struct tag_list *t, struct bytes name, struct bytes value)
{
	if (t->count == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 16;
		struct tag *list = arena_new_array(t->arena, cap, struct tag);
		if (t->count)
			memcpy(list, t->list, t->count * sizeof(*list));
		t->list = list;
		t->cap = cap;
	}
	t->list[t->count++] = (struct tag){name, value};
}

void tag_list_add_str(struct tag_list *t, const char *name, const char *value)
{
	tag_list_add(t, bytes_str(name), bytes_str(value));
}

struct tags tag_list_tags(const struct tag_list *t)
{
	return (struct tags){t->list, t->count};
}
