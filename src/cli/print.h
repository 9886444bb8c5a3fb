/* SPDX-License-Identifier: MIT
 *
 * print: results as people read them. Colour only on a terminal, and never when NO_COLOR is set
 * (no-color.org). What a stranger wrote (a process, a peer) is printed without what could steer the
 * terminal or deceive its reader: control characters of ASCII and of Latin-1 (C0, DEL, C1) and marks that
 * reverse the direction of text; only the colours that aos itself uses stay, and those only on a
 * terminal. JSON for scripts keeps all of it, escaped.
 */
#ifndef WEFT_CLI_PRINT_H
#define WEFT_CLI_PRINT_H

#include "base/json.h"

struct call;

enum color { COLOR_NONE, COLOR_DIM, COLOR_RED, COLOR_GREEN, COLOR_BLUE };

/* foreign_text appends text without control characters; newlines and tabs stay, or become blanks in
 * `one_line`. */
struct foreign {
	bool one_line;
	bool keep_colours;
};
void foreign_text(struct buf *out, struct bytes text, struct foreign how);
/* foreign_json appends JSON in which the characters that foreign_text leaves out are written as \u
 * escapes: the same document. */
void foreign_json(struct buf *out, struct bytes json);

/* print_in writes text in a colour, without a line end. */
void print_in(enum color color, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* print_foreign writes what a stranger wrote; print_foreign_line keeps it on one line. */
void print_foreign(struct bytes text);
void print_foreign_line(struct bytes text);
/* print_json writes one JSON document and a line end. */
void print_json(struct bytes json);

/* print_result shows a result (ao-units 5.2): its output, what it sends, spawns and assigns, its
 * error; returns 0, or EXIT_GUEST_ERROR when it carries an error. With --json it prints `raw` as it is. */
int print_result(struct call *call, const struct json *result, struct bytes raw);

/* print_outbox shows what it sends, spawns and assigns. */
void print_outbox(struct call *call, const struct json *result);

/* The text of a result's Output, whichever shape the module gave it. */
struct bytes result_output(struct arena *a, const struct json *result);

#endif
