/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	enum err code;
	const char *name;
	int status;
	int exit_code;
	const char *sentence;
};

static const struct row rows[] = {
#define X(code, number, status, exit_code, sentence) {code, #code, status, exit_code, sentence},
#include "base/err.def"
#undef X
};

static const struct row *row_of(enum err e)
{
	size_t i = (size_t) - (int)e;

	must(i < sizeof(rows) / sizeof(rows[0]) && rows[i].code == e);
	return &rows[i];
}

bool err_known(int number)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == number)
			return true;
	return false;
}

const char *err_name(enum err e)
{
	return row_of(e)->name;
}

const char *err_sentence(enum err e)
{
	return row_of(e)->sentence;
}

int err_http_status(enum err e)
{
	return row_of(e)->status;
}

int err_exit_code(enum err e)
{
	return row_of(e)->exit_code;
}

enum err err_of_name(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].code;
	return E_PEER;
}

enum err note_err(struct note *note, enum err e, const char *format, ...)
{
	va_list args;

	if (note && note->text[0] == 0) {
		va_start(args, format);
		vsnprintf(note->text, sizeof(note->text), format, args);
		va_end(args);
	}
	return e;
}

void note_hint(struct note *note, const char *format, ...)
{
	va_list args;

	if (!note || note->hint[0])
		return;
	va_start(args, format);
	vsnprintf(note->hint, sizeof(note->hint), format, args);
	va_end(args);
}

void note_reset(struct note *note)
{
	if (note)
		note->text[0] = note->hint[0] = 0;
}

const char *note_text(const struct note *note, enum err e)
{
	return note && note->text[0] ? note->text : err_sentence(e);
}

_Noreturn void must_failed(const char *claim, const char *file, int line, const char *function)
{
	fprintf(stderr, "weft: a bug of ours: %s does not hold at %s:%d (%s)\n", claim, file, line, function);
	fflush(stderr);
	abort();
}
