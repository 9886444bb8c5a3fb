/* SPDX-License-Identifier: MIT
 *
 * tags: an ordered list of (name, value), as data items and transactions carry it.
 *
 * Names are case-sensitive and may occur more than once; which occurrence counts
 * differs by unit (ao-units 2.1), so each lookup says which it means. Names and
 * values are bytes; ao treats them as UTF-8 text.
 */
#ifndef WEFT_MSG_TAGS_H
#define WEFT_MSG_TAGS_H

#include "base/arena.h"
#include "base/json.h"

struct tag {
	struct bytes name;
	struct bytes value;
};

struct tags {
	const struct tag *list;
	size_t count;
};

/* tags_find is the value of the first tag of that name ("find" of ao-units 2.1); false when none. */
bool tags_find(struct tags tags, const char *name, struct bytes *value);
/* tags_get is tags_find with an empty value when there is none. */
struct bytes tags_get(struct tags tags, const char *name);
bool tags_has(struct tags tags, const char *name);
/* tags_includes tells whether any tag of that name has that value ("equals or array includes"). */
bool tags_includes(struct tags tags, const char *name, const char *value);
/* tags_json writes [{"name":..,"value":..},...]. */
void tags_json(struct jw *w, struct tags tags);
/* tags_of_json reads the same shape; E_FORMAT for anything else. Lives in `a`. */
must_use enum err tags_of_json(struct tags *out, struct arena *a, const struct json *list, struct note *note);

/* A list under construction, in an arena. */
struct tag_list {
	struct arena *arena;
	struct tag *list;
	size_t count, cap;
};

struct tag_list tag_list_on(struct arena *a);
/* tag_list_add borrows name and value. */
void tag_list_add(struct tag_list *t, struct bytes name, struct bytes value);
void tag_list_add_str(struct tag_list *t, const char *name, const char *value);
struct tags tag_list_tags(const struct tag_list *t);

#endif
