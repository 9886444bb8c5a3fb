/* SPDX-License-Identifier: MIT
 *
 * console: `weft console`, a session with one process.
 *
 *   lines typed       -> Eval messages to the process, results printed        (line.h, evaluate.c)
 *   words with a dot  -> what the console itself does                         (commands.h)
 *   its other results -> shown as they come, above the line being typed       (feed.h)
 *   files watched     -> loaded again when they are saved                     (watch.h)
 *
 * A session has one thread that talks and prints, and one that asks for new results. What one turn (a line, a
 * command) makes lives in the turn's arena. Without a terminal the same functions run what --run, --load and standard
 * input say, and the exit code tells how it went: that of the last one that failed.
 *
 * Private to the folder.
 */
#ifndef WEFT_CLI_CONSOLE_CONSOLE_H
#define WEFT_CLI_CONSOLE_CONSOLE_H

#include "base/hash.h"
#include "cli/console/bundle.h"
#include "cli/net.h"

struct line;
struct feed;
struct watch;

struct console {
	struct call *call; /* the command line; its arena is the session's */
	struct net net;
	struct id process;
	struct id_text id;
	struct bytes me;        /* the wallet as processes see it */
	const char *directory;  /* where histories and names are kept */
	const char *blueprints; /* the directory of the blueprints; NULL: not found */
	struct buf prompt;      /* may be shown as it is */
	struct id_text message; /* the newest one sent; empty: none yet */
	bool terminal;          /* somebody sits there */
	bool colours;
	bool dry;       /* code is evaluated without being kept */
	bool reloading; /* a file that is watched was saved: it is known what it requires */
	bool done;
	size_t turns; /* that have begun and not ended */
	struct line *line;
	struct feed *feed;
	struct watch *watch;
};

/* What one turn uses. The arena goes with it; errors are shown by turn_fail. */
struct turn {
	struct console *console;
	struct call call;
	struct net net;
};

/* ---- evaluate.c ---- */

/* turn_begin makes Ctrl-C end the waiting for an answer, when there is a terminal. Turns may nest: then it ends all of them. */
void turn_begin(struct turn *t, struct console *c);
void turn_end(struct turn *t);
/* turn_fail says what failed, why, and what to do; returns the exit code, and ends the turn. */
int turn_fail(struct turn *t, enum err e);

/* console_eval sends code to the process (or, when dry, has it evaluated without effect), shows its result, and returns 0,
 * EXIT_GUEST_ERROR, or the exit code of what failed. `bundle`: where the lines of the code came from, or NULL. */
int console_eval(struct console *c, struct bytes code, const struct bundle *bundle);
/* console_eval_dry is console_eval without effect. `typed`: the code as errors show it, by the same lines. */
int console_eval_dry(struct console *c, struct bytes code, struct bytes typed);
/* console_connect asks the process for its prompt, and says so when it does not take code from us. */
enum err console_connect(struct console *c);
/* console_prompt takes over a prompt of the process, cleaned. */
void console_prompt(struct console *c, struct bytes prompt);

/* ---- process.c ---- */

/* process_find sets c->process to what NAME or PROCESS means: an id is taken as it is, a name is looked up among the wallet's
 * processes, and spawned when there is none. */
must_use enum err process_find(struct console *c, const char *name);

/* ---- load.c ---- */

int console_load(struct console *c, const char *path);
int console_load_blueprint(struct console *c, const char *name);
/* blueprints_find is the directory with the blueprints: $WEFT_BLUEPRINTS, beside the build, or where they are installed. */
const char *blueprints_find(struct arena *a);

/* ---- explain.c ---- */

/* explain_error prints an error of the process, with the line of the code that it names. */
void explain_error(struct bytes text, struct bytes code, const struct bundle *bundle);

/* ---- inspect.c, trace.c ---- */

int console_inspect(struct console *c, const char *expression);
int console_trace(struct console *c, const char *id);

/* ---- upgrade.c ---- */

/* console_upgrade lets the process go on with another module; "": the network's newest aos. */
int console_upgrade(struct console *c, const char *module);

/* ---- editor.c ---- */

int console_editor(struct console *c, const char *argument);
int console_pad(struct console *c, const char *argument);

#endif
