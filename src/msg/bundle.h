/* SPDX-License-Identifier: MIT
 *
 * bundle: many data items as the data of one (ANS-104; ao-units 1.7).
 *
 *   offset       size     field
 *   0            32       number of items, little endian
 *   32           64 each  length of the item, 32 bytes little endian; id of the item, 32 bytes
 *   32 + 64 n    .        the items, one after the other, to the end
 *
 * What carries a bundle says so in its tags: Bundle-Format: binary, Bundle-Version: 2.0.0.
 */
#ifndef WEFT_MSG_BUNDLE_H
#define WEFT_MSG_BUNDLE_H

#include "base/arena.h"
#include "base/hash.h"
#include "msg/tags.h"

enum { BUNDLE_ITEMS_MAX = 1 << 20 };

struct bundle_entry {
	struct id id; /* as the header says; compare it with the item's own */
	struct bytes item;
};

/* bundle_parse checks that the items fill the bundle exactly. E_FORMAT names what does not fit. */
must_use enum err bundle_parse(const struct bundle_entry **list, size_t *count, struct arena *a, struct bytes raw,
			       struct note *note);
/* bundle_create appends the bundle of these items. */
void bundle_create(struct buf *out, const struct bundle_entry *list, size_t count);
/* bundle_tagged tells whether the tags announce a binary bundle. */
bool bundle_tagged(struct tags tags);

#endif
