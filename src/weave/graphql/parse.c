/* SPDX-License-Identifier: MIT
 *
 * Recursive descent, one function a production (specification, appendix B.2). Depth is
 * bounded, so that a stranger's text cannot use up the stack.
 */
#include "base/json.h"
#include "weave/graphql/document.h"
#include "weave/graphql/lexer.h"

#include <string.h>

struct parser {
	struct gql_lexer lexer;
	struct arena *arena;
	struct note *note;
	int depth;
};

/* ---- tokens ---- */

static bool at_punctuator(const struct parser *p, char c)
{
	return p->lexer.token.kind == GQL_PUNCTUATOR && p->lexer.token.text.ptr[0] == (uint8_t)c;
}

static bool at_word(const struct parser *p, const char *word)
{
	return p->lexer.token.kind == GQL_WORD && bytes_eq_str(p->lexer.token.text, word);
}

static enum err unexpected(struct parser *p)
{
	return note_err(p->note, E_FORMAT, "Unexpected %.*s.", BYTES_FMT(gql_token_name(p->arena, &p->lexer.token)));
}

static enum err expected(struct parser *p, const char *what)
{
	return note_err(p->note, E_FORMAT, "Expected %s, found %.*s.", what,
			BYTES_FMT(gql_token_name(p->arena, &p->lexer.token)));
}

static enum err take_punctuator(struct parser *p, char c)
{
	char what[4] = {'"', c, '"', 0};

	return at_punctuator(p, c) ? gql_next(&p->lexer) : expected(p, what);
}

static enum err take_name(struct parser *p, struct bytes *out)
{
	if (p->lexer.token.kind != GQL_WORD)
		return expected(p, "Name");
	*out = p->lexer.token.text;
	return gql_next(&p->lexer);
}

static enum err enter(struct parser *p)
{
	if (++p->depth > GQL_DEPTH_MAX)
		return note_err(p->note, E_FORMAT, "The document nests deeper than %d levels.", GQL_DEPTH_MAX);
	return OK;
}

/* ---- values ---- */

static enum err parse_value(struct parser *p, bool constant, struct gql_value **out);

static enum err parse_members(struct parser *p, bool constant, char close, struct gql_value *into)
{
	const struct gql_value **tail = &into->first;
	struct gql_value *member;
	struct bytes name = {0};
	enum err e = enter(p);

	while (e == OK && !at_punctuator(p, close)) {
		size_t at = p->lexer.token.at;
		if (into->kind == GQL_OBJECT && ((e = take_name(p, &name)) < 0 || (e = take_punctuator(p, ':')) < 0))
			break;
		e = parse_value(p, constant, &member);
		if (e < 0)
			break;
		member->name = name;
		if (into->kind == GQL_OBJECT)
			member->at = at;
		*tail = member;
		tail = &member->next;
		into->count++;
	}
	p->depth--;
	return e < 0 ? e : gql_next(&p->lexer);
}

static enum err parse_variable(struct parser *p, bool constant, struct gql_value *value)
{
	enum err e = gql_next(&p->lexer);

	if (e == OK && constant && p->lexer.token.kind == GQL_WORD)
		return note_err(p->note, E_FORMAT, "Unexpected variable \"$%.*s\" in constant value.",
				BYTES_FMT(p->lexer.token.text));
	value->kind = GQL_VARIABLE;
	return e < 0 ? e : take_name(p, &value->text);
}

static enum err parse_value(struct parser *p, bool constant, struct gql_value **out)
{
	const struct gql_token *token = &p->lexer.token;
	struct gql_value *value = arena_new(p->arena, struct gql_value);
	char close = at_punctuator(p, '[') ? ']' : '}';
	enum err e;

