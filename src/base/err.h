/* SPDX-License-Identifier: MIT
 *
 * err: what a function says when it could not do as asked.
 *
 * Four kinds of failure exist in weft and are never mixed:
 *
 *   1. our bug                must(x): prints where, and aborts; on in every build
 *   2. the world failed       enum err, negative (disk, peer, time)
 *   3. the input is wrong     enum err, negative, with an HTTP status and a sentence
 *   4. the guest failed       not an error: a result, recorded and replayed
 *
 * All codes of kinds 2 and 3 live in err.def. What a code cannot say (which tag,
 * which offset, which file) goes into a `struct note`, which the caller provides
 * and which may be NULL. A note is written once, by the function that knows, and
 * read once, at the edge (the HTTP answer, the log line, the command line).
 */
#ifndef WEFT_BASE_ERR_H
#define WEFT_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

#define must_use __attribute__((warn_unused_result))

enum err {
#define X(code, number, status, exit_code, sentence) code = number,
#include "base/err.def"
#undef X
};

/* A note says what happened and, where there is one, what to do next. */
struct note {
	char text[400];
	char hint[200];
};

/* err_name is the code's own name ("E_FORMAT"); err_sentence its row in err.def. */
const char *err_name(enum err e);
const char *err_sentence(enum err e);
int err_http_status(enum err e);
int err_exit_code(enum err e);
/* err_known tells whether a number that somebody else gave is a code, or OK. */
bool err_known(int number);
/* err_of_name finds the code whose name is exactly `name`; E_PEER when there is none. */
enum err err_of_name(const char *name);

/* note_err writes the text (cut at the note's size) and returns e, so that a
 * failing function can end with `return note_err(note, E_FORMAT, "...", ...)`.
 * A note that already holds text keeps it: the deepest cause wins. */
enum err note_err(struct note *note, enum err e, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* note_hint adds the next step that the reader of the error can take. */
void note_hint(struct note *note, const char *format, ...) __attribute__((format(printf, 2, 3)));
void note_reset(struct note *note);
/* note_text is the note's text, or the code's sentence when the note is empty. */
const char *note_text(const struct note *note, enum err e);

#define must(x) ((x) ? (void)0 : must_failed(#x, __FILE__, __LINE__, __func__))
_Noreturn void must_failed(const char *claim, const char *file, int line, const char *function);

#endif
