/* SPDX-License-Identifier: MIT */
#include "weave/merkle.h"

#include <stdlib.h>
#include <string.h>

struct node {
	struct id id;
	uint64_t end;
};

static struct id hash_of(const void *ptr, size_t len)
{
	return id_of_sha256(bytes_of(ptr, len));
}

static struct id hash_number(uint64_t n)
{
	uint8_t note[32] = {0};

	set_u64be(note + 24, n);
	return hash_of(note, sizeof(note));
}

static struct node leaf(struct bytes data, uint64_t from, uint64_t end)
{
	struct id chunk = hash_of(data.ptr + from, (size_t)(end - from)), parts[2];

	parts[0] = hash_of(chunk.b, 32);
	parts[1] = hash_number(end);
	return (struct node){hash_of(parts, sizeof(parts)), end};
}

static struct node branch(struct node left, struct node right)
{
	struct id parts[3] = {hash_of(left.id.b, 32), hash_of(right.id.b, 32), hash_number(left.end)};

	return (struct node){hash_of(parts, sizeof(parts)), right.end};
}

struct id merkle_root(struct bytes data, enum merkle_split split)
{
	struct node *nodes = calloc(data.len / CHUNK_TAIL_MIN + 2, sizeof(*nodes));
	uint64_t from = 0, rest = data.len;
	size_t count = 0;
	struct id root;

	must(nodes != NULL);
	while (rest >= CHUNK_MAX) {
		uint64_t len = CHUNK_MAX, tail = rest - CHUNK_MAX;
		if (split == MERKLE_CLIENT && tail > 0 && tail < CHUNK_TAIL_MIN)
			len = (rest + 1) / 2;
		nodes[count++] = leaf(data, from, from + len);
		from += len;
		rest -= len;
	}
	nodes[count++] = leaf(data, from, from + rest);
	while (count > 1) {
		for (size_t i = 0; i < count; i += 2)
			nodes[i / 2] = i + 1 < count ? branch(nodes[i], nodes[i + 1]) : nodes[i];
		count = (count + 1) / 2;
	}
	root = nodes[0].id;
	free(nodes);
	return root;
}
