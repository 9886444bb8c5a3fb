/* SPDX-License-Identifier: MIT */
#include "msg/deephash.h"

#include <stdio.h>
#include <string.h>

static void hash_tag(uint8_t out[SHA384_SIZE], const char *kind, size_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%zu", kind, n);
	sha384(out, bytes_str(text));
}

static struct deephash join(const uint8_t left[SHA384_SIZE], const uint8_t right[SHA384_SIZE])
{
	uint8_t both[2 * SHA384_SIZE];
	struct deephash joined;

	memcpy(both, left, SHA384_SIZE);
	memcpy(both + SHA384_SIZE, right, SHA384_SIZE);
	sha384(joined.b, bytes_of(both, sizeof(both)));
	return joined;
}

struct deephash deephash_blob(struct bytes blob)
{
	uint8_t tag[SHA384_SIZE], data[SHA384_SIZE];

	hash_tag(tag, "blob", blob.len);
	sha384(data, blob);
	return join(tag, data);
}

struct deephash deephash_list(size_t count)
{
	struct deephash acc;

	hash_tag(acc.b, "list", count);
	return acc;
}

void deephash_add(struct deephash *list, struct deephash member)
{
	*list = join(list->b, member.b);
}

void deephash_add_blob(struct deephash *list, struct bytes blob)
{
	deephash_add(list, deephash_blob(blob));
}
