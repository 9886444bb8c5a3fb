/* SPDX-License-Identifier: MIT
 *
 * feed: what happens in the process while its owner sits at the console. A thread asks the CU for the results after
 * the newest one it knows; those that carry `print` (aos-module 5.5), and errors, are queued as texts for the
 * thread that owns the terminal, which is told by a descriptor.
 *
 * Errors do not say whose they are. The console's own are told from others by their text, so the feed is held while
 * one of its own messages is evaluated: what it reads meanwhile waits until that result is known.
 */
#ifndef WEFT_CLI_CONSOLE_FEED_H
#define WEFT_CLI_CONSOLE_FEED_H

#include "cli/console/console.h"

enum { FEED_PAGE = 100, FEED_QUEUE_MAX = 200 };

struct feed;

/* feed_start begins after the newest result that there is. */
struct feed *feed_start(struct console *c);
/* feed_stop ends the thread and frees. All of these accept NULL. */
void feed_stop(struct feed *f);
/* feed_fd can be read when feed_take would give something; -1 for NULL. */
int feed_fd(const struct feed *f);
/* feed_take takes the oldest text off the queue: `text` is to be printed (print.h cleans it), `prompt` is the process's newest
 * one, or empty. False when there is none. */
bool feed_take(struct feed *f, struct buf *text, struct buf *prompt, bool *is_error);
/* feed_pause keeps new texts back until it is called with false; they are shown then. */
void feed_pause(struct feed *f, bool paused);
void feed_hold(struct feed *f);
void feed_release(struct feed *f);
/* feed_own_error, while held: an error with this JSON text is not to be shown, once. */
void feed_own_error(struct feed *f, struct bytes error);

/* A page of the CU, read. */
struct feed_entry {
	struct bytes text;   /* empty: nothing to show */
	struct bytes error;  /* its JSON, when text is an error's */
	struct bytes prompt; /* may be empty */
};

struct feed_page {
	struct bytes cursor; /* of the last edge; empty: there was none */
	size_t count;
	struct feed_entry entries[FEED_PAGE];
};

/* feed_read reads GET /results' answer (ao-units 5.5); texts live in `a`. E_FORMAT when it is none. */
must_use enum err feed_read(struct feed_page *page, struct arena *a, struct bytes json);

#endif