	*out = value;
	value->at = token->at;
	value->text = token->text;
	switch (token->kind) {
	case GQL_INTEGER:
		value->kind = GQL_INT;
		break;
	case GQL_DECIMAL:
		value->kind = GQL_FLOAT;
		break;
	case GQL_TEXT:
	case GQL_BLOCK_TEXT:
		value->kind = GQL_STRING;
		break;
	case GQL_WORD:
		value->kind = at_word(p, "true") || at_word(p, "false") ? GQL_BOOLEAN
			      : at_word(p, "null")                      ? GQL_NULL
									: GQL_NAME;
		break;
	case GQL_PUNCTUATOR:
		if (at_punctuator(p, '$'))
			return parse_variable(p, constant, value);
		if (!at_punctuator(p, '[') && !at_punctuator(p, '{'))
			return unexpected(p);
		value->kind = close == ']' ? GQL_LIST : GQL_OBJECT;
		e = gql_next(&p->lexer);
		return e < 0 ? e : parse_members(p, constant, close, value);
	case GQL_END:
	case GQL_DOTS:
		return unexpected(p);
	}
	return gql_next(&p->lexer);
}

/* (name: value, ...); an absent list is no arguments, an empty one is an error. */
static enum err parse_arguments(struct parser *p, bool constant, const struct gql_value **out)
{
	const struct gql_value **tail = out;
	struct gql_value *value;
	struct bytes name;
	enum err e;

	*out = NULL;
	if (!at_punctuator(p, '('))
		return OK;
	e = gql_next(&p->lexer);
	while (e == OK) {
		size_t at = p->lexer.token.at;
		if ((e = take_name(p, &name)) < 0 || (e = take_punctuator(p, ':')) < 0 ||
		    (e = parse_value(p, constant, &value)) < 0)
			return e;
		value->name = name;
		value->at = at;
		*tail = value;
		tail = &value->next;
		if (at_punctuator(p, ')'))
			return gql_next(&p->lexer);
	}
	return e;
}

static enum err parse_directives(struct parser *p, bool constant, const struct gql_directive **out)
{
	const struct gql_directive **tail = out;

	*out = NULL;
	while (at_punctuator(p, '@')) {
		struct gql_directive *d = arena_new(p->arena, struct gql_directive);
		enum err e;
		d->at = p->lexer.token.at;
		if ((e = gql_next(&p->lexer)) < 0 || (e = take_name(p, &d->name)) < 0 ||
		    (e = parse_arguments(p, constant, &d->arguments)) < 0)
			return e;
		*tail = d;
		tail = &d->next;
	}
	return OK;
}

/* ---- selections ---- */

static enum err parse_selections(struct parser *p, const struct gql_selection **out);

static enum err parse_field(struct parser *p, struct gql_selection *s)
{
	enum err e = take_name(p, &s->name);

	s->kind = GQL_FIELD;
	s->key = s->name;
	if (e == OK && at_punctuator(p, ':')) {
		e = gql_next(&p->lexer);
		if (e == OK)
			e = take_name(p, &s->name);
	}
	if (e < 0 || (e = parse_arguments(p, false, &s->arguments)) < 0 ||
	    (e = parse_directives(p, false, &s->directives)) < 0)
		return e;
	return at_punctuator(p, '{') ? parse_selections(p, &s->selections) : OK;
}

static enum err parse_dots(struct parser *p, struct gql_selection *s)
{
	enum err e = gql_next(&p->lexer);

	if (e < 0)
		return e;
	if (p->lexer.token.kind == GQL_WORD && !at_word(p, "on")) {
		s->kind = GQL_SPREAD;
		e = take_name(p, &s->name);
		return e < 0 ? e : parse_directives(p, false, &s->directives);
	}
	s->kind = GQL_INLINE;
	if (at_word(p, "on")) {
		e = gql_next(&p->lexer);
		if (e == OK)
			e = take_name(p, &s->name);
	}
	if (e == OK)
		e = parse_directives(p, false, &s->directives);
	return e < 0 ? e : parse_selections(p, &s->selections);
}

static enum err parse_selections(struct parser *p, const struct gql_selection **out)
{
	const struct gql_selection **tail = out;
	enum err e = enter(p);

	if (e == OK)
		e = take_punctuator(p, '{');
	while (e == OK) {
		struct gql_selection *s = arena_new(p->arena, struct gql_selection);
		s->at = p->lexer.token.at;
		e = p->lexer.token.kind == GQL_DOTS ? parse_dots(p, s) : parse_field(p, s);
		*tail = s;
		tail = &s->next;
		if (e == OK && at_punctuator(p, '}'))
			break;
	}
	p->depth--;
	return e < 0 ? e : gql_next(&p->lexer);
}

/* ---- definitions ---- */

