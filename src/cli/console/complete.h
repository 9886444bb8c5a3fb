/* SPDX-License-Identifier: MIT
 *
 * complete: what the word before the cursor can become.
 *
 * After a dot at the beginning of the line, the commands of the console; after `.load`, files; after `.load-blueprint`,
 * blueprints; else keywords, globals of aos, and their members once the name before the dot is there.
 */
#ifndef WEFT_CLI_CONSOLE_COMPLETE_H
#define WEFT_CLI_CONSOLE_COMPLETE_H

#include "base/arena.h"

enum { COMPLETE_MAX = 500 };

struct completion {
	size_t word;   /* how many bytes before the cursor the word begins */
	size_t common; /* how many bytes all candidates have in common */
	size_t count;
	const char *candidates[COMPLETE_MAX];
};

/* complete looks at `line`, which ends at the cursor. `blueprints` is the directory of the blueprints; NULL: none.
 * Texts live in `a`. A directory ends with a slash. */
void complete(struct completion *out, struct arena *a, struct bytes line, const char *blueprints);
/* complete_is_global tells whether aos has a global of this name. */
bool complete_is_global(struct bytes name);

#endif
