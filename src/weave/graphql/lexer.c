/* SPDX-License-Identifier: MIT */
#include "weave/graphql/lexer.h"

#include "weave/graphql/document.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool is_name_start(uint8_t c)
{
	return isalpha(c) || c == '_';
}

static bool is_name_part(uint8_t c)
{
	return isalnum(c) || c == '_';
}

/* The byte at an offset, 0 past the end: no token has one. */
static uint8_t peek(const struct gql_lexer *l, size_t ahead)
{
	return ahead < l->text.len - l->at ? l->text.ptr[l->at + ahead] : 0;
}

static enum err fail(struct gql_lexer *l, const char *what)
{
	l->token.at = l->at;
	return note_err(l->note, E_FORMAT, "%s", what);
}

/* The character at hand as an error message shows it: "a", U+0007, or <EOF>. */
static const char *shown(const struct gql_lexer *l, char out[16])
{
	uint8_t c = peek(l, 0);

	if (l->at == l->text.len)
		snprintf(out, 16, "<EOF>");
	else if (c >= 0x20 && c < 0x7f && c != '"')
		snprintf(out, 16, "\"%c\"", c);
	else if (c == '"')
		snprintf(out, 16, "'\"'");
	else
		snprintf(out, 16, "U+%04X", c);
	return out;
}

static enum err unexpected(struct gql_lexer *l, const char *before)
{
	char c[16];

	l->token.at = l->at;
	return note_err(l->note, E_FORMAT, "%s%s.", before, shown(l, c));
}

static void skip_ignored(struct gql_lexer *l)
{
	for (;;) {
		uint8_t c = peek(l, 0);
		if (l->at < l->text.len && (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ','))
			l->at++;
		else if (c == 0xef && peek(l, 1) == 0xbb && peek(l, 2) == 0xbf)
			l->at += 3;
		else if (c == '#')
			while (l->at < l->text.len && peek(l, 0) != '\n' && peek(l, 0) != '\r')
				l->at++;
		else
			return;
	}
}

/* ---- numbers ---- */

static enum err read_digits(struct gql_lexer *l)
{
	if (!isdigit(peek(l, 0)))
		return unexpected(l, "Invalid number, expected digit but got: ");
	while (isdigit(peek(l, 0)))
		l->at++;
	return OK;
}

static enum err read_number(struct gql_lexer *l)
{
	size_t from = l->at;
	enum err e = OK;

	l->token.kind = GQL_INTEGER;
	if (peek(l, 0) == '-')
		l->at++;
	if (peek(l, 0) == '0' && isdigit(peek(l, 1))) {
		l->at++;
		return unexpected(l, "Invalid number, unexpected digit after 0: ");
	}
	e = read_digits(l);
	if (e == OK && peek(l, 0) == '.') {
		l->token.kind = GQL_DECIMAL;
		l->at++;
		e = read_digits(l);
	}
	if (e == OK && (peek(l, 0) == 'e' || peek(l, 0) == 'E')) {
		l->token.kind = GQL_DECIMAL;
		l->at++;
		if (peek(l, 0) == '+' || peek(l, 0) == '-')
			l->at++;
		e = read_digits(l);
	}
	if (e == OK && (peek(l, 0) == '.' || is_name_start(peek(l, 0))))
		e = unexpected(l, "Invalid number, expected digit but got: ");
	l->token.text = bytes_of(l->text.ptr + from, l->at - from);
	return e;
}

/* ---- strings ---- */

