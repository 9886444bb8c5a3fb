/* SPDX-License-Identifier: MIT */
#include "node/topology.h"

#include "base/err.h"

#define NEEDS(part) PART_BIT(PART_##part)

/* clang-format off */
const struct part_row topology[PARTS] = {
	/* part         name        needs                                     gives */
	{PART_WEAVE,    "weave",    0,                                        "items, blocks, GraphQL"},
	{PART_SU,       "su",       NEEDS(WEAVE),                             "each message its place in a history"},
	{PART_LOCATION, "location", NEEDS(WEAVE) | NEEDS(SU),                 "the SU's URL, for others to find on the weave"},
	{PART_LOCATE,   "locate",   NEEDS(WEAVE) | NEEDS(SU),                 "the scheduler of any process"},
	{PART_CU,       "cu",       NEEDS(WEAVE) | NEEDS(LOCATE),             "results, by replaying histories"},
	{PART_MU,       "mu",       NEEDS(WEAVE) | NEEDS(LOCATE) | NEEDS(CU), "the way in, and what processes send further"},
	{PART_MODULE,   "module",   NEEDS(WEAVE),                             "aos, for processes to be spawned from"},
};
/* clang-format on */

/* `locate` is a part of whoever needs it: there is no URL that could stand for it. */
static bool is_here(enum part part, unsigned here)
{
	return part == PART_LOCATE || (here & PART_BIT(part));
}

static unsigned needed_by(unsigned here)
{
	unsigned all = here, before;

	do {
		before = all;
		for (int i = 0; i < PARTS; i++)
			if ((all & PART_BIT(i)) && is_here((enum part)i, here))
				all |= topology[i].needs;
	} while (all != before);
	return all;
}

size_t topology_start(enum part order[PARTS], unsigned here)
{
	unsigned all = needed_by(here), started = 0;
	size_t n = 0;

	while (started != all) {
		unsigned before = started;
		for (int i = 0; i < PARTS; i++) {
			unsigned needs = is_here((enum part)i, here) ? topology[i].needs : 0;
			must(topology[i].part == (enum part)i);
			if (!(all & ~started & PART_BIT(i)) || (needs & ~started))
				continue;
			order[n++] = (enum part)i;
			started |= PART_BIT(i);
		}
		must(started != before); /* a circle in the table */
	}
	return n;
}

/* One row of the picture: a column for each part, in order. In its own column a part has an `o`; a `+`
 * joins it to a part that it needs; `|` runs down from a part to the last that needs it. */
static void picture_row(struct buf *out, const enum part *order, size_t count, size_t row, const unsigned *needs)
{
	bool joined = false;

	for (size_t column = 0; column <= row; column++) {
		bool here = needs[row] & PART_BIT(order[column]), later = false;
		char mark = column == row ? 'o' : here ? '+' : ' ';

		for (size_t below = row; below < count; below++)
			later |= (needs[below] & PART_BIT(order[column])) != 0;
		if (mark == ' ')
			mark = later ? '|' : joined ? '-' : ' ';
		joined |= here;
		buf_put_u8(out, (uint8_t)mark);
		if (column < row)
			buf_put_str(out, joined ? "---" : "   ");
	}
	for (size_t column = row + 1; column < count; column++)
		buf_put_str(out, "    ");
}

void topology_picture(struct buf *out, unsigned here)
{
	enum part order[PARTS];
	size_t count = topology_start(order, here);
	unsigned needs[PARTS];

	for (size_t i = 0; i < count; i++)
		needs[i] = is_here(order[i], here) ? topology[order[i]].needs : 0;
	buf_put_str(out, "what starts after what (o), because it needs it (+); they stop in the opposite order\n\n");
	for (size_t i = 0; i < count; i++) {
		const struct part_row *row = &topology[order[i]];
		buf_printf(out, "  %zu  %-9s ", i + 1, row->name);
		picture_row(out, order, count, i, needs);
		buf_printf(out, "  %s%s\n", row->gives, is_here(order[i], here) ? "" : " (elsewhere, behind a URL)");
	}
}
