/* SPDX-License-Identifier: MIT
 *
 * payload: the data of an item over HTTP (weave 3.1-3.3, 3.7). Private to the folder.
 *
 * A payload never changes, so it is named by its hash (ETag) and may be kept for ever. Large ones
 * are sent from their file without a copy. One range is served as 206; a list of ranges is
 * answered whole, as RFC 9110, 14.2 lets a server do.
 *
 * The tags of an item are shown as headers, because the reference MU reads a process that way:
 * `name: value` where the name is a header that is not ours to set and the value printable,
 * `X-Arweave-Tag-Name: value` otherwise.
 */
#ifndef WEFT_WEAVE_PAYLOAD_H
#define WEFT_WEAVE_PAYLOAD_H

#include "http/http.h"
#include "weave/record.h"

enum {
	TAG_HEADERS_MAX = 90,     /* headers made of tags */
	TAG_HEADER_NAME_MAX = 64, /* a longer name becomes X-Arweave-Tag-... */
	TAG_HEADER_VALUE_MAX = 4096,
	TAG_HEADER_BYTES_MAX = 16384, /* all of them */
};

void payload_answer(struct http_request *r, struct store *s, const struct record *record);

/* range_parse reads the Range header for `size` bytes: 200 (no range, or several: all of it), 206
 * with *first and *last (clamped to the end), 416, or 400 for what is no range at all. */
int range_parse(struct bytes header, uint64_t size, uint64_t *first, uint64_t *last);

#endif
