/* SPDX-License-Identifier: MIT */
#include "cli/print.h"

#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

void print_foreign(struct bytes text)
{
	bool keep_colours = colours();

	while (text.len) {
		size_t n = colour_sequence(text);
		if (n) {
			if (keep_colours)
				fwrite(text.ptr, 1, n, stdout);
			text = bytes_from(text, n);
			continue;
		}
		if (text.ptr[0] >= 32 || text.ptr[0] == '\n' || text.ptr[0] == '\t')
			putchar(text.ptr[0]);
		text = bytes_from(text, 1);
	}
	if (keep_colours)
		fputs("\033[0m", stdout);
}

/* aos 2 answers {data: text, ...}, older ones {data: {output: text}}; other modules a bare text. */
struct bytes result_output(struct arena *a, const struct json *result)
{
	const struct json *output = json_get(result, "Output"), *data;

	if (!output || output->kind != JSON_OBJECT)
		return output && output->kind == JSON_STRING ? json_text(a, output) : json_whole(output);
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

		print_in(COLOR_GREEN, "-> ");
		print_foreign(json_get_text(a, m, "Target"));
		if (action.len) {
			print_in(COLOR_DIM, "  Action ");
			print_foreign(action);
		}
		if (data.len) {
			bool cut = data.len > SHOWN_DATA_MAX;
			if (cut)
				data.len = SHOWN_DATA_MAX;
			print_in(COLOR_DIM, "  Data ");
			print_foreign(data);
			if (cut)
				print_in(COLOR_DIM, " ...");
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

int print_result(struct call *call, const struct json *result, struct bytes raw)
{
	const struct json *error = json_get(result, "Error");
	struct bytes output = result_output(&call->arena, result);
	bool failed = json_truthy(error);

	if (call_has(call, "json")) {
		fwrite(raw.ptr, 1, raw.len, stdout);
		putchar('\n');
		return failed ? EXIT_GUEST_ERROR : 0;
	}
	if (output.len) {
		print_foreign(output);
		putchar('\n');
	}
	print_sent(&call->arena, json_get(result, "Messages"));
	print_count(result, "Spawns", "spawned");
	print_count(result, "Assignments", "assigned");
	if (failed) {
		print_in(COLOR_RED, "error: ");
		print_foreign(error->kind == JSON_STRING ? json_text(&call->arena, error) : json_whole(error));
		putchar('\n');
		return EXIT_GUEST_ERROR;
	}
	return 0;
}
