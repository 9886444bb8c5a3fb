/* SPDX-License-Identifier: MIT
 *
 * topology: which parts a node has, and what each of them needs from others. Everything about order
 * follows from the one table in topology.c: parts start after what they need, and
 * stop before it.
 *
 * A part is either here (this program runs it) or elsewhere (a URL stands for it); what it needs is only
 * needed when it is here.
 */
#ifndef WEFT_NODE_TOPOLOGY_H
#define WEFT_NODE_TOPOLOGY_H

#include "base/bytes.h"

enum part { PART_WEAVE, PART_SU, PART_LOCATION, PART_LOCATE, PART_CU, PART_MU, PART_MODULE, PARTS };

/* Sets of parts, as bits. */
#define PART_BIT(part) (1u << (part))
#define PARTS_ALL (PART_BIT(PARTS) - 1)

struct part_row {
	enum part part;
	const char *name;
	unsigned needs;
	const char *gives; /* what it is there for, in a few words */
};

extern const struct part_row topology[PARTS];

/* topology_start writes the parts that `here` and all that it needs, in the order in which they start, and
 * returns how many. They stop in the opposite order. */
size_t topology_start(enum part order[PARTS], unsigned here);

/* topology_picture draws who needs whom, in the order of starting. */
void topology_picture(struct buf *out, unsigned here);

#endif
