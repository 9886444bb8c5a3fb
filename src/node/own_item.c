/* SPDX-License-Identifier: MIT */
#include "node/own_item.h"

#include "base/clock.h"
#include "flow/wait.h"
#include "msg/item.h"

static bool same(struct tags a, struct tags b)
{
	if (a.count != b.count)
		return false;
	for (size_t i = 0; i < a.count; i++)
		if (!bytes_eq(a.list[i].name, b.list[i].name) || !bytes_eq(a.list[i].value, b.list[i].value))
			return false;
	return true;
}

/* Does the newest one say just this? */
static enum err is_there(const struct weave *weave, struct arena *a, const struct key *key, struct tags tags,
			 struct id *id, bool *there, struct note *note)
{
	struct id_text address = id_text(key_address(key));
	struct bytes owner = bytes_str(address.s), type = tags_get(tags, "Type"), name = tags_get(tags, "Name");
	struct weave_tag_filter filters[] = {{BYTES("Type"), &type, 1}, {BYTES("Name"), &name, 1}};
	struct weave_query query = {
		.owners = &owner, .owner_count = 1, .tags = filters, .tag_count = name.len ? 2 : 1, .first = 1};
	const struct weave_meta *list;
	size_t count;
	enum err e = weave_find_wait(weave, a, &query, &list, &count, note);

	*there = e == OK && count > 0 && same(list[0].tags, tags) && id_parse(id, list[0].id) == OK;
	return e;
}

enum err own_item_put(const struct weave *weave, const struct key *key, struct tags tags, struct bytes data,
		      struct id *id, bool *published, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct buf item = BUF_EMPTY;
	uint8_t anchor[32];
	bool there;
	enum err e = is_there(weave, &a, key, tags, id, &there, note);

	if (e == OK && !there) {
		/* Back to what it said earlier: without an anchor it would be the same item, and not the newest. */
		random_bytes(anchor, sizeof(anchor));
		struct item_fields fields = {.anchor = bytes_of(anchor, sizeof(anchor)), .tags = tags, .data = data};
		e = item_create(&item, id, key, &fields, note);
		if (e == OK)
			e = weave_put_wait(weave, buf_bytes(&item), note);
	}
	*published = e == OK && !there;
	buf_release(&item);
	arena_release(&a);
	return e;
}
