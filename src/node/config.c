/* SPDX-License-Identifier: MIT */
#include "node/config.h"

#include "base/hash.h"
#include "base/log.h"
#include "cli/command.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, URL_MAX = 1000, ADDRESSES_MAX = 16 };

const struct config_row config_rows[CONFIG_KEYS] = {
#define X(ID, key, kind, ...) {key, CONFIG_IS_##kind, __VA_ARGS__},
#include "node/config.def"
#undef X
};

/* ---- values ---- */

/* "512MiB", "4GiB", "1048576"; K, M and G mean the same powers of two. */
static bool size_parse(struct bytes text, uint64_t *out)
{
	static const struct {
		const char *unit;
		unsigned shift;
	} units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"K", 10}, {"M", 20}, {"G", 30}};
	unsigned shift = 0;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && shift == 0; i++) {
		if (!bytes_ends(text, units[i].unit))
			continue;
		shift = units[i].shift;
		text.len -= strlen(units[i].unit);
		while (text.len && text.ptr[text.len - 1] == ' ')
			text.len--;
	}
	if (!bytes_u64(text, out) || *out > UINT64_MAX >> shift)
		return false;
	*out <<= shift;
	return true;
}

static bool is_plain(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] == 127)
			return false;
	return true;
}

static bool is_url(struct bytes text)
{
	size_t scheme = bytes_starts(text, "http://") ? 7 : bytes_starts(text, "https://") ? 8 : 0;

	return scheme && text.len > scheme && text.len <= URL_MAX && is_plain(text) && text.ptr[scheme] != '/';
}

static struct bytes trimmed(struct bytes b)
{
	while (b.len && isspace(b.ptr[0]))
		b = bytes_from(b, 1);
	while (b.len && isspace(b.ptr[b.len - 1]))
		b.len--;
	return b;
}

/* "": none. */
static bool are_addresses(struct bytes text)
{
	struct id id;
	size_t count = 0;

	if (text.len && text.ptr[text.len - 1] == ',')
		return false;
	while (text.len)
		if (++count > ADDRESSES_MAX || id_parse(&id, trimmed(bytes_cut(text, ',', &text))) < 0)
			return false;
	return true;
}

static enum err number_wrong(const struct config_row *row, struct bytes value, struct note *note)
{
	return note_err(note, E_ARGUMENT, "%s wants a %s from %llu to %llu, not '%.*s'", row->key,
			row->kind == CONFIG_IS_SIZE ? "size" : "whole number", (unsigned long long)row->least,
			(unsigned long long)row->most, BYTES_FMT(value));
}

static enum err value_check(const struct config_row *row, const char *text, uint64_t *number, struct note *note)
{
	struct bytes value = bytes_str(text);
	enum log_level level;
	bool good = true;

	*number = 0;
	switch (row->kind) {
	case CONFIG_IS_NUMBER:
	case CONFIG_IS_SIZE:
		good = row->kind == CONFIG_IS_SIZE ? size_parse(value, number) : bytes_u64(value, number);
		if (!good || *number < row->least || *number > row->most)
			return number_wrong(row, value, note);
		return OK;
	case CONFIG_IS_LEVEL:
		if (log_level_parse(&level, text) < 0)
			return note_err(note, E_ARGUMENT, "%s is trace, debug, info, odd, broken or silent, not '%s'",
					row->key, text);
		*number = level;
		return OK;
	case CONFIG_IS_ADDRESS:
		if (value.len == 0 || !is_plain(value))
			return note_err(note, E_ARGUMENT, "%s wants an address, such as 127.0.0.1, not '%s'", row->key,
					text);
		return OK;
	case CONFIG_IS_ADDRESSES:
		if (!are_addresses(value))
			return note_err(note, E_ARGUMENT,
					"%s wants at most %d addresses of 43 characters with commas between, not '%s'",
					row->key, ADDRESSES_MAX, text);
		return OK;
	case CONFIG_IS_URL:
		if (value.len && !is_url(value))
			return note_err(note, E_ARGUMENT, "%s wants a URL, such as http://127.0.0.1:4000, not '%s'",
					row->key, text);
		return OK;
	case CONFIG_IS_FILE:
		return OK;
	}
	return OK;
}

static enum err no_such_key(struct bytes key, struct note *note)
{
	struct nearest near = {.word = key};

	for (int i = 0; i < CONFIG_KEYS; i++)
		nearest_offer(&near, config_rows[i].key);
	note_err(note, E_ARGUMENT, "there is no key '%.*s'", BYTES_FMT(key));
	if (near.best)
		note_hint(note, "did you mean '%s'?", near.best);
	else
		note_hint(note, "weft config --sample lists them");
	return E_ARGUMENT;
}

