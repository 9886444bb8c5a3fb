/* SPDX-License-Identifier: MIT
 *
 * json: reading and writing JSON (RFC 8259) without losing a byte of it.
 *
 * Reading makes a tree of slices over the original text: strings keep their
 * escapes until asked for, numbers stay text (a balance of 2^70 survives), and the
 * raw text of any node can be passed on unchanged. The reader is strict: UTF-8 only,
 * no comments, no trailing commas, nothing after the value, depth at most
 * JSON_DEPTH_MAX. Tokens are found by jsmn; the checks that it leaves out are ours.
 *
 * Writing appends compact text to a buf exactly as JavaScript's JSON.stringify
 * does (ECMA-262, 25.5.2): no blanks; escapes \" \\ \b \f \n \r \t, other controls as
 * \u00xx in lower case; '/' and what lies beyond ASCII as they are. The module sees
 * this text, so it is part of consensus (ao-units 5.15).
 */
#ifndef WEFT_BASE_JSON_H
#define WEFT_BASE_JSON_H

#include "base/arena.h"
#include "base/err.h"

/* Values and names in one text. A node takes some 80 bytes and a text of two bytes may be one, so the size of a text
 * alone would not bound the memory for it. */
enum { JSON_DEPTH_MAX = 128, JSON_TOKENS_MAX = 1 << 21 };

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_kind kind;
	struct bytes raw;         /* the node's text; a string's without its quotes */
	struct bytes key;         /* raw key, when the parent is an object */
	size_t count;             /* members or elements */
	const struct json *first; /* children, in order */
	const struct json *next;  /* the sibling after this one */
};

/* json_parse reads one value. The tree lives in `a` and borrows `text`.
 * E_FORMAT with the byte offset in the note, E_LIMIT past the limits above. */
must_use enum err json_parse(const struct json **out, struct arena *a, struct bytes text, struct note *note);

/* All of these accept NULL and wrong kinds and then answer NULL, false or empty. */
const struct json *json_get(const struct json *object, const char *key); /* last wins among equals */
const struct json *json_at(const struct json *array, size_t index);
/* json_text is a string's value with escapes resolved (from `a` when there are any); a
 * lone surrogate becomes U+FFFD. */
struct bytes json_text(struct arena *a, const struct json *string);
struct bytes json_get_text(struct arena *a, const struct json *object, const char *key);
/* json_u64 accepts a number without fraction or exponent; json_number any number. */
bool json_u64(const struct json *number, uint64_t *out);
bool json_number(const struct json *number, double *out);
bool json_truthy(const struct json *node); /* as JavaScript's !!x */
/* json_whole is the node's text as it can stand in another document, quotes included. */
struct bytes json_whole(const struct json *node);

/* Writing. A zeroed writer on a buf is ready; commas are its affair. Keys and
 * strings that are not valid UTF-8 are written with U+FFFD in place of what is not. */
struct jw {
	struct buf *out;
	bool comma;
};

struct jw jw_on(struct buf *out);
void jw_object(struct jw *w); /* { */
void jw_object_end(struct jw *w);
void jw_array(struct jw *w);
void jw_array_end(struct jw *w);
void jw_key(struct jw *w, const char *key);
void jw_key_bytes(struct jw *w, struct bytes key);
void jw_str(struct jw *w, struct bytes text);
void jw_cstr(struct jw *w, const char *text);
void jw_u64(struct jw *w, uint64_t value);
void jw_i64(struct jw *w, int64_t value);
void jw_bool(struct jw *w, bool value);
void jw_null(struct jw *w);
/* jw_raw writes text that is JSON already. */
void jw_raw(struct jw *w, struct bytes json);
/* jw_b64url writes bytes as a base64url string. */
void jw_b64url(struct jw *w, struct bytes b);
/* The pairs that occur everywhere. */
void jw_member(struct jw *w, const char *key, struct bytes text);
void jw_member_u64(struct jw *w, const char *key, uint64_t value);

#endif
