/* SPDX-License-Identifier: MIT
 *
 * Any bytes as what a scheduler may have answered, and as an item that somebody signed: what is read from JSON is
 * written as JSON that reads the same, and what is read from an item is too.
 */
#include "flow/nouns.h"

#include "msg/item.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_tags(struct tags a, struct tags b)
{
	must(a.count == b.count);
	for (size_t i = 0; i < a.count; i++)
		must(bytes_eq(a.list[i].name, b.list[i].name) && bytes_eq(a.list[i].value, b.list[i].value));
}

static void same_message(const struct message *a, const struct message *b)
{
	must(bytes_eq(a->id, b->id) && bytes_eq(a->signature, b->signature) && bytes_eq(a->target, b->target));
	must(bytes_eq(a->owner_address, b->owner_address) && bytes_eq(a->owner_key, b->owner_key));
	must(a->has_data == b->has_data && bytes_eq(a->data, b->data));
	must(a->has_anchor == b->has_anchor && (!a->has_anchor || bytes_eq(a->anchor, b->anchor)));
}

static void as_json(struct arena *a, struct bytes text)
{
	const struct json *node;
	struct assignment first, again;
	struct message message;
	struct buf out = BUF_EMPTY;
	struct jw w = jw_on(&out);

	if (json_parse(&node, a, text, NULL) < 0)
		return;
	(void)!message_of_json(&message, a, node, NULL);
	if (assignment_of_json(&first, a, node, NULL) < 0)
		return;
	assignment_json(&w, &first);
	must(json_parse(&node, a, buf_bytes(&out), NULL) == OK);
	must(assignment_of_json(&again, a, node, NULL) == OK);
	must(first.nonce == again.nonce && first.timestamp_ms == again.timestamp_ms);
	must(id_eq(first.process, again.process) && bytes_eq(first.id, again.id));
	same_tags(first.tags, again.tags);
	must(!first.message == !again.message);
	if (first.message) {
		same_message(first.message, again.message);
		same_tags(first.message->tags, again.message->tags);
	}
	buf_release(&out);
}

/* Tags that are not UTF-8 are mended on the way to JSON, so only their number is compared. */
static void as_item(struct arena *a, struct bytes raw)
{
	struct message first, again;
	struct assignment assignment;
	const struct json *node;
	struct buf out = BUF_EMPTY;
	struct jw w = jw_on(&out);
	struct item item;

	if (item_parse(&item, a, raw, NULL) < 0)
		return;
	(void)!assignment_of_item(&assignment, a, &item, NULL);
	message_of_item(&first, a, &item);
	message_json(&w, &first);
	must(json_parse(&node, a, buf_bytes(&out), NULL) == OK);
	must(message_of_json(&again, a, node, NULL) == OK);
	same_message(&first, &again);
	must(first.tags.count == again.tags.count);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_EMPTY;

	as_json(&a, bytes_of(data, size));
	as_item(&a, bytes_of(data, size));
	arena_release(&a);
	return 0;
}
