/* SPDX-License-Identifier: MIT
 *
 * find: which rows of the weave a question means. Private to the folder.
 *
 * Each condition that has an index is a *term*: the union of the rows under a few index keys (the
 * owners, the values of one tag, ...), each of them a run of rising sequences. Terms are
 * intersected by leapfrog: the row at hand is sought in each term in turn, and the first that has
 * only a later one moves the search there, so a rare owner costs as little beside a common tag as
 * alone. Conditions without an index (NEQ, wildcards, ingestion time) are checked on the record.
 * What is looked at is counted and bounded: a question that would read the whole weave is refused
 * instead.
 */
#ifndef WEFT_WEAVE_FIND_H
#define WEFT_WEAVE_FIND_H

#include "weave/record.h"

enum {
	FIND_VALUES_MAX = 1000,   /* ids, owners, values of one tag, ... */
	FIND_TAGS_MAX = 64,       /* tag filters */
	FIND_WORDS_MAX = 4096,    /* values in all */
	FIND_STEPS_MAX = 1000000, /* rows looked at for one request */
};

enum find_match { MATCH_EXACT, MATCH_WILDCARD, MATCH_ALL_WORDS, MATCH_ANY_WORD };

struct find_tag {
	struct bytes name;
	const struct bytes *values;
	size_t value_count;
	bool any_value; /* the tag exists; `values` does not count */
	bool negated;   /* no tag has that name and one of the values */
	enum find_match match;
};

/* A list that is asked for; absent: no condition. Texts are ids, or mean nothing. */
struct find_list {
	bool asked;
	const struct bytes *list;
	size_t count;
};

struct find {
	struct find_list ids, owners, recipients, bundled_in;
	bool not_bundled; /* uploads only */
	const struct find_tag *tags;
	size_t tag_count;
	uint64_t sequence_first, sequence_end;        /* [first, end); end UINT64_MAX: pending ones too */
	uint64_t received_first_ms, received_last_ms; /* inclusive; 0 and UINT64_MAX: no condition */
	bool oldest_first;
	size_t limit;
};

#define FIND_EVERYTHING ((struct find){.sequence_end = UINT64_MAX, .received_last_ms = UINT64_MAX})

/* find_run lists at most `limit` records in order, in `a`; *more (may be NULL) tells whether there
 * are others. *steps counts what was looked at, over several runs if the caller likes; E_LIMIT
 * when that is too much, E_ARGUMENT for lists that are too long. */
must_use enum err find_run(struct store *s, struct arena *a, const struct find *f, size_t *steps, struct record **list,
			   size_t *count, bool *more, struct note *note);
/* find_count counts without a limit. */
must_use enum err find_count(struct store *s, const struct find *f, size_t *steps, uint64_t *count, struct note *note);
/* find_blocks narrows `f` to the blocks of heights [min, max]; what is pending is then excluded. */
must_use enum err find_blocks(struct store *s, struct find *f, uint64_t min, uint64_t max);

#endif
