/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/text.h"

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wswitch-enum"
#include <jsmn.h>
#pragma GCC diagnostic pop

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

/* jsmn finds where values begin and end, but is lenient about what lies between
 * them. The builder walks the text once more, token by token, and insists on
 * exactly the punctuation of the grammar. */
struct builder {
	struct arena *arena;
	struct bytes text;
	const jsmntok_t *tokens;
	size_t token_count;
	size_t token; /* the next one to use */
	size_t at;    /* the next byte to account for */
	struct note *note;
};

static enum err wrong(struct builder *b, const char *what)
{
	return note_err(b->note, E_FORMAT, "JSON: %s at byte %zu", what, b->at);
}

static void skip_blanks(struct builder *b)
{
	while (b->at < b->text.len && memchr(" \t\r\n", b->text.ptr[b->at], 4))
		b->at++;
}

static bool take(struct builder *b, char c)
{
	skip_blanks(b);
	if (b->at >= b->text.len || b->text.ptr[b->at] != (uint8_t)c)
		return false;
	b->at++;
	return true;
}

static bool string_is_clean(struct bytes raw)
{
	for (size_t i = 0; i < raw.len; i++)
		if (raw.ptr[i] < 0x20)
			return false;
	return true;
}

/* Past at least one digit, or NULL. */
static const uint8_t *digits(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *start = p;

	while (p && p < end && *p >= '0' && *p <= '9')
		p++;
	return p == start ? NULL : p;
}

