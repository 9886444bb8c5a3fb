/* SPDX-License-Identifier: MIT
 *
 * line: what is typed at a terminal, edited with libedit.
 *
 * One text may have several lines: Enter asks whether more must follow, and if so begins a line instead of ending
 * the text. Arrows move through the lines first and then through the history. Text that is pasted (bracketed paste)
 * goes in as it is. Ctrl-C drops the text, Ctrl-D on an empty one ends.
 *
 * While it waits for keys it also waits for the descriptors of `events`: when one can be read, what is being typed is
 * taken off the screen, the owner reads and prints, and the text is drawn again below.
 *
 * From line_open to line_close the terminal echoes nothing by itself: what is typed while no text is being read waits
 * for the next one, which shows it.
 *
 * One at a time: the terminal is one, and libedit keeps a reference to nothing else.
 */
#ifndef WEFT_CLI_CONSOLE_LINE_H
#define WEFT_CLI_CONSOLE_LINE_H

#include "cli/console/complete.h"

enum { LINE_EVENTS_MAX = 2 };

struct line_owner {
	void *ctx;
	/* Whether Enter at the end of this text begins another line. */
	bool (*more)(void *ctx, struct bytes text);
	void (*complete)(void *ctx, struct completion *out, struct arena *a, struct bytes before_cursor);
	/* events[i] can be read; called between two keys, with a clean line to print on. */
	void (*ready)(void *ctx, int i);
	int events[LINE_EVENTS_MAX]; /* -1: none */
};

struct line;
enum line_got { LINE_TEXT, LINE_INTERRUPTED, LINE_END };

/* line_open takes over the terminal; *owner is copied. `history` is a file, NULL: none is kept. */
struct line *line_open(const struct line_owner *owner, const char *history);
/* line_read reads one text into `out`, which is cleared first. With `colours` the text is drawn again in colours once it is
 * done. */
enum line_got line_read(struct line *l, struct buf *out, bool colours);
/* line_prompt sets the prompt, one line that may have colours in it (ESC [ ... m); also while reading. */
void line_prompt(struct line *l, struct bytes prompt);
/* line_remember adds a text to the history. */
void line_remember(struct line *l, const char *text);
/* line_event replaces an event's descriptor. */
void line_event(struct line *l, int i, int fd);
/* line_lend gives the terminal as it was before line_open to another program; line_take takes it back. NULL: nothing. */
void line_lend(struct line *l);
void line_take(struct line *l);
void line_close(struct line *l);

#endif
