/* SPDX-License-Identifier: MIT */
#include "weave/payload.h"

#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- ranges ---- */

int range_parse(struct bytes header, uint64_t size, uint64_t *first, uint64_t *last)
{
	struct bytes to, from;
	uint64_t tail;

	if (header.len == 0)
		return 200;
	if (!memchr(header.ptr, '=', header.len))
		return 400;
	if (!bytes_starts(header, "bytes="))
		return 416;
	header = bytes_from(header, 6);
	if (memchr(header.ptr, ',', header.len))
		return 200;
	if (!memchr(header.ptr, '-', header.len))
		return 416;
	from = bytes_cut(header, '-', &to);
	if (from.len == 0) {
		if (!bytes_u64(to, &tail) || tail == 0 || size == 0)
			return 416;
		*first = tail < size ? size - tail : 0;
		*last = size - 1;
		return 206;
	}
	if (!bytes_u64(from, first) || *first >= size)
		return 416;
	*last = size - 1;
	if (to.len == 0)
		return 206;
	if (!bytes_u64(to, &tail) || tail < *first)
		return 416;
	if (tail < *last)
		*last = tail;
	return 206;
}

/* ---- tags as headers ---- */

/* Names that are never set from a tag (weave 3.7). */
static const char *const reserved[] = {"age",
				       "alt-svc",
				       "ao-body-key",
				       "ao-types",
				       "accept-ranges",
				       "cache-control",
				       "connection",
				       "content-digest",
				       "content-encoding",
				       "content-length",
				       "content-range",
				       "content-type",
				       "date",
				       "device",
				       "etag",
				       "expires",
				       "host",
				       "keep-alive",
				       "link",
				       "location",
				       "pragma",
				       "refresh",
				       "retry-after",
				       "server",
				       "set-cookie",
				       "signature",
				       "signature-input",
				       "status",
				       "strict-transport-security",
				       "te",
				       "trailer",
				       "transfer-encoding",
				       "upgrade",
				       "vary",
				       "via",
				       "warning",
				       "www-authenticate"};
static const char *const reserved_starts[] = {"access-control-", "content-security-policy", "proxy-", "sec-", "x-"};

static bool is_token(struct bytes name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum(name.ptr[i]) && !strchr("!#$%&'*+-.^_`|~", name.ptr[i]))
			return false;
	return name.len > 0;
}

static bool is_printable(struct bytes value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] < 0x20 || value.ptr[i] > 0x7e)
			return false;
	return value.len == 0 || (value.ptr[0] != ' ' && value.ptr[value.len - 1] != ' ');
}

/* `name` is in lower case. */
static bool is_reserved(const char *name)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(name, reserved[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(reserved_starts) / sizeof(reserved_starts[0]); i++)
		if (strncmp(name, reserved_starts[i], strlen(reserved_starts[i])) == 0)
			return true;
	return false;
}

static bool seen_before(struct tags tags, size_t at, const char *name)
{
	for (size_t i = 0; i < at; i++)
		if (bytes_case_eq(tags.list[i].name, name))
			return true;
	return false;
}

