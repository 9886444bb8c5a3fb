/* SPDX-License-Identifier: MIT
 *
 * command: one row for each thing that `weft` can be told to do. The rows make the
 * parser of the command line, `--help`, the man page and the shell completion, so none
 * of them can say anything that is not so.
 *
 * A command line is: weft NAME [WORD...] [ARGUMENT...] [--option [VALUE]...]. Options may stand
 * anywhere after the name; `--option=value` and `--option value` are the same; `--` ends
 * options. A wrong word ends with exit code 2 and says what would have been right.
 *
 * Words that are nearly right are answered with the right one (nearest.c). With --json an error is
 * JSON too, on stderr: {"error","code","hint"}.
 *
 * Exit codes (err.def): 0 done; 1 the process answered with an error; 2 the command or
 * its input is wrong; 3 not found; 4 exists already; 5 refused; 6 busy; 7 damaged or
 * unreadable; 8 a unit could not be reached.
 */
#ifndef WEFT_CLI_COMMAND_H
#define WEFT_CLI_COMMAND_H

#include "base/arena.h"
#include "base/err.h"

enum { OPTIONS_MAX = 64, ARGUMENTS_MAX = 16, COMMAND_OPTIONS_MAX = 24, EXIT_GUEST_ERROR = 1 };

struct option {
	const char *name;  /* without the dashes */
	const char *value; /* what stands in its place in the help ("FILE"); NULL: a switch */
	const char *help;  /* one sentence, no full stop */
};

struct call;

struct command {
	const char *name;      /* "spawn", or two words: "wallet new" */
	const char *arguments; /* "PROCESS CODE", "[MODULE]"; NULL: none */
	const char *summary;   /* one line */
	const char *text;      /* the rest of what the manual says; may be NULL */
	const struct option *options;
	int (*run)(struct call *call);
};

/* A command line that was parsed against its row. */
struct call {
	const struct command *command;
	struct arena arena; /* everything that the command makes */
	size_t argument_count;
	const char *arguments[ARGUMENTS_MAX];
	size_t option_count;
	struct {
		const char *name;
		const char *value; /* "" for a switch */
	} given[OPTIONS_MAX];
	struct note note;
};

/* All commands: those of the command line, then those that the node adds. */
struct command_table {
	const struct command *const *groups; /* arrays that end with a row without a name */
	const char *const *titles;
	size_t group_count;
	void (*man_more)(void); /* prints further sections of the manual; may be NULL */
};

/* command_main finds, parses, runs and cleans up; returns the exit code. */
int command_main(const struct command_table *table, int argc, char **argv);

/* call_option is the option's last value, or NULL; call_has tells whether it was given at all;
 * call_next walks over the values of a repeated one (*at starts at 0). */
const char *call_option(const struct call *c, const char *name);
bool call_has(const struct call *c, const char *name);
const char *call_next(const struct call *c, const char *name, size_t *at);
/* call_number: E_ARGUMENT, with a note, unless it is a whole number in [low, high]; `fallback` when absent. */
must_use enum err call_number(struct call *c, const char *name, uint64_t low, uint64_t high, uint64_t fallback,
			      uint64_t *out);

/* call_fail prints "weft: <what went wrong>" and the hint to stderr, and returns the exit code of e. */
int call_fail(struct call *c, enum err e);

/* call_parse reads what follows the command's name against c->command. E_ARGUMENT with a note. */
must_use enum err call_parse(struct call *c, int argc, char **argv);

/* Which of some words did the writer of this one mean? Offer all; then best is the closest, or NULL when
 * none is near (more than a third of the letters wrong). */
struct nearest {
	struct bytes word;
	const char *best;
	size_t distance;
};
void nearest_offer(struct nearest *n, const char *candidate);

/* The commands of this folder, ended by an empty row. */
extern const struct command cli_commands[];
/* Options that every command accepts: --help, --json. */
extern const struct option common_options[];

/* help.c: the three faces of the table. */
void help_overview(const struct command_table *table);
void help_command(const struct command *command);
void help_man(const struct command_table *table);
void help_completion(const struct command_table *table);
/* help_man_text prints text for the manual, with what troff would read as its own made harmless, and
 * ends the line; help_man_inline is for text inside a line. */
void help_man_text(const char *text);
void help_man_inline(const char *text);

#endif
