/* SPDX-License-Identifier: MIT
 *
 * watch: files that are loaded again when they are saved (`--watch FILE`), and with each the files that it requires.
 *
 * Editors save in many ways: they write in place, or write another file and rename it. So the directories are watched
 * (inotify), and what happens to a name in them counts when the writer has closed the file or renamed it there. The
 * moment after the first event belongs to it: a save that makes several of them is one reload.
 */
#ifndef WEFT_CLI_CONSOLE_WATCH_H
#define WEFT_CLI_CONSOLE_WATCH_H

#include "base/err.h"
#include "cli/console/bundle.h"

enum { WATCH_FILES_MAX = 16 };

struct watch;

/* watch_open watches nothing yet. */
must_use enum err watch_open(struct watch **w, struct note *note);
void watch_close(struct watch *w); /* accepts NULL, as the others do */
/* watch_add watches a file that is to be loaded; `path` is copied. E_NOT_FOUND, E_LIMIT. */
must_use enum err watch_add(struct watch *w, const char *path, struct note *note);
/* watch_bundle: if `path` is one that watch_add named, the files of its bundle are watched too. */
void watch_bundle(struct watch *w, const char *path, const struct bundle *bundle);
/* watch_fd can be read when watch_next would have something; -1 for NULL. */
int watch_fd(const struct watch *w);
/* watch_next gives the next file that is to be loaded again, NULL when there is none; valid as long as `w`. */
const char *watch_next(struct watch *w);

#endif