static char *lower(struct arena *a, struct bytes name)
{
	char *text = arena_cstr(a, name);

	for (char *p = text; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return text;
}

/* X-Arweave-Tag-Name for what has no header of its own: what a header cannot carry is left out. */
static void extra_header(struct arena *a, struct tag tag, char **name, char **value)
{
	struct buf text = BUF_EMPTY;

	buf_put_str(&text, "X-Arweave-Tag-");
	for (size_t i = 0; i < tag.name.len && i < 2 * TAG_HEADER_NAME_MAX; i++) {
		uint8_t c = tag.name.ptr[i];
		buf_put_u8(&text, isalnum(c) || c == '-' || c == '_' ? c : '_');
	}
	*name = arena_cstr(a, buf_bytes(&text));
	buf_clear(&text);
	for (size_t i = 0; i < tag.value.len && i < TAG_HEADER_VALUE_MAX; i++)
		if (tag.value.ptr[i] >= 0x20 && tag.value.ptr[i] <= 0x7e)
			buf_put_u8(&text, tag.value.ptr[i]);
	*value = arena_cstr(a, buf_bytes(&text));
	buf_release(&text);
}

static void set_tag_headers(struct http_request *r, struct tags tags)
{
	struct arena *a = http_arena(r);
	size_t headers = 0, bytes = 0;

	http_set_header(r, "X-Arweave-Tag-Count", arena_cstr(a, arena_printf(a, "%zu", tags.count)));
	for (size_t i = 0; i < tags.count; i++) {
		struct tag tag = tags.list[i];
		char *name = lower(a, tag.name), *value;
		bool plain = is_token(tag.name) && tag.name.len <= TAG_HEADER_NAME_MAX && !is_reserved(name) &&
			     tag.value.len <= TAG_HEADER_VALUE_MAX && is_printable(tag.value);

		if (strcmp(name, "content-type") == 0 || seen_before(tags, i, name))
			continue;
		if (plain)
			value = arena_cstr(a, tag.value);
		else
			extra_header(a, tag, &name, &value);
		bytes += strlen(name) + strlen(value);
		if (headers == TAG_HEADERS_MAX || bytes > TAG_HEADER_BYTES_MAX) {
			http_set_header(r, "X-Arweave-Tags-Truncated", "true");
			return;
		}
		http_set_header(r, name, value);
		headers++;
	}
}

/* ---- answers ---- */

/* The first tag of that name in any case, when a header can carry it. */
static const char *tag_text(struct arena *a, struct tags tags, const char *name)
{
	for (size_t i = 0; i < tags.count; i++)
		if (bytes_case_eq(tags.list[i].name, name))
			return tags.list[i].value.len && is_printable(tags.list[i].value)
				       ? arena_cstr(a, tags.list[i].value)
				       : NULL;
	return NULL;
}

static void set_headers(struct http_request *r, const struct record *record, const char *etag)
{
	struct arena *a = http_arena(r);
	const char *encoding = tag_text(a, record->tags, "content-encoding");
	struct buf digest = BUF_EMPTY;

	buf_put_str(&digest, "sha-256=:");
	buf_put_b64(&digest, bytes_of(record->data_hash.b, 32));
	buf_put_str(&digest, ":");
	http_set_header(r, "ETag", etag);
	http_set_header(r, "Accept-Ranges", "bytes");
	http_set_header(r, "Cache-Control", "public, max-age=2592000, immutable");
	http_set_header(r, "Content-Digest", buf_str(&digest));
	http_set_header(r, "X-AR-IO-Digest", id_text(record->data_hash).s);
	http_set_header(r, "X-AR-IO-Data-Id", id_text(record->id).s);
	if (!id_eq(record->upload, record->id))
		http_set_header(r, "X-AR-IO-Root-Transaction-Id", id_text(record->upload).s);
	if (encoding)
		http_set_header(r, "Content-Encoding", encoding);
	set_tag_headers(r, record->tags);
	buf_release(&digest);
}

static void send_bytes(struct http_request *r, struct store *s, const struct record *record, int status, uint64_t first,
		       uint64_t len)
{
	const char *type = tag_text(http_arena(r), record->tags, "content-type");
	struct note note = {0};
	struct bytes data;
	int fd;
	enum err e = bytes_open(s, record->upload, &fd);

	if (!type)
		type = HTTP_BYTES;
	if (e == OK) {
		http_answer_file(r, status, type, fd, record->data_at + first, len);
		return;
	}
	if (e == E_UNSUPPORTED)
		e = bytes_read(s, http_arena(r), record->upload, record->data_at + first, len, &data);
	if (e == OK) {
		http_answer(r, status, type, data);
		return;
	}
	note_err(&note, e, "the payload of %s cannot be read", id_text(record->id).s);
	http_answer_err_as(r, 500, e, &note);
}

void payload_answer(struct http_request *r, struct store *s, const struct record *record)
{
	struct arena *a = http_arena(r);
	const char *etag = arena_cstr(a, arena_printf(a, "\"%s\"", id_text(record->data_hash).s));
	uint64_t first = 0, last = 0;
	struct note note = {0};
	int status = range_parse(http_header(r, "Range"), record->data_size, &first, &last);

	if (status == 400) {
		note_err(&note, E_ARGUMENT, "Malformed 'range' header");
		http_answer_err(r, E_ARGUMENT, &note);
		return;
	}
	if (bytes_eq_str(http_header(r, "If-None-Match"), etag)) {
		http_set_header(r, "ETag", etag);
		http_answer(r, 304, NULL, bytes_of(NULL, 0));
		return;
	}
	if (status == 416) {
		http_set_header(r, "Content-Range",
				arena_cstr(a, arena_printf(a, "bytes */%" PRIu64, record->data_size)));
		note_err(&note, E_ARGUMENT, "Range not satisfiable");
		http_answer_err_as(r, 416, E_ARGUMENT, &note);
		return;
	}
	set_headers(r, record, etag);
	if (status == 206)
		http_set_header(r, "Content-Range",
				arena_cstr(a, arena_printf(a, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, last,
							   record->data_size)));
	send_bytes(r, s, record, status, first, status == 206 ? last - first + 1 : record->data_size);
}
