/* SPDX-License-Identifier: MIT */
#include "node/module.h"

#include "base/text.h"
#include "flow/wait.h"
#include "msg/item.h"

/* Does the newest module of that name state this hash? */
static enum err is_there(const struct weave *weave, struct arena *a, const struct key *key, struct bytes hash,
			 struct id *id, bool *there, struct note *note)
{
	struct id_text address = id_text(key_address(key));
	struct bytes owner = bytes_str(address.s), type = BYTES("Module"), name = BYTES("aos");
	struct weave_tag_filter filters[] = {{BYTES("Type"), &type, 1}, {BYTES("Name"), &name, 1}};
	struct weave_query query = {.owners = &owner, .owner_count = 1, .tags = filters, .tag_count = 2, .first = 1};
	const struct weave_meta *list;
	size_t count;
	enum err e = weave_find_wait(weave, a, &query, &list, &count, note);

	*there = e == OK && count > 0 && bytes_eq(tags_get(list[0].tags, "SHA-256"), hash) &&
		 id_parse(id, list[0].id) == OK;
	return e;
}

enum err module_publish(const struct weave *weave, const struct key *key, struct bytes wasm, struct id *id,
			bool *published, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct tag_list tags = tag_list_on(&a);
	struct buf item = BUF_EMPTY;
	uint8_t sum[SHA256_SIZE];
	char hash[2 * SHA256_SIZE + 1];
	bool there;
	enum err e;

	*published = false;
	sha256(sum, wasm);
	hex_encode(hash, bytes_of(sum, sizeof(sum)));
	e = is_there(weave, &a, key, bytes_str(hash), id, &there, note);
	if (e < 0 || there)
		goto out;
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Variant", "ao.TN.1");
	tag_list_add_str(&tags, "Type", "Module");
	tag_list_add_str(&tags, "Module-Format", "wasm32-unknown-emscripten4");
	tag_list_add_str(&tags, "Input-Encoding", "JSON-1");
	tag_list_add_str(&tags, "Output-Encoding", "JSON-1");
	tag_list_add_str(&tags, "Memory-Limit", "1-gb");
	tag_list_add_str(&tags, "Compute-Limit", "9000000000000");
	tag_list_add_str(&tags, "Content-Type", "application/wasm");
	tag_list_add_str(&tags, "Name", "aos");
	tag_list_add_str(&tags, "SHA-256", hash);
	e = item_create(&item, id, key, &(struct item_fields){.tags = tag_list_tags(&tags), .data = wasm}, note);
	if (e == OK)
		e = weave_put_wait(weave, buf_bytes(&item), note);
	*published = e == OK;
out:
	buf_release(&item);
	arena_release(&a);
	return e;
}