/* number = [-] (0 | 1-9 digits) [. digits] [e [+-] digits] */
static bool number_is_valid(struct bytes raw)
{
	const uint8_t *p = raw.ptr, *end = raw.ptr + raw.len;

	if (p < end && *p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else
		p = digits(p, end);
	if (p && p < end && *p == '.')
		p = digits(p + 1, end);
	if (p && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = digits(p, end);
	}
	return p == end;
}

static enum err build(struct builder *b, struct json *node, int depth);

static enum err build_string(struct builder *b, struct bytes *raw, const char *what)
{
	const jsmntok_t *token;

	skip_blanks(b);
	if (b->token >= b->token_count)
		return wrong(b, what);
	token = &b->tokens[b->token];
	if (token->type != JSMN_STRING || (size_t)token->start != b->at + 1)
		return wrong(b, what);
	*raw = bytes_of(b->text.ptr + token->start, (size_t)(token->end - token->start));
	if (!string_is_clean(*raw))
		return wrong(b, "unescaped control character in the string");
	b->at = (size_t)token->end + 1;
	b->token++;
	return OK;
}

static enum err build_members(struct builder *b, struct json *node, size_t count, int depth)
{
	const struct json **link = &node->first;
	bool object = node->kind == JSON_OBJECT;
	enum err e;

	b->at++; /* the bracket */
	for (size_t i = 0; i < count; i++) {
		struct json *child = arena_new(b->arena, struct json);

		if (i > 0 && !take(b, ','))
			return wrong(b, "',' expected");
		if (object) {
			e = build_string(b, &child->key, "a member's name expected");
			if (e < 0)
				return e;
			if (!take(b, ':'))
				return wrong(b, "':' expected");
		}
		e = build(b, child, depth + 1);
		if (e < 0)
			return e;
		*link = child;
		link = &child->next;
		node->count++;
	}
	if (!take(b, object ? '}' : ']'))
		return wrong(b, object ? "'}' expected" : "']' expected");
	return OK;
}

static enum err build_primitive(struct builder *b, struct json *node, struct bytes raw)
{
	if (bytes_eq(raw, BYTES("null")))
		node->kind = JSON_NULL;
	else if (bytes_eq(raw, BYTES("true")))
		node->kind = JSON_TRUE;
	else if (bytes_eq(raw, BYTES("false")))
		node->kind = JSON_FALSE;
	else if (number_is_valid(raw))
		node->kind = JSON_NUMBER;
	else
		return wrong(b, "neither a number, true, false nor null");
	node->raw = raw;
	b->at += raw.len;
	return OK;
}

static enum err build(struct builder *b, struct json *node, int depth)
{
	const jsmntok_t *token;
	size_t start;
	enum err e;

	skip_blanks(b);
	if (depth > JSON_DEPTH_MAX)
		return note_err(b->note, E_LIMIT, "JSON: nested deeper than %d", JSON_DEPTH_MAX);
	if (b->token >= b->token_count)
		return wrong(b, "a value expected");
	token = &b->tokens[b->token];
	if (token->type == JSMN_STRING) {
		node->kind = JSON_STRING;
		return build_string(b, &node->raw, "a value expected");
	}
	start = b->at;
	if ((size_t)token->start != start)
		return wrong(b, "a value expected");
	b->token++;
	if (token->type == JSMN_PRIMITIVE)
		return build_primitive(b, node,
				       bytes_of(b->text.ptr + token->start, (size_t)(token->end - token->start)));
	node->kind = token->type == JSMN_OBJECT ? JSON_OBJECT : JSON_ARRAY;
	e = build_members(b, node, (size_t)token->size, depth);
	if (e < 0)
		return e;
	node->raw = bytes_of(b->text.ptr + start, b->at - start);
	return OK;
}

/* jsmn grows its use of tokens with the text; two bytes are the least a token takes. */
static enum err tokenize(jsmntok_t **tokens, size_t *count, struct bytes text, struct note *note)
{
	size_t room = text.len / 16 + 16, most = text.len / 2 + 2;

	if (most > JSON_TOKENS_MAX)
		most = JSON_TOKENS_MAX;
	*tokens = NULL;
	for (;;) {
		jsmn_parser parser;
		int n;

		if (room > most)
			room = most;
		free(*tokens);
		*tokens = malloc(room * sizeof(**tokens));
		must(*tokens != NULL);
		jsmn_init(&parser);
		n = jsmn_parse(&parser, (const char *)text.ptr, text.len, *tokens, (unsigned)room);
		if (n >= 0) {
			*count = (size_t)n;
			return OK;
		}
		if (n == JSMN_ERROR_NOMEM && room < most) {
			room *= 4;
			continue;
		}
		if (n == JSMN_ERROR_NOMEM)
			return note_err(note, E_LIMIT, "JSON: more than %d values", JSON_TOKENS_MAX);
		if (n == JSMN_ERROR_PART)
			return note_err(note, E_FORMAT, "JSON: the text ends inside a value");
		return note_err(note, E_FORMAT, "JSON: unexpected character at byte %u", parser.pos);
	}
}

enum err json_parse(const struct json **out, struct arena *a, struct bytes text, struct note *note)
{
	struct builder b = {.arena = a, .text = text, .note = note};
	struct json *root = arena_new(a, struct json);
	jsmntok_t *tokens = NULL;
	enum err e;

	if (text.len > INT_MAX / 2)
		return note_err(note, E_LIMIT, "JSON: larger than %d bytes", INT_MAX / 2);
	if (!bytes_utf8(text))
		return note_err(note, E_FORMAT, "JSON: not valid UTF-8");
	skip_blanks(&b);
	if (b.at < text.len && !memchr("{[\"", text.ptr[b.at], 3)) {
		/* jsmn wants something after a bare number or word; the text may end there. */
		size_t end = text.len;
		while (memchr(" \t\r\n", text.ptr[end - 1], 4))
			end--;
		e = build_primitive(&b, root, bytes_of(text.ptr + b.at, end - b.at));
	} else {
		e = tokenize(&tokens, &b.token_count, text, note);
		if (e < 0)
			goto out;
		b.tokens = tokens;
		e = build(&b, root, 0);
	}
	if (e < 0)
		goto out;
	skip_blanks(&b);
	if (b.at != text.len) {
		e = wrong(&b, "text after the value");
		goto out;
	}
	*out = root;
out:
	free(tokens);
	return e;
}

const struct json *json_get(const struct json *object, const char *key)
{
	const struct json *found = NULL;

	if (!object || object->kind != JSON_OBJECT)
		return NULL;
	for (const struct json *m = object->first; m; m = m->next)
		if (bytes_eq_str(m->key, key))
			found = m;
	return found;
}

const struct json *json_at(const struct json *array, size_t index)
{
	const struct json *m;

	if (!array || array->kind != JSON_ARRAY)
		return NULL;
	for (m = array->first; m && index; m = m->next)
		index--;
	return m;
}

static unsigned hex4(const uint8_t *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	return v;
}

static size_t put_utf8(uint8_t *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 63));
		out[2] = (uint8_t)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 63));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 63));
	out[3] = (uint8_t)(0x80 | (c & 63));
	return 4;
}

/* Resolves one escape at p (after the backslash); returns how many bytes it took. */
static size_t unescape(uint8_t *out, size_t *n, const uint8_t *p, const uint8_t *end)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *name;
	unsigned c;

	if (*p != 'u') {
		name = strchr(names, *p);
		out[(*n)++] = name ? (uint8_t)values[name - names] : *p;
		return 1;
	}
	c = hex4(p + 1);
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 11 && p[5] == '\\' && p[6] == 'u') {
		unsigned low = hex4(p + 7);
		if (low >= 0xdc00 && low < 0xe000) {
			*n += put_utf8(out + *n, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
			return 11;
		}
	}
	if (c >= 0xd800 && c < 0xe000)
		c = 0xfffd;
	*n += put_utf8(out + *n, c);
	return 5;
}

struct bytes json_text(struct arena *a, const struct json *string)
{
	const uint8_t *p, *end;
	uint8_t *out;
	size_t n = 0;

	if (!string || string->kind != JSON_STRING)
		return bytes_of(NULL, 0);
	if (string->raw.len == 0 || !memchr(string->raw.ptr, '\\', string->raw.len))
		return string->raw;
	out = arena_alloc(a, string->raw.len + 1);
	for (p = string->raw.ptr, end = p + string->raw.len; p < end;) {
		if (*p == '\\')
			p += 1 + unescape(out, &n, p + 1, end);
		else
			out[n++] = *p++;
	}
	return bytes_of(out, n);
}

