/* SPDX-License-Identifier: MIT */
#include "cli/print.h"

#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_DATA_MAX = 200 };

static bool colours(void)
{
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}

void print_in(enum color color, const char *format, ...)
{
	static const char *const codes[] = {"", "\033[90m", "\033[31m", "\033[32m", "\033[34m"};
	bool on = color != COLOR_NONE && colours();
	va_list args;

	if (on)
		fputs(codes[color], stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	if (on)
		fputs("\033[0m", stdout);
}

/* ---- what strangers wrote ---- */

/* The length of a colour sequence at p (ESC [ digits ; ... m), or 0. */
static size_t colour_sequence(struct bytes b)
{
	if (b.len < 3 || b.ptr[0] != 27 || b.ptr[1] != '[')
		return 0;
	for (size_t i = 2; i < b.len && i < 16; i++) {
		if (b.ptr[i] == 'm')
			return i + 1;
		if ((b.ptr[i] < '0' || b.ptr[i] > '9') && b.ptr[i] != ';')
			return 0;
	}
	return 0;
}

/* The length of the character at the front of valid UTF-8, if it is one that is not to reach a
 * terminal, else 0: C0 and DEL; C1, U+0080-U+009F; the marks of direction, U+202A-U+202E and U+2066-U+2069. */
static size_t control_length(struct bytes b, uint32_t *code)
{
	const uint8_t *p = b.ptr;

	if (p[0] < 0x20 || p[0] == 0x7f) {
		*code = p[0];
		return 1;
	}
	if (b.len >= 2 && p[0] == 0xc2 && p[1] < 0xa0) {
		*code = p[1];
		return 2;
	}
	if (b.len < 3 || p[0] != 0xe2)
		return 0;
	*code = 0x2000u | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	return (*code >= 0x202a && *code <= 0x202e) || (*code >= 0x2066 && *code <= 0x2069) ? 3 : 0;
}

void foreign_text(struct buf *out, struct bytes text, struct foreign how)
{
	struct buf mended = BUF_EMPTY;
	struct bytes rest;
	uint32_t code;
	size_t n;

	buf_put_utf8_lossy(&mended, text);
	for (rest = buf_bytes(&mended); rest.len; rest = bytes_from(rest, n)) {
		if ((n = colour_sequence(rest)) > 0) {
			if (how.keep_colours)
				buf_put(out, rest.ptr, n);
		} else if ((n = control_length(rest, &code)) > 0) {
			if (code == '\n' || code == '\t')
				buf_put_u8(out, how.one_line ? ' ' : (uint8_t)code);
		} else {
			n = 1;
			buf_put_u8(out, rest.ptr[0]);
		}
	}
	buf_release(&mended);
}

void foreign_json(struct buf *out, struct bytes json)
{
	uint32_t code;
	size_t n;

	for (; json.len; json = bytes_from(json, n ? n : 1)) {
		n = control_length(json, &code);
		if (n == 0 || code < 0x20) /* below 0x20 only blanks between tokens: the parser saw to that */
			buf_put_u8(out, json.ptr[0]);
		else
			buf_printf(out, "\\u%04x", code);
	}
}

static void print_clean(struct bytes text, bool one_line)
{
	struct foreign how = {.one_line = one_line, .keep_colours = colours()};
	struct buf clean = BUF_EMPTY;

	foreign_text(&clean, text, how);
	fwrite(clean.ptr, 1, clean.len, stdout);
	if (clean.len && memchr(clean.ptr, 27, clean.len)) /* a colour that may not have been ended */
		fputs("\033[0m", stdout);
	buf_release(&clean);
}

void print_foreign(struct bytes text)
{
	print_clean(text, false);
}

void print_foreign_line(struct bytes text)
{
	print_clean(text, true);
}

void print_json(struct bytes json)
{
	struct buf clean = BUF_EMPTY;

	foreign_json(&clean, json);
	buf_put_u8(&clean, '\n');
	fwrite(clean.ptr, 1, clean.len, stdout);
	buf_release(&clean);
}

/* ---- results ---- */

/* aos 2 answers {data: text, ...}, older ones {data: {output: text}}; other modules a bare text. */
struct bytes result_output(struct arena *a, const struct json *result)
{
	const struct json *output = json_get(result, "Output"), *data;

	if (!output || output->kind == JSON_NULL)
		return bytes_of(NULL, 0);
	if (output->kind != JSON_OBJECT)
		return output->kind == JSON_STRING ? json_text(a, output) : json_whole(output);
	data = json_get(output, "data");
	if (data && data->kind == JSON_OBJECT)
		data = json_get(data, "output");
	if (!data)
		return output->count ? json_whole(output) : bytes_of(NULL, 0);
	return data->kind == JSON_STRING ? json_text(a, data) : json_whole(data);
}

static struct bytes tag_of(struct arena *a, const struct json *entry, const char *name)
{
	const struct json *tags = json_get(entry, "Tags");

	for (const struct json *tag = tags && tags->kind == JSON_ARRAY ? tags->first : NULL; tag; tag = tag->next)
		if (bytes_eq_str(json_get_text(a, tag, "name"), name))
			return json_get_text(a, tag, "value");
	return bytes_of(NULL, 0);
}

static void print_sent(struct arena *a, const struct json *list)
{
	for (const struct json *m = list && list->kind == JSON_ARRAY ? list->first : NULL; m; m = m->next) {
		struct bytes data = json_get_text(a, m, "Data"), action = tag_of(a, m, "Action");
		bool cut = data.len > SHOWN_DATA_MAX;

		print_in(COLOR_GREEN, "-> ");
		print_foreign_line(json_get_text(a, m, "Target"));
		if (action.len) {
			print_in(COLOR_DIM, "  Action ");
			print_foreign_line(action);
		}
		if (cut) /* between characters */
			for (data.len = SHOWN_DATA_MAX; (data.ptr[data.len] & 0xc0) == 0x80; data.len--)
				;
		if (data.len) {
			print_in(COLOR_DIM, "  Data ");
			print_foreign_line(data);
			print_in(COLOR_DIM, "%s", cut ? " ..." : "");
		}
		putchar('\n');
	}
}

static void print_count(const struct json *result, const char *key, const char *word)
{
	const struct json *list = json_get(result, key);

	if (list && list->kind == JSON_ARRAY && list->count)
		print_in(COLOR_DIM, "%zu %s\n", list->count, word);
}

/* aos begins an error with blank lines and a red "error:" of its own. */
static void print_error(struct bytes text)
{
	struct buf clean = BUF_EMPTY;
	struct bytes rest;

	foreign_text(&clean, text, (struct foreign){0});
	rest = buf_bytes(&clean);
	while (rest.len && (rest.ptr[0] == '\n' || rest.ptr[0] == ' '))
		rest = bytes_from(rest, 1);
	if (bytes_starts(rest, "error:"))
		rest = bytes_from(rest, 6);
	while (rest.len && (rest.ptr[0] == '\n' || rest.ptr[0] == ' '))
		rest = bytes_from(rest, 1);
	print_in(COLOR_RED, "error: ");
	printf("%.*s\n", BYTES_FMT(rest));
	buf_release(&clean);
}

void print_outbox(struct call *call, const struct json *result)
{
	print_sent(&call->arena, json_get(result, "Messages"));
	print_count(result, "Spawns", "spawned");
	print_count(result, "Assignments", "assigned");
}

int print_result(struct call *call, const struct json *result, struct bytes raw)
{
	const struct json *error = json_get(result, "Error");
	struct bytes output = result_output(&call->arena, result);
	bool failed = json_truthy(error);

	if (call_has(call, "json")) {
		print_json(raw);
		return failed ? EXIT_GUEST_ERROR : 0;
	}
	if (output.len) {
		print_foreign(output);
		putchar('\n');
	} else if (!failed && isatty(STDOUT_FILENO)) {
		print_in(COLOR_DIM, "(no output)\n");
	}
	print_outbox(call, result);
	if (failed) {
		print_error(error->kind == JSON_STRING ? json_text(&call->arena, error) : json_whole(error));
		return EXIT_GUEST_ERROR;
	}
	return 0;
}