static enum err parse_named_type(struct parser *p, const char **name, bool *required)
{
	struct bytes text;
	enum err e = take_name(p, &text);

	if (e < 0)
		return e;
	*name = arena_cstr(p->arena, text);
	*required = at_punctuator(p, '!');
	return *required ? gql_next(&p->lexer) : OK;
}

/* No argument of any schema here takes lists in lists, so they are refused already. */
static enum err parse_type(struct parser *p, struct gql_ref *out)
{
	enum err e;

	if (!at_punctuator(p, '['))
		return parse_named_type(p, &out->name, &out->required);
	out->list = true;
	if ((e = gql_next(&p->lexer)) < 0 || (e = parse_named_type(p, &out->name, &out->element_required)) < 0 ||
	    (e = take_punctuator(p, ']')) < 0)
		return e;
	out->required = at_punctuator(p, '!');
	return out->required ? gql_next(&p->lexer) : OK;
}

static enum err parse_variable_definition(struct parser *p, struct gql_variable *v)
{
	const struct gql_directive *ignored;
	struct gql_value *fallback;
	enum err e;

	v->at = p->lexer.token.at;
	if ((e = take_punctuator(p, '$')) < 0 || (e = take_name(p, &v->name)) < 0 ||
	    (e = take_punctuator(p, ':')) < 0 || (e = parse_type(p, &v->type)) < 0)
		return e;
	if (at_punctuator(p, '=')) {
		if ((e = gql_next(&p->lexer)) < 0 || (e = parse_value(p, true, &fallback)) < 0)
			return e;
		v->fallback = fallback;
	}
	return parse_directives(p, true, &ignored);
}

static enum err parse_variables(struct parser *p, const struct gql_variable **out)
{
	const struct gql_variable **tail = out;
	enum err e;

	if (!at_punctuator(p, '('))
		return OK;
	e = gql_next(&p->lexer);
	while (e == OK) {
		struct gql_variable *v = arena_new(p->arena, struct gql_variable);
		e = parse_variable_definition(p, v);
		*tail = v;
		tail = &v->next;
		if (e == OK && at_punctuator(p, ')'))
			return gql_next(&p->lexer);
	}
	return e;
}

static enum err parse_operation(struct parser *p, struct gql_operation *o)
{
	enum err e = OK;

	o->at = p->lexer.token.at;
	o->kind = BYTES("query");
	if (at_punctuator(p, '{'))
		return parse_selections(p, &o->selections);
	o->kind = p->lexer.token.text;
	e = gql_next(&p->lexer);
	if (e == OK && p->lexer.token.kind == GQL_WORD)
		e = take_name(p, &o->name);
	if (e < 0 || (e = parse_variables(p, &o->variables)) < 0 ||
	    (e = parse_directives(p, false, &o->directives)) < 0)
		return e;
	return parse_selections(p, &o->selections);
}

static enum err parse_fragment(struct parser *p, struct gql_fragment *f)
{
	enum err e;

	f->at = p->lexer.token.at;
	e = gql_next(&p->lexer);
	if (e == OK && at_word(p, "on"))
		return unexpected(p);
	if (e < 0 || (e = take_name(p, &f->name)) < 0)
		return e;
	if (!at_word(p, "on"))
		return expected(p, "\"on\"");
	if ((e = gql_next(&p->lexer)) < 0 || (e = take_name(p, &f->type)) < 0 ||
	    (e = parse_directives(p, false, &f->directives)) < 0)
		return e;
	return parse_selections(p, &f->selections);
}

static enum err parse_document(struct parser *p, struct gql_document *out)
{
	const struct gql_operation **operation = &out->operations;
	const struct gql_fragment **fragment = &out->fragments;
	enum err e = gql_next(&p->lexer);

	do {
		if (e < 0)
			return e;
		if (at_word(p, "fragment")) {
			struct gql_fragment *f = arena_new(p->arena, struct gql_fragment);
			if (++out->fragment_count > GQL_FRAGMENTS_MAX)
				return note_err(p->note, E_FORMAT, "Document has more than %d fragments.",
						GQL_FRAGMENTS_MAX);
			e = parse_fragment(p, f);
			*fragment = f;
			fragment = &f->next;
		} else if (at_punctuator(p, '{') || at_word(p, "query") || at_word(p, "mutation") ||
			   at_word(p, "subscription")) {
			struct gql_operation *o = arena_new(p->arena, struct gql_operation);
			e = parse_operation(p, o);
			out->operation_count++;
			*operation = o;
			operation = &o->next;
		} else {
			return unexpected(p);
		}
	} while (e < 0 || p->lexer.token.kind != GQL_END);
	return OK;
}