struct bytes json_get_text(struct arena *a, const struct json *object, const char *key)
{
	return json_text(a, json_get(object, key));
}

bool json_u64(const struct json *number, uint64_t *out)
{
	return number && number->kind == JSON_NUMBER && bytes_u64(number->raw, out);
}

bool json_number(const struct json *number, double *out)
{
	char text[64];

	if (!number || number->kind != JSON_NUMBER || number->raw.len >= sizeof(text))
		return false;
	memcpy(text, number->raw.ptr, number->raw.len);
	text[number->raw.len] = 0;
	*out = strtod(text, NULL);
	return true;
}

bool json_truthy(const struct json *node)
{
	double value;

	if (!node)
		return false;
	switch (node->kind) {
	case JSON_NULL:
	case JSON_FALSE:
		return false;
	case JSON_NUMBER:
		return !json_number(node, &value) || value != 0;
	case JSON_STRING:
		return node->raw.len > 0;
	case JSON_TRUE:
	case JSON_ARRAY:
	case JSON_OBJECT:
		return true;
	}
	return false;
}

struct bytes json_whole(const struct json *node)
{
	if (!node)
		return BYTES("null");
	if (node->kind == JSON_STRING)
		return bytes_of(node->raw.ptr - 1, node->raw.len + 2);
	return node->raw;
}

/* ---- writing ---- */

struct jw jw_on(struct buf *out)
{
	return (struct jw){out, false};
}

static void separate(struct jw *w)
{
	if (w->comma)
		buf_put_u8(w->out, ',');
	w->comma = true;
}

static void open_with(struct jw *w, uint8_t bracket)
{
	separate(w);
	buf_put_u8(w->out, bracket);
	w->comma = false;
}

static void close_with(struct jw *w, uint8_t bracket)
{
	buf_put_u8(w->out, bracket);
	w->comma = true;
}

void jw_object(struct jw *w)
{
	open_with(w, '{');
}

void jw_object_end(struct jw *w)
{
	close_with(w, '}');
}

void jw_array(struct jw *w)
{
	open_with(w, '[');
}

void jw_array_end(struct jw *w)
{
	close_with(w, ']');
}

static void put_escaped(struct buf *out, struct bytes text)
{
	size_t start = 0;

	for (size_t i = 0; i < text.len; i++) {
		static const char named[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
		uint8_t c = text.ptr[i];
		const char *name;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_put(out, text.ptr + start, i - start);
		start = i + 1;
		name = c ? strchr(named, c) : NULL;
		if (name) {
			buf_put_u8(out, '\\');
			buf_put_u8(out, (uint8_t)letters[name - named]);
		} else {
			buf_printf(out, "\\u%04x", c);
		}
	}
	buf_put(out, text.ptr + start, text.len - start);
}

static void put_string(struct buf *out, struct bytes text)
{
	struct buf mended = BUF_EMPTY;

	if (!bytes_utf8(text)) {
		buf_put_utf8_lossy(&mended, text);
		text = buf_bytes(&mended);
	}
	buf_put_u8(out, '"');
	put_escaped(out, text);
	buf_put_u8(out, '"');
	buf_release(&mended);
}

void jw_key_bytes(struct jw *w, struct bytes key)
{
	separate(w);
	put_string(w->out, key);
	buf_put_u8(w->out, ':');
	w->comma = false;
}

void jw_key(struct jw *w, const char *key)
{
	jw_key_bytes(w, bytes_str(key));
}

void jw_str(struct jw *w, struct bytes text)
{
	separate(w);
	put_string(w->out, text);
}

void jw_cstr(struct jw *w, const char *text)
{
	jw_str(w, bytes_str(text));
}

void jw_u64(struct jw *w, uint64_t value)
{
	separate(w);
	buf_printf(w->out, "%llu", (unsigned long long)value);
}

void jw_i64(struct jw *w, int64_t value)
{
	separate(w);
	buf_printf(w->out, "%lld", (long long)value);
}

void jw_bool(struct jw *w, bool value)
{
	separate(w);
	buf_put_str(w->out, value ? "true" : "false");
}

void jw_null(struct jw *w)
{
	separate(w);
	buf_put_str(w->out, "null");
}

void jw_raw(struct jw *w, struct bytes json)
{
	separate(w);
	buf_put_bytes(w->out, json);
}

void jw_b64url(struct jw *w, struct bytes b)
{
	separate(w);
	buf_put_u8(w->out, '"');
	buf_put_b64url(w->out, b);
	buf_put_u8(w->out, '"');
}

void jw_member(struct jw *w, const char *key, struct bytes text)
{
	jw_key(w, key);
	jw_str(w, text);
}

void jw_member_u64(struct jw *w, const char *key, uint64_t value)
{
	jw_key(w, key);
	jw_u64(w, value);
}