enum err config_set(struct config *c, struct bytes key, struct bytes value, enum config_source source, unsigned line,
		    struct note *note)
{
	const char *text;
	uint64_t number;
	int i = 0;
	enum err e;

	while (i < CONFIG_KEYS && !bytes_eq_str(key, config_rows[i].key))
		i++;
	if (i == CONFIG_KEYS)
		return no_such_key(key, note);
	value = trimmed(value);
	while (config_rows[i].kind == CONFIG_IS_URL && bytes_ends(value, "/"))
		value.len--;
	text = arena_cstr(&c->arena, value);
	e = strlen(text) != value.len ? note_err(note, E_ARGUMENT, "%s has a zero byte in it", config_rows[i].key)
				      : value_check(&config_rows[i], text, &number, note);
	if (e < 0)
		return e;
	c->values[i].text = text;
	c->values[i].number = number;
	c->values[i].source = source;
	c->values[i].line = line;
	return OK;
}

void config_init(struct config *c)
{
	*c = (struct config){0};
	for (int i = 0; i < CONFIG_KEYS; i++)
		must(config_set(c, bytes_str(config_rows[i].key), bytes_str(config_rows[i].fallback), FROM_DEFAULT, 0,
				NULL) == OK);
}

void config_release(struct config *c)
{
	arena_release(&c->arena);
}

const char *config_text(const struct config *c, enum config_key key)
{
	return c->values[key].text;
}

uint64_t config_number(const struct config *c, enum config_key key)
{
	return c->values[key].number;
}

bool config_given(const struct config *c, enum config_key key)
{
	return c->values[key].source != FROM_DEFAULT;
}

/* ---- sources ---- */

/* Puts "FILE:LINE: " before what the note says. */
static enum err wrong_at(const char *path, unsigned line, enum err e, const struct note *why, struct note *note)
{
	note_err(note, e, "%s:%u: %s", path, line, note_text(why, e));
	if (why->hint[0])
		note_hint(note, "%s", why->hint);
	return e;
}

enum err config_read_text(struct config *c, const char *path, struct bytes text, struct note *note)
{
	unsigned line = 0;

	c->file = arena_cstr(&c->arena, bytes_str(path));
	while (text.len) {
		struct bytes value, row = trimmed(bytes_cut(text, '\n', &text));
		struct bytes key = trimmed(bytes_cut(row, '=', &value));
		struct note why = {0};
		enum err e = OK;

		line++;
		if (row.len == 0 || row.ptr[0] == '#')
			continue;
		if (!memchr(row.ptr, '=', row.len))
			e = note_err(&why, E_ARGUMENT, "a line is `key = value`, not '%.*s'", BYTES_FMT(row));
		else
			e = config_set(c, key, value, FROM_FILE, line, &why);
		if (e < 0)
			return wrong_at(path, line, e, &why, note);
	}
	return OK;
}

enum err config_read(struct config *c, const char *path, struct note *note)
{
	FILE *file = fopen(path, "rbe");
	struct buf text = BUF_EMPTY;
	size_t n;
	enum err e;

	if (!file)
		return note_err(note, errno == ENOENT ? E_NOT_FOUND : E_IO, "%s cannot be opened: %s", path,
				strerror(errno));
	buf_reserve(&text, FILE_MAX + 1);
	n = fread(text.ptr, 1, FILE_MAX + 1, file);
	if (ferror(file))
		e = note_err(note, E_IO, "%s cannot be read: %s", path, strerror(errno));
	else if (n > FILE_MAX)
		e = note_err(note, E_LIMIT, "%s is larger than %d bytes", path, FILE_MAX);
	else
		e = config_read_text(c, path, bytes_of(text.ptr, n), note);
	fclose(file);
	buf_release(&text);
	return e;
}

void config_variable(char out[CONFIG_VARIABLE_MAX], enum config_key key)
{
	int n = snprintf(out, CONFIG_VARIABLE_MAX, "WEFT_%s", config_rows[key].key);

	must(n < CONFIG_VARIABLE_MAX);
	for (char *p = out; *p; p++)
		*p = *p == '-' ? '_' : (char)toupper(*p);
}

enum err config_read_environment(struct config *c, struct note *note)
{
	char name[CONFIG_VARIABLE_MAX];

	for (int i = 0; i < CONFIG_KEYS; i++) {
		struct note why = {0};
		const char *text;

		config_variable(name, (enum config_key)i);
		text = getenv(name);
		if (!text || !text[0])
			continue;
		if (config_set(c, bytes_str(config_rows[i].key), bytes_str(text), FROM_ENVIRONMENT, 0, &why) < 0)
			return note_err(note, E_ARGUMENT, "%s in the environment: %s", name,
					note_text(&why, E_ARGUMENT));
	}
	return OK;
}
