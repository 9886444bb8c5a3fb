/* SPDX-License-Identifier: MIT
 *
 * bundle: a Lua file and the files that it requires, as one chunk (aos-module 15.5).
 *
 * `require "a.b"` of the main file, or of one that it requires, means a/b.lua in the main file's
 * directory. Each such file comes once, before those that need it, as a function whose result is put into package.loaded under
 * the name that it was required by; the main file follows as it is, so its `return` is the chunk's. A name without a
 * file is the process's own module (json, .utils). A file that is loaded again replaces what it put
 * there before: that is how a package is reloaded while the process runs.
 *
 * At the end, comments tell weft's aos which lines are which file (modules/aos/lua/files.lua), by names that say nothing of the
 * directories of this machine: messages are public, and stay.
 */
#ifndef WEFT_CLI_CONSOLE_BUNDLE_H
#define WEFT_CLI_CONSOLE_BUNDLE_H

#include "base/arena.h"
#include "base/err.h"

enum { BUNDLE_FILES_MAX = 500, BUNDLE_DEPTH_MAX = 50, BUNDLE_SIZE_MAX = 16 << 20 };

struct bundle_file {
	const char *path;
	const char *shown; /* to the process: beginning at the main file's directory */
	const char *name;  /* that it was required by first; NULL: the main file */
	size_t depth;      /* 0: the main file */
	size_t line_first; /* of its text in the chunk, from 1 */
	size_t line_count;
};

struct bundle {
	struct bytes chunk;
	size_t count; /* files, in the order of the chunk: the main file is the last */
	struct bundle_file files[BUNDLE_FILES_MAX];
};

/* bundle_make reads and joins; all of it lives in `a`. E_NOT_FOUND and E_IO name the file, E_LIMIT the limit. */
must_use enum err bundle_make(struct bundle *b, struct arena *a, const char *path, struct note *note);
/* bundle_of_text makes one of a text that has been read already. */
void bundle_of_text(struct bundle *b, struct arena *a, const char *path, struct bytes text);
/* bundle_find is the file that a line of the chunk came from, and its line there; NULL: none (it is ours). */
const struct bundle_file *bundle_find(const struct bundle *b, size_t line, size_t *line_there);

#endif
