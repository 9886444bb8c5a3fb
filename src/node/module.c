/* SPDX-License-Identifier: MIT */
#include "node/module.h"

#include "base/clock.h"
#include "base/text.h"
#include "flow/wait.h"
#include "msg/item.h"

#include <inttypes.h>

#define MEMORY_MAX ((uint64_t)1 << 30)

/* Does the newest module of that name say just this? */
static enum err is_there(const struct weave *weave, struct arena *a, const struct key *key, struct tags tags,
			 struct id *id, bool *there, struct note *note)
{
	struct id_text address = id_text(key_address(key));
	struct bytes owner = bytes_str(address.s), type = BYTES("Module"), name = BYTES("aos");
	struct weave_tag_filter filters[] = {{BYTES("Type"), &type, 1}, {BYTES("Name"), &name, 1}};
	struct weave_query query = {.owners = &owner, .owner_count = 1, .tags = filters, .tag_count = 2, .first = 1};
	const struct weave_meta *list;
	size_t count;
	enum err e = weave_find_wait(weave, a, &query, &list, &count, note);

	*there = e == OK && count > 0 && id_parse(id, list[0].id) == OK;
	for (size_t i = 0; *there && i < tags.count; i++) {
		const char *tag = arena_cstr(a, tags.list[i].name);
		*there = bytes_eq(tags_get(list[0].tags, tag), tags.list[i].value);
	}
	return e;
}

static struct tags module_tags(struct arena *a, struct bytes wasm, const struct module_limits *limits)
{
	struct tag_list tags = tag_list_on(a);
	uint8_t sum[SHA256_SIZE];
	char hash[2 * SHA256_SIZE + 1];

	sha256(sum, wasm);
	hex_encode(hash, bytes_of(sum, sizeof(sum)));
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Variant", "ao.TN.1");
	tag_list_add_str(&tags, "Type", "Module");
	tag_list_add_str(&tags, "Module-Format", "wasm32-unknown-emscripten4");
	tag_list_add_str(&tags, "Input-Encoding", "JSON-1");
	tag_list_add_str(&tags, "Output-Encoding", "JSON-1");
	tag_list_add(&tags, BYTES("Memory-Limit"),
		     limits->memory_max < MEMORY_MAX ? arena_printf(a, "%" PRIu64, limits->memory_max) : BYTES("1-gb"));
	tag_list_add(&tags, BYTES("Compute-Limit"), arena_printf(a, "%" PRIu64, limits->gas));
	tag_list_add_str(&tags, "Content-Type", "application/wasm");
	tag_list_add_str(&tags, "Name", "aos");
	tag_list_add(&tags, BYTES("SHA-256"), arena_printf(a, "%s", hash));
	return tag_list_tags(&tags);
}

enum err module_publish(const struct weave *weave, const struct key *key, struct bytes wasm,
			const struct module_limits *limits, struct id *id, bool *published, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct tags tags = module_tags(&a, wasm, limits);
	struct buf item = BUF_EMPTY;
	uint8_t anchor[32];
	bool there;
	enum err e = is_there(weave, &a, key, tags, id, &there, note);

	*published = false;
	if (e == OK && !there) {
		/* As in location.c: back to limits of earlier, it would otherwise be the same item, and not the newest. */
		random_bytes(anchor, sizeof(anchor));
		e = item_create(
			&item, id, key,
			&(struct item_fields){.anchor = bytes_of(anchor, sizeof(anchor)), .tags = tags, .data = wasm},
			note);
		if (e == OK)
			e = weave_put_wait(weave, buf_bytes(&item), note);
		*published = e == OK;
	}
	buf_release(&item);
	arena_release(&a);
	return e;
}
