/* SPDX-License-Identifier: MIT
 *
 * items: data items on a pipe, so that another implementation can be held against ours. One
 * line asks, one line answers; bytes are base64url, and "-" where there are none.
 *
 *   verify ITEM                                  ok ID TYPE TARGET ANCHOR DATA COUNT {NAME VALUE}
 *                                                no CODE REASON
 *   key JWK                                      key TYPE OWNER         (the next items are signed by it)
 *   create TYPE TARGET ANCHOR DATA {NAME VALUE}  item ITEM
 *
 * test/items.test.mjs asks.
 */
#include "base/text.h"
#include "msg/item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
	struct arena arena;
	struct bytes rest;
};

static struct bytes word(struct line *line)
{
	return bytes_cut(line->rest, ' ', &line->rest);
}

static struct bytes take(struct line *line)
{
	struct bytes text = word(line);
	uint8_t *out = arena_alloc(&line->arena, text.len + 1);
	size_t len = 0;

	if (!bytes_eq_str(text, "-"))
		must(b64url_decode(out, text.len, &len, text) == OK);
	return bytes_of(out, len);
}

static void put(struct buf *out, struct bytes b)
{
	buf_put_u8(out, ' ');
	if (b.len)
		buf_put_b64url(out, b);
	else
		buf_put_u8(out, '-');
}

static void verify(struct line *line, struct buf *out)
{
	struct note note = {0};
	struct item item;
	enum err e = item_parse(&item, &line->arena, take(line), &note);

	if (e == OK)
		e = item_verify(&item, &note);
	if (e < 0) {
		buf_printf(out, "no %s %s", err_name(e), note_text(&note, e));
		return;
	}
	buf_printf(out, "ok %s %d", id_text(item.id).s, item.type);
	put(out, item.target);
	put(out, item.anchor);
	put(out, item.data);
	buf_printf(out, " %zu", item.tags.count);
	for (size_t i = 0; i < item.tags.count; i++) {
		put(out, item.tags.list[i].name);
		put(out, item.tags.list[i].value);
	}
}

static void load(struct line *line, struct buf *out, struct key **key)
{
	struct note note = {0};

	key_free(*key);
	*key = NULL;
	if (key_parse(key, take(line), &note) < 0) {
		buf_printf(out, "no %s", note.text);
		return;
	}
	buf_printf(out, "key %d", key_type(*key));
	put(out, key_owner(*key));
}

static void create(struct line *line, struct buf *out, struct key *key)
{
	struct tag_list tags = tag_list_on(&line->arena);
	struct buf item = BUF_EMPTY;
	struct item_fields fields;
	struct note note = {0};
	struct id id;
	uint64_t type;

	must(key && bytes_u64(word(line), &type) && key_as(key, (enum signature_type)type) == OK);
	fields.target = take(line);
	fields.anchor = take(line);
	fields.data = take(line);
	while (line->rest.len) {
		struct bytes name = take(line);
		tag_list_add(&tags, name, take(line));
	}
	fields.tags = tag_list_tags(&tags);
	if (item_create(&item, &id, key, &fields, &note) < 0) {
		buf_printf(out, "no %s", note.text);
	} else {
		buf_put_str(out, "item");
		put(out, buf_bytes(&item));
	}
	buf_release(&item);
}

int main(void)
{
	struct buf out = BUF_EMPTY;
	struct key *key = NULL;
	char *text = NULL;
	size_t cap = 0;
	ssize_t len;

	while ((len = getline(&text, &cap, stdin)) > 0) {
		struct line line = {ARENA_EMPTY, bytes_of(text, (size_t)len - (text[len - 1] == '\n'))};
		struct bytes verb = word(&line);

		buf_clear(&out);
		if (bytes_eq_str(verb, "verify"))
			verify(&line, &out);
		else if (bytes_eq_str(verb, "key"))
			load(&line, &out, &key);
		else if (bytes_eq_str(verb, "create"))
			create(&line, &out, key);
		else
			buf_printf(&out, "no such word: %.*s", BYTES_FMT(verb));
		printf("%.*s\n", BYTES_FMT(buf_bytes(&out)));
		fflush(stdout);
		arena_release(&line.arena);
	}
	buf_release(&out);
	key_free(key);
	free(text);
	return 0;
}
