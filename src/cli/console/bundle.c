/* SPDX-License-Identifier: MIT */
#include "cli/console/bundle.h"

#include "cli/console/lua.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct joining {
	struct bundle *bundle;
	struct arena *arena;
	const char *directory; /* with its slash; empty: the current one */
	struct buf chunk;
	size_t line; /* of the next character of the chunk */
	size_t seen_count;
	struct {
		char *path; /* as realpath says: two names of one file are one file */
		const char *name;
	} seen[BUNDLE_FILES_MAX];
	struct note *note;
};

static void put(struct joining *j, struct bytes text)
{
	buf_put_bytes(&j->chunk, text);
	for (size_t i = 0; i < text.len; i++)
		j->line += text.ptr[i] == '\n';
}

static void put_text(struct joining *j, const char *text)
{
	put(j, bytes_str(text));
}

static enum err read_lua(struct joining *j, const char *path, struct bytes *text)
{
	FILE *file = fopen(path, "rb");
	struct buf all = BUF_EMPTY;
	struct stat st;
	enum err e = OK;
	size_t n;

	if (!file)
		return note_err(j->note, E_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(file);
		return note_err(j->note, E_ARGUMENT, "%s is a directory", path);
	}
	do {
		buf_reserve(&all, 65536);
		n = fread(all.ptr + all.len, 1, 65536, file);
		all.len += n;
	} while (n && all.len <= BUNDLE_SIZE_MAX);
	if (ferror(file))
		e = note_err(j->note, E_IO, "cannot read %s: %s", path, strerror(errno));
	else if (all.len + j->chunk.len > BUNDLE_SIZE_MAX)
		e = note_err(j->note, E_LIMIT, "with %s it is more than %d MiB", path, BUNDLE_SIZE_MAX >> 20);
	fclose(file);
	*text = arena_copy(j->arena, buf_bytes(&all));
	buf_release(&all);
	if (bytes_starts(*text, "\xef\xbb\xbf"))
		*text = bytes_from(*text, 3);
	return e;
}

/* The file of a required name, or NULL: the name is the process's. */
static const char *file_of(struct joining *j, struct bytes name)
{
	struct buf path = BUF_EMPTY;
	const char *found = NULL;
	struct stat st;

	if (name.len == 0 || name.ptr[0] == '.' || memchr(name.ptr, 0, name.len))
		return NULL;
	buf_put_str(&path, j->directory);
	for (size_t i = 0; i < name.len; i++)
		buf_put_u8(&path, name.ptr[i] == '.' ? '/' : name.ptr[i]);
	buf_put_str(&path, ".lua");
	if (stat(buf_str(&path), &st) == 0 && S_ISREG(st.st_mode))
		found = arena_cstr(j->arena, buf_bytes(&path));
	buf_release(&path);
	return found;
}

static void put_name(struct joining *j, const char *name)
{
	put_text(j, "\"");
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			put_text(j, "\\");
		if ((uint8_t)*name >= ' ')
			put(j, bytes_of(name, 1));
	}
	put_text(j, "\"");
}

/* The name as part of a Lua name. */
static void put_identifier(struct joining *j, const char *name)
{
	for (const char *p = name; *p; p++) {
		uint8_t lower = (uint8_t)*p | 0x20;
		bool letter = (*p >= '0' && *p <= '9') || (lower >= 'a' && lower <= 'z');
		put(j, letter ? bytes_of(p, 1) : BYTES("_"));
	}
}

static enum err note_file(struct joining *j, const char *path, const char *name, size_t depth, struct bytes text)
{
	struct bundle *b = j->bundle;
	size_t lines = 1;

	if (b->count == BUNDLE_FILES_MAX)
		return note_err(j->note, E_LIMIT, "more than %d files", BUNDLE_FILES_MAX);
	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	b->files[b->count++] = (struct bundle_file){path, path + strlen(j->directory), name, depth, j->line, lines};
	return OK;
}

/* Which lines are which file, on lines of their own. */
static void put_marks(struct joining *j)
{
	const struct bundle *b = j->bundle;

	if (!bytes_ends(buf_bytes(&j->chunk), "\n"))
		put_text(j, "\n");
	for (size_t i = 0; i < b->count; i++) {
		const struct bundle_file *f = &b->files[i];
		buf_printf(&j->chunk, "--@file %zu %zu ", f->line_first, f->line_count);
		for (const char *p = f->shown; *p; p++)
			buf_put_u8(&j->chunk, (uint8_t)*p < ' ' ? '?' : (uint8_t)*p);
		put_text(j, "\n");
	}
}

/* "#!/usr/bin/lua" in a first line is for shells. */
static void put_file(struct joining *j, struct bytes text)
{
	if (bytes_starts(text, "#"))
		put_text(j, "--");
	put(j, text);
}

static enum err join_required(struct joining *j, struct bytes text, size_t depth);

static enum err join_file(struct joining *j, const char *path, const char *name, size_t depth)
{
	struct bytes text;
	enum err e = read_lua(j, path, &text);

