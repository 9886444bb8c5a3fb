/* SPDX-License-Identifier: MIT */
#include "node/location.h"

#include "base/clock.h"
#include "flow/wait.h"
#include "msg/item.h"

#include <ctype.h>
#include <inttypes.h>

/* Does the newest location say just this? */
static enum err is_there(const struct weave *weave, struct arena *a, const struct key *key, struct tags tags,
			 bool *there, struct note *note)
{
	struct id_text address = id_text(key_address(key));
	struct bytes owner = bytes_str(address.s), type = BYTES("Scheduler-Location");
	struct weave_tag_filter filter = {BYTES("Type"), &type, 1};
	struct weave_query query = {.owners = &owner, .owner_count = 1, .tags = &filter, .tag_count = 1, .first = 1};
	const struct weave_meta *list;
	size_t count;
	enum err e = weave_find_wait(weave, a, &query, &list, &count, note);

	*there = e == OK && count > 0 && list[0].tags.count == tags.count;
	for (size_t i = 0; *there && i < tags.count; i++)
		*there = bytes_eq(list[0].tags.list[i].name, tags.list[i].name) &&
			 bytes_eq(list[0].tags.list[i].value, tags.list[i].value);
	return e;
}

static struct tags location_tags(struct arena *a, const struct location *location)
{
	struct tag_list tags = tag_list_on(a);
	struct bytes rest = location->stands_for;

	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Variant", "ao.TN.1");
	tag_list_add_str(&tags, "Type", "Scheduler-Location");
	tag_list_add(&tags, BYTES("Url"), location->url);
	tag_list_add(&tags, BYTES("Time-To-Live"), arena_printf(a, "%" PRIu64, location->time_to_live_ms));
	while (rest.len) {
		struct bytes address = bytes_cut(rest, ',', &rest);
		struct id id;
		while (address.len && isspace(address.ptr[0]))
			address = bytes_from(address, 1);
		while (address.len && isspace(address.ptr[address.len - 1]))
			address.len--;
		must(id_parse(&id, address) == OK); /* the setting was checked */
		tag_list_add(&tags, BYTES("Stands-For"), address);
	}
	return tag_list_tags(&tags);
}

enum err location_publish(const struct weave *weave, const struct key *key, const struct location *location,
			  bool *published, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct tags tags = location_tags(&a, location);
	struct buf item = BUF_EMPTY;
	uint8_t anchor[32];
	struct id id;
	bool there;
	enum err e = is_there(weave, &a, key, tags, &there, note);

	*published = false;
	if (e < 0 || there)
		goto out;
	/* Back to an URL of earlier: without an anchor it would be the same item, and not the newest. */
	random_bytes(anchor, sizeof(anchor));
	e = item_create(
		&item, &id, key,
		&(struct item_fields){.anchor = bytes_of(anchor, sizeof(anchor)), .tags = tags, .data = BYTES(" ")},
		note);
	if (e == OK)
		e = weave_put_wait(weave, buf_bytes(&item), note);
	*published = e == OK;
out:
	buf_release(&item);
	arena_release(&a);
	return e;
}
