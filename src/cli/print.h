/* SPDX-License-Identifier: MIT
 *
 * print: results as people read them. Colour only on a terminal, and never when NO_COLOR is set
 * (no-color.org). Everything that a process wrote is printed without its control
 * characters, except the colours that aos itself uses, and those only on a terminal.
 */
#ifndef WEFT_CLI_PRINT_H
#define WEFT_CLI_PRINT_H

#include "base/json.h"

struct call;

enum color { COLOR_NONE, COLOR_DIM, COLOR_RED, COLOR_GREEN, COLOR_BLUE };

/* print_in writes text in a colour, without a line end. */
void print_in(enum color color, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* print_foreign writes what a stranger wrote. */
void print_foreign(struct bytes text);

/* print_result shows a result (ao-units 5.2): its output, what it sends, spawns and assigns, its
 * error; returns 0, or EXIT_GUEST_ERROR when it carries an error. With --json it prints `raw` as it is. */
int print_result(struct call *call, const struct json *result, struct bytes raw);

/* The text of a result's Output, whichever shape the module gave it. */
struct bytes result_output(struct arena *a, const struct json *result);

#endif
