/* SPDX-License-Identifier: MIT
 *
 * of_item: the nouns as the scheduler shows them, made from the signed items themselves.
 */
#include "base/text.h"
#include "flow/nouns.h"
#include "msg/address.h"
#include "msg/item.h"

static struct bytes b64url(struct arena *a, struct bytes b)
{
	char *text = arena_alloc(a, b64url_len(b.len) + 1);

	b64url_encode(text, b);
	return bytes_of(text, b64url_len(b.len));
}

static struct bytes mended(struct arena *a, struct bytes data)
{
	struct buf text = BUF_EMPTY;
	struct bytes copy;

	if (bytes_utf8(data))
		return data;
	buf_put_utf8_lossy(&text, data);
	copy = arena_copy(a, buf_bytes(&text));
	buf_release(&text);
	return copy;
}

void message_of_item(struct message *out, struct arena *a, const struct item *item)
{
	*out = (struct message){
		.id = arena_copy(a, bytes_str(id_text(item->id).s)),
		.signature = b64url(a, item->signature),
		.owner_address = address_native(a, item->owner),
		.owner_key = item->owner,
		.target = b64url(a, item->target),
		.anchor = item->anchor,
		.has_anchor = item->anchor.len > 0 && bytes_utf8(item->anchor),
		.tags = item->tags,
		.data = mended(a, item->data),
		.has_data = true,
		.item = item->raw,
	};
}

enum err assignment_of_item(struct assignment *out, struct arena *a, const struct item *item, struct note *note)
{
	*out = (struct assignment){
		.id = arena_copy(a, bytes_str(id_text(item->id).s)),
		.signature = b64url(a, item->signature),
		.owner_address = address_native(a, item->owner),
		.owner_key = item->owner,
		.tags = item->tags,
		.item = item->raw,
	};
	return assignment_read_tags(out, note);
}
