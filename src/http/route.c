/* SPDX-License-Identifier: MIT */
#include "http/route.h"

#include <string.h>

static int digit(uint8_t c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static enum err decode(struct bytes *out, struct arena *a, struct bytes raw, struct note *note)
{
	uint8_t *text = arena_alloc(a, raw.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < raw.len; i++) {
		int c = raw.ptr[i];
		if (c == '%') {
			int high = i + 2 < raw.len ? digit(raw.ptr[i + 1]) : -1;
			int low = high < 0 ? -1 : digit(raw.ptr[i + 2]);
			if (low < 0)
				return note_err(note, E_FORMAT, "the URL has a malformed %% escape");
			c = high << 4 | low;
			i += 2;
		}
		if (c == 0)
			return note_err(note, E_FORMAT, "the URL contains a zero byte");
		text[n++] = (uint8_t)c;
	}
	*out = bytes_of(text, n);
	return OK;
}

enum err target_parse(struct target *out, struct arena *a, struct bytes raw, struct note *note)
{
	struct bytes query, path = bytes_cut(raw, '?', &query);
	enum err e;

	*out = (struct target){0};
	e = decode(&out->path, a, path, note);
	if (e < 0)
		return e;
	while (query.len) {
		struct bytes value, pair = bytes_cut(query, '&', &query), name = bytes_cut(pair, '=', &value);
		if (pair.len == 0)
			continue;
		if (out->query_count == QUERY_MAX)
			return note_err(note, E_LIMIT, "the URL has more than %d parameters", QUERY_MAX);
		if ((e = decode(&out->query[out->query_count].name, a, name, note)) < 0 ||
		    (e = decode(&out->query[out->query_count].value, a, value, note)) < 0)
			return e;
		out->query_count++;
	}
	return OK;
}

/* Segment by segment; {} takes one that is not empty. A final '/' of the request is ignored. */
static bool matches(struct target *t, struct bytes pattern)
{
	struct bytes path = t->path;

	t->segment_count = 0;
	if (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	while (pattern.len && path.len) {
		struct bytes want, have;
		if (pattern.ptr[0] != '/' || path.ptr[0] != '/')
			return false;
		want = bytes_cut(bytes_from(pattern, 1), '/', NULL);
		have = bytes_cut(bytes_from(path, 1), '/', NULL);
		if (bytes_eq_str(want, "{}")) {
			if (have.len == 0 || t->segment_count == SEGMENTS_MAX)
				return false;
			t->segments[t->segment_count++] = have;
		} else if (!bytes_eq(want, have)) {
			return false;
		}
		pattern = bytes_from(pattern, 1 + want.len);
		path = bytes_from(path, 1 + have.len);
	}
	return pattern.len == 0 && path.len == 0;
}

const struct http_route *route_find(struct target *t, const char *method, const struct http_route *routes, size_t count,
				    bool *path_known)
{
	*path_known = false;
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < count; i++) {
		if (!matches(t, bytes_str(routes[i].path)))
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return &routes[i];
		*path_known = true;
	}
	return NULL;
}
