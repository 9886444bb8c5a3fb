/* SPDX-License-Identifier: MIT
 *
 * crew: which modules have a compiler of their own at hand. Private to the folder.
 *
 * A compiler is a process with LLVM in it and some tens of megabytes, and a module keeps it while it may need more code, which for
 * one that is rarely used is for ever. So only those that were asked last keep theirs, CREW_MAX of them; the others start another
 * when they need it, which takes some hundredths of a second.
 */
#ifndef WEFT_READER_WASM_CREW_H
#define WEFT_READER_WASM_CREW_H

#include <pthread.h>
#include <stddef.h>

struct translated;

enum { CREW_MAX = 4 };

struct crew {
	pthread_mutex_t lock;
	struct translated *list[CREW_MAX + 1]; /* the one asked last comes first */
	size_t count;
};

/* crew_asked: t has just used its compiler, and does not hold what translated_rest takes. The one that was asked longest ago may
 * lose its own. crew_left: t has none any more, or ends. */
void crew_asked(struct crew *c, struct translated *t);
void crew_left(struct crew *c, struct translated *t);

#endif
