/* SPDX-License-Identifier: MIT */
#include "node/module.h"

#include "base/text.h"
#include "node/own_item.h"

#include <inttypes.h>

#define MEMORY_MAX ((uint64_t)1 << 30)

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
	enum err e = own_item_put(weave, key, module_tags(&a, wasm, limits), wasm, id, published, note);

	arena_release(&a);
	return e;
}
