/* SPDX-License-Identifier: MIT */
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum err read_file(struct call *c, const char *path, size_t max, struct bytes *content)
{
	struct buf all = BUF_EMPTY;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	enum err e = OK;
	size_t n;

	if (!file)
		return note_err(&c->note, E_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
	do {
		buf_reserve(&all, 65536);
		n = fread(all.ptr + all.len, 1, 65536, file);
		all.len += n;
	} while (n && all.len <= max);
	if (ferror(file))
		e = note_err(&c->note, E_IO, "cannot read %s: %s", path, strerror(errno));
	else if (all.len > max)
		e = note_err(&c->note, E_LIMIT, "%s is larger than %zu MiB", path, max >> 20);
	else
		*content = arena_copy(&c->arena, buf_bytes(&all));
	if (file != stdin)
		fclose(file);
	buf_release(&all);
	return e;
}

enum err check_id(struct call *c, const char *what, const char *text, struct id *id)
{
	if (id_parse(id, bytes_str(text)) == OK)
		return OK;
	return note_err(&c->note, E_ARGUMENT, "'%s' is not the id of a %s: an id is 43 characters of base64url", text,
			what);
}

int print_id(struct call *c, const char *what, struct id id)
{
	if (call_has(c, "json"))
		printf("{\"%s\":\"%s\"}\n", what, id_text(id).s);
	else
		printf("%s\n", id_text(id).s);
	return 0;
}