	if (e < 0 || (e = join_required(j, text, depth + 1)) < 0)
		return e;
	put_text(j, "do local function _loaded_mod_");
	put_identifier(j, name);
	put_text(j, "(...)\n");
	if ((e = note_file(j, path, name, depth, text)) < 0)
		return e;
	put_file(j, text);
	put_text(j, "\nend\nlocal result = _loaded_mod_");
	put_identifier(j, name);
	put_text(j, "(");
	put_name(j, name);
	put_text(j, ")\nif result == nil then result = true end\n_G.package.loaded[");
	put_name(j, name);
	put_text(j, "] = result end\n");
	return OK;
}

/* A file that is there already under another name only gets that name too. */
static void join_again(struct joining *j, const char *name, const char *first_name)
{
	if (strcmp(name, first_name) == 0)
		return;
	put_text(j, "_G.package.loaded[");
	put_name(j, name);
	put_text(j, "] = _G.package.loaded[");
	put_name(j, first_name);
	put_text(j, "]\n");
}

static enum err join_name(struct joining *j, struct bytes required, size_t depth)
{
	const char *path = file_of(j, required), *name;
	char *real;

	if (!path || !(real = realpath(path, NULL)))
		return OK;
	name = arena_cstr(j->arena, required);
	for (size_t i = 0; i < j->seen_count; i++) {
		if (strcmp(j->seen[i].path, real) == 0) {
			free(real);
			if (j->seen[i].name)
				join_again(j, name, j->seen[i].name);
			return OK;
		}
	}
	if (j->seen_count == BUNDLE_FILES_MAX || depth > BUNDLE_DEPTH_MAX) {
		free(real);
		return note_err(j->note, E_LIMIT, "%s: more than %d files, or files that require %d deep", path,
				BUNDLE_FILES_MAX, BUNDLE_DEPTH_MAX);
	}
	j->seen[j->seen_count].path = real; /* before its own requires: a circle ends here */
	j->seen[j->seen_count++].name = name;
	return join_file(j, path, name, depth);
}

/* Every `require "x"` or `require("x")` of a text, whatever blanks are in it. */
static enum err join_required(struct joining *j, struct bytes text, size_t depth)
{
	enum { NOT_YET, REQUIRE, BRACKET } state = NOT_YET;
	struct lua_token t;
	struct bytes name;
	enum err e;

	while (lua_next(&t, &text)) {
		if (t.kind == LUA_BLANK || t.kind == LUA_COMMENT)
			continue;
		if (t.kind == LUA_NAME && bytes_eq_str(t.text, "require")) {
			state = REQUIRE;
		} else if (state == REQUIRE && bytes_eq_str(t.text, "(")) {
			state = BRACKET;
		} else if (state != NOT_YET && lua_string(&t, &name)) {
			if ((e = join_name(j, name, depth)) < 0)
				return e;
			state = NOT_YET;
		} else {
			state = NOT_YET;
		}
	}
	return OK;
}

enum err bundle_make(struct bundle *b, struct arena *a, const char *path, struct note *note)
{
	struct joining *j = arena_new(a, struct joining);
	const char *slash = strrchr(path, '/');
	struct bytes text;
	enum err e;

	*b = (struct bundle){.count = 0};
	*j = (struct joining){.bundle = b, .arena = a, .line = 1, .note = note};
	j->directory = slash ? arena_cstr(a, bytes_of(path, (size_t)(slash - path) + 1)) : "";
	e = read_lua(j, path, &text);
	if (e < 0)
		goto out;
	j->seen[0].path = realpath(path, NULL);
	if (j->seen[0].path)
		j->seen_count = 1;
	if ((e = join_required(j, text, 1)) < 0 ||
	    (e = note_file(j, arena_cstr(a, bytes_str(path)), NULL, 0, text)) < 0)
		goto out;
	put_file(j, text);
	put_marks(j);
	b->chunk = arena_copy(a, buf_bytes(&j->chunk));
out:
	for (size_t i = 0; i < j->seen_count; i++)
		free(j->seen[i].path);
	buf_release(&j->chunk);
	return e;
}

void bundle_of_text(struct bundle *b, struct arena *a, const char *path, struct bytes text)
{
	struct joining *j = arena_new(a, struct joining);
	const char *slash = strrchr(path, '/');

	*b = (struct bundle){.count = 0};
	*j = (struct joining){.bundle = b, .arena = a, .line = 1};
	j->directory = slash ? arena_cstr(a, bytes_of(path, (size_t)(slash - path) + 1)) : "";
	must(note_file(j, path, NULL, 0, text) == OK);
	put(j, text);
	put_marks(j);
	b->chunk = arena_copy(a, buf_bytes(&j->chunk));
	buf_release(&j->chunk);
}

const struct bundle_file *bundle_find(const struct bundle *b, size_t line, size_t *line_there)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct bundle_file *f = &b->files[i];
		if (line >= f->line_first && line < f->line_first + f->line_count) {
			*line_there = line - f->line_first + 1;
			return f;
		}
	}
	return NULL;
}