enum err gql_parse(struct gql_document *out, struct arena *a, struct bytes text, size_t *at, struct note *note)
{
	struct parser p = {.lexer = {.text = text, .arena = a, .note = note}, .arena = a, .note = note};
	enum err e;

	*out = (struct gql_document){.text = text};
	*at = 0;
	if (text.len > GQL_TEXT_MAX)
		return note_err(note, E_FORMAT, "Document is %zu bytes, at most %d are allowed.", text.len,
				GQL_TEXT_MAX);
	if (!bytes_utf8(text))
		return note_err(note, E_FORMAT, "Document is not UTF-8.");
	e = parse_document(&p, out);
	*at = p.lexer.token.at;
	return e;
}

/* ---- values from and to other texts ---- */

static enum gql_value_kind kind_of_json(const struct json *json)
{
	switch (json->kind) {
	case JSON_NULL:
		return GQL_NULL;
	case JSON_TRUE:
	case JSON_FALSE:
		return GQL_BOOLEAN;
	case JSON_NUMBER:
		return memchr(json->raw.ptr, '.', json->raw.len) || memchr(json->raw.ptr, 'e', json->raw.len) ||
				       memchr(json->raw.ptr, 'E', json->raw.len)
			       ? GQL_FLOAT
			       : GQL_INT;
	case JSON_STRING:
		return GQL_STRING;
	case JSON_ARRAY:
		return GQL_LIST;
	case JSON_OBJECT:
		return GQL_OBJECT;
	}
	return GQL_NULL;
}

/* The reader of JSON bounds the depth. */
const struct gql_value *gql_value_of_json(struct arena *a, const struct json *json)
{
	struct gql_value *value = arena_new(a, struct gql_value);
	const struct gql_value **tail = &value->first;

	value->kind = kind_of_json(json);
	value->from_json = true;
	value->text = json->kind == JSON_STRING ? json_text(a, json) : json->raw;
	value->name = json->key;
	value->count = json->count;
	for (const struct json *child = json->first; child; child = child->next) {
		const struct gql_value *member = gql_value_of_json(a, child);
		*tail = member;
		tail = (const struct gql_value **)(uintptr_t)&member->next;
	}
	return value;
}

static void print_members(struct buf *out, const struct gql_value *value, const char *open, const char *close)
{
	buf_put_str(out, open);
	for (const struct gql_value *m = value->first; m; m = m->next) {
		if (m != value->first)
			buf_put_str(out, ", ");
		if (value->kind == GQL_OBJECT) {
			buf_put_bytes(out, m->name);
			buf_put_str(out, ": ");
		}
		gql_value_print(out, m);
	}
	buf_put_str(out, close);
}

void gql_value_print(struct buf *out, const struct gql_value *value)
{
	struct jw w = jw_on(out);

	switch (value->kind) {
	case GQL_NULL:
		buf_put_str(out, "null");
		break;
	case GQL_STRING:
		jw_str(&w, value->text);
		break;
	case GQL_LIST:
		print_members(out, value, "[", "]");
		break;
	case GQL_OBJECT:
		print_members(out, value, "{", "}");
		break;
	case GQL_VARIABLE:
		buf_put_u8(out, '$');
		buf_put_bytes(out, value->text);
		break;
	case GQL_BOOLEAN:
	case GQL_INT:
	case GQL_FLOAT:
	case GQL_NAME:
		buf_put_bytes(out, value->text);
		break;
	}
}

const char *gql_ref_text(struct arena *a, struct gql_ref type)
{
	struct bytes text = type.list ? arena_printf(a, "[%s%s]%s", type.name, type.element_required ? "!" : "",
						     type.required ? "!" : "")
				      : arena_printf(a, "%s%s", type.name, type.required ? "!" : "");

	return arena_cstr(a, text);
}
