/* SPDX-License-Identifier: MIT
 *
 * commands: the words that begin with a dot: what they are called, what they say of themselves, what they run. One row makes
 * the parser, `.help` and the completion.
 */
#ifndef WEFT_CLI_CONSOLE_COMMANDS_H
#define WEFT_CLI_CONSOLE_COMMANDS_H

#include "base/bytes.h"

struct console;

struct dot_command {
	const char *name;      /* with its dot */
	const char *arguments; /* NULL: none, "[X]": may be absent */
	const char *help;
	int (*run)(struct console *c, const char *argument); /* "" when there is none; returns an exit code */
};

/* Ended by an empty row. */
extern const struct dot_command dot_commands[];

/* dot_parse reads a line: the row it names, or NULL; *argument is the rest without blanks around it, and without quotes. */
const struct dot_command *dot_parse(struct bytes line, struct bytes *argument);
/* dot_run runs a line that begins with a dot, and says what is wrong with one that is none. Returns an exit code. */
int dot_run(struct console *c, struct bytes line);
/* dot_is tells whether a line of a script is a command: its word is exactly one's name. */
bool dot_is(struct bytes line);

#endif