static void put_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_put_u8(out, (uint8_t)c);
	} else if (c < 0x800) {
		buf_put_u8(out, (uint8_t)(0xc0 | c >> 6));
		buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_put_u8(out, (uint8_t)(0xe0 | c >> 12));
		buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_put_u8(out, (uint8_t)(0xf0 | c >> 18));
		buf_put_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

/* Reads hexadecimal digits: four, or up to six within braces. l->at is behind the 'u'. */
static bool read_hex(struct gql_lexer *l, uint32_t *out)
{
	bool braces = peek(l, 0) == '{';
	size_t digits = 0, most = braces ? 6 : 4;

	*out = 0;
	l->at += braces;
	for (; digits < most && isxdigit(peek(l, 0)); digits++, l->at++) {
		uint8_t c = peek(l, 0);
		*out = *out << 4 | (uint32_t)(isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	if (!braces)
		return digits == 4;
	if (digits == 0 || peek(l, 0) != '}')
		return false;
	l->at++;
	return *out <= 0x10ffff;
}

static enum err read_unicode(struct gql_lexer *l, struct buf *out)
{
	uint32_t c, low;

	l->at += 2;
	if (!read_hex(l, &c) || (c >= 0xdc00 && c < 0xe000))
		return fail(l, "Invalid Unicode escape sequence.");
	if (c >= 0xd800 && c < 0xdc00) {
		if (peek(l, 0) != '\\' || peek(l, 1) != 'u')
			return fail(l, "Invalid Unicode escape sequence.");
		l->at += 2;
		if (!read_hex(l, &low) || low < 0xdc00 || low >= 0xe000)
			return fail(l, "Invalid Unicode escape sequence.");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	put_utf8(out, c);
	return OK;
}

static enum err read_escape(struct gql_lexer *l, struct buf *out)
{
	static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *found = peek(l, 1) ? strchr(names, peek(l, 1)) : NULL;

	if (peek(l, 1) == 'u')
		return read_unicode(l, out);
	if (!found)
		return fail(l, "Invalid character escape sequence.");
	buf_put_u8(out, (uint8_t)means[found - names]);
	l->at += 2;
	return OK;
}

static enum err read_text(struct gql_lexer *l)
{
	struct buf value = BUF_EMPTY;
	enum err e = OK;

	l->token.kind = GQL_TEXT;
	l->at++;
	while (e == OK) {
		uint8_t c = peek(l, 0);
		if (l->at == l->text.len || c == '\n' || c == '\r') {
			e = fail(l, "Unterminated string.");
		} else if (c == '"') {
			l->at++;
			break;
		} else if (c == '\\') {
			e = read_escape(l, &value);
		} else if (c < 0x20 && c != '\t') {
			e = unexpected(l, "Invalid character within String: ");
		} else {
			buf_put_u8(&value, c);
			l->at++;
		}
	}
	l->token.text = arena_copy(l->arena, buf_bytes(&value));
	buf_release(&value);
	return e;
}

/* ---- block strings: lines lose their common indent, and blank lines at both ends go (2.9.4) ---- */

static struct bytes next_line(struct bytes *rest)
{
	size_t len = 0;
	struct bytes line;

	while (len < rest->len && rest->ptr[len] != '\n' && rest->ptr[len] != '\r')
		len++;
	line = bytes_of(rest->ptr, len);
	if (len < rest->len)
		len += len + 1 < rest->len && rest->ptr[len] == '\r' && rest->ptr[len + 1] == '\n' ? 2 : 1;
	*rest = bytes_from(*rest, len);
	return line;
}

static size_t indent_of(struct bytes line)
{
	size_t n = 0;

	while (n < line.len && (line.ptr[n] == ' ' || line.ptr[n] == '\t'))
		n++;
	return n;
}

static struct bytes dedent(struct arena *a, struct bytes raw)
{
	struct buf out = BUF_EMPTY;
	struct bytes rest = raw, line, copy;
	size_t common = SIZE_MAX, number = 0, used = 0;
	bool begun = false;

	for (bool first = true; rest.len; first = false) {
		line = next_line(&rest);
		if (!first && indent_of(line) < line.len && indent_of(line) < common)
			common = indent_of(line);
	}
	for (rest = raw; rest.len; number++) {
		line = next_line(&rest);
		if (!begun && indent_of(line) == line.len)
			continue;
		if (begun)
			buf_put_u8(&out, '\n');
		begun = true;
		buf_put_bytes(&out, number && common != SIZE_MAX ? bytes_from(line, common) : line);
		if (indent_of(line) < line.len)
			used = out.len;
	}
	out.len = used;
	copy = arena_copy(a, buf_bytes(&out));
	buf_release(&out);
	return copy;
}

static enum err read_block_text(struct gql_lexer *l)
{
	struct buf raw = BUF_EMPTY;
	enum err e = OK;

	l->token.kind = GQL_BLOCK_TEXT;
	l->at += 3;
	for (;;) {
		uint8_t c = peek(l, 0);
		bool quotes = c == '"' && peek(l, 1) == '"' && peek(l, 2) == '"';
		bool escaped = c == '\\' && peek(l, 1) == '"' && peek(l, 2) == '"' && peek(l, 3) == '"';

		if (l->at == l->text.len) {
			e = fail(l, "Unterminated string.");
			break;
		}
		if (quotes) {
			l->at += 3;
			break;
		}
		if (escaped)
			buf_put_str(&raw, "\"\"\"");
		else
			buf_put_u8(&raw, c);
		l->at += escaped ? 4 : 1;
	}
	l->token.text = dedent(l->arena, buf_bytes(&raw));
	buf_release(&raw);
	return e;
}

/* ---- tokens ---- */

enum err gql_next(struct gql_lexer *l)
{
	uint8_t c;

	skip_ignored(l);
	l->token = (struct gql_token){.kind = GQL_END, .at = l->at};
	if (l->at == l->text.len)
		return OK;
	if (++l->tokens > GQL_TOKENS_MAX)
		return note_err(l->note, E_FORMAT, "Document contains more than %d tokens. Parsing aborted.",
				GQL_TOKENS_MAX);
	c = peek(l, 0);
	if (c == '"')
		return peek(l, 1) == '"' && peek(l, 2) == '"' ? read_block_text(l) : read_text(l);
	if (isdigit(c) || c == '-')
		return read_number(l);
	l->token.text = bytes_of(l->text.ptr + l->at, 1);
	if (is_name_start(c)) {
		l->token.kind = GQL_WORD;
		while (is_name_part(peek(l, l->token.text.len)))
			l->token.text.len++;
	} else if (c == '.' && peek(l, 1) == '.' && peek(l, 2) == '.') {
		l->token.kind = GQL_DOTS;
		l->token.text.len = 3;
	} else if (c && strchr("!$&():=@[]{|}", c)) {
		l->token.kind = GQL_PUNCTUATOR;
	} else {
		return unexpected(l, "Unexpected character: ");
	}
	l->at += l->token.text.len;
	return OK;
}

struct bytes gql_token_name(struct arena *a, const struct gql_token *token)
{
	struct bytes text = token->text;

	if (text.len > 80)
		text.len = 80;
	switch (token->kind) {
	case GQL_END:
		return BYTES("<EOF>");
	case GQL_PUNCTUATOR:
	case GQL_DOTS:
		return arena_printf(a, "\"%.*s\"", BYTES_FMT(text));
	case GQL_WORD:
		return arena_printf(a, "Name \"%.*s\"", BYTES_FMT(text));
	case GQL_INTEGER:
		return arena_printf(a, "Int \"%.*s\"", BYTES_FMT(text));
	case GQL_DECIMAL:
		return arena_printf(a, "Float \"%.*s\"", BYTES_FMT(text));
	case GQL_TEXT:
		return arena_printf(a, "String \"%.*s\"", BYTES_FMT(text));
	case GQL_BLOCK_TEXT:
		return arena_printf(a, "BlockString \"%.*s\"", BYTES_FMT(text));
	}
	return BYTES("");
}
