/* SPDX-License-Identifier: MIT
 *
 * nearest: "did you mean". The distance of two words is the number of letters to insert, to leave out, to
 * replace, or to swap with their neighbour (the optimal string alignment distance).
 */
#include "cli/command.h"

#include <string.h>

enum { WORD_MAX = 32, DISTANCE_FREE = 1 };

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Three rows of the usual table are enough: a swap looks two rows back. */
static size_t distance(struct bytes a, struct bytes b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b.len; j++)
		above[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *spare = before;
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t wrong = a.ptr[i - 1] != b.ptr[j - 1];
			row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + wrong);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
				row[j] = least(row[j], before[j - 2] + 1, row[j]);
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[b.len];
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	struct bytes b = bytes_str(candidate);
	size_t far;

	if (n->word.len == 0 || n->word.len > WORD_MAX || b.len > WORD_MAX)
		return;
	far = distance(n->word, b);
	if (far > DISTANCE_FREE && far > n->word.len / 3)
		return;
	if (!n->best || far < n->distance) {
		n->best = candidate;
		n->distance = far;
	}
}
