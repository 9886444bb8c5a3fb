/* SPDX-License-Identifier: MIT
 *
 * explain: an error of the process as its author needs it: what was printed before it, the message without
 * the names of aos's own chunks, and the line of the code that it is about.
 *
 * An error of Lua reads `[string "CHUNK"]:LINE: message`, once for each place that it was raised through; what was sent to
 * Eval is the chunk "aos" (aos-module 5.6), or to weft's aos the files that the bundle says: `FILE:LINE: message`. Everything
 * here is a stranger's text.
 */
#include "cli/console/console.h"
#include "cli/console/highlight.h"
#include "cli/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ERROR_MARK "\n\n\033[31merror:\n\033[0m"

enum { NAME_MAX_LUA = 59, NAME_TAIL = 56 }; /* of what Lua shows of a file's name: longer ones are "..." and a tail */

/* Takes `:N: ` off the front. */
static bool take_line(struct bytes *text, uint64_t *line)
{
	struct bytes rest = bytes_from(*text, 1);
	size_t n = 0;

	while (n < rest.len && rest.ptr[n] >= '0' && rest.ptr[n] <= '9')
		n++;
	if (!bytes_starts(*text, ":") || !bytes_u64(bytes_of(rest.ptr, n), line) ||
	    !bytes_starts(bytes_from(rest, n), ":"))
		return false;
	rest = bytes_from(rest, n + 1);
	*text = bytes_starts(rest, " ") ? bytes_from(rest, 1) : rest;
	return true;
}

/* Takes `FILE:N: ` off the front, for a file of the bundle: *line is that of the chunk. */
static bool take_file(struct bytes *text, const struct bundle *bundle, uint64_t *line)
{
	for (size_t i = 0; bundle && i < bundle->count; i++) {
		const struct bundle_file *f = &bundle->files[i];
		struct bytes rest = *text, name = bytes_str(f->shown);
		if (name.len > NAME_MAX_LUA) {
			if (!bytes_starts(rest, "..."))
				continue;
			rest = bytes_from(rest, 3);
			name = bytes_from(name, name.len - NAME_TAIL);
		}
		if (rest.len < name.len || !bytes_eq(bytes_of(rest.ptr, name.len), name))
			continue;
		rest = bytes_from(rest, name.len);
		if (!take_line(&rest, line) || *line < 1 || *line > f->line_count)
			continue;
		*line += f->line_first - 1;
		*text = rest;
		return true;
	}
	return false;
}

/* Takes `[string "NAME"]:N: ` off the front. */
static bool take_place(struct bytes *text, struct bytes *name, uint64_t *line)
{
	struct bytes rest = bytes_from(*text, strlen("[string \""));
	const uint8_t *end;

	if (!bytes_starts(*text, "[string \"") || !(end = memmem(rest.ptr, rest.len, "\"]:", 3)))
		return false;
	*name = bytes_of(rest.ptr, (size_t)(end - rest.ptr));
	if (memchr(name->ptr, '\n', name->len))
		return false;
	rest = bytes_from(rest, name->len + 2);
	if (!take_line(&rest, line))
		return false;
	*text = rest;
	return true;
}

static struct bytes line_of(struct bytes code, size_t number)
{
	struct bytes line = {0};

	for (size_t i = 0; i < number; i++) {
		if (code.len == 0)
			return bytes_of(NULL, 0);
		line = bytes_cut(code, '\n', &code);
	}
	return line;
}

static void print_code_line(struct bytes code, size_t number, const struct bundle *bundle)
{
	size_t shown = number;
	const struct bundle_file *file = bundle ? bundle_find(bundle, number, &shown) : NULL;
	struct bytes line = line_of(code, number);
	struct buf out = BUF_EMPTY;

	if (line.len == 0)
		return;
	print_in(COLOR_BLUE, "%5zu | ", shown);
	if (isatty(STDOUT_FILENO) && !getenv("NO_COLOR"))
		highlight(&out, line);
	else
		foreign_text(&out, line, (struct foreign){.one_line = true});
	printf("%s\n", buf_str(&out));
	if (file) {
		print_in(COLOR_DIM, "        in ");
		print_foreign_line(bytes_str(file->path));
		putchar('\n');
	}
	buf_release(&out);
}

void explain_error(struct bytes text, struct bytes code, const struct bundle *bundle)
{
	const uint8_t *mark = memmem(text.ptr, text.len, ERROR_MARK, strlen(ERROR_MARK));
	struct bytes printed = {0}, name;
	uint64_t line = 0, number;

	if (mark) {
		printed = bytes_of(text.ptr, (size_t)(mark - text.ptr));
		text = bytes_from(text, printed.len + strlen(ERROR_MARK));
	}
	for (;;) {
		if (take_place(&text, &name, &number))
			line = bytes_eq_str(name, "aos") ? number : 0;
		else if (take_file(&text, bundle, &number))
			line = number;
		else
			break;
	}
	if (printed.len) {
		print_foreign(printed);
		putchar('\n');
	}
	print_in(COLOR_RED, "error: ");
	print_foreign(text.len ? text : BYTES("the process gives no reason"));
	putchar('\n');
	if (line && line <= code.len)
		print_code_line(code, (size_t)line, bundle);
}
