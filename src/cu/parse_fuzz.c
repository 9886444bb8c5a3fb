/* SPDX-License-Identifier: MIT
 *
 * What strangers write and the compute unit reads: cursors, the bodies of dry runs, the tags of processes, sizes, and what
 * modules answer, and what gateways say of a transaction. The first byte says which. What comes out is JSON where it is to be JSON, and a cursor that
 * was read and written is the same cursor.
 */
#include "base/text.h"
#include "cu/drive.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_json(struct arena *a, struct bytes text)
{
	const struct json *json;

	must(json_parse(&json, a, text, NULL) == OK);
}

static void cursor(struct arena *a, struct bytes text)
{
	struct cursor first, second;
	struct buf out = BUF_EMPTY;
	struct bytes name;

	if (cursor_parse(&first, a, text, NULL) < 0)
		return;
	name = first.cron;
	cursor_write(&out, &first.key, name, first.descending);
	must(cursor_parse(&second, a, buf_bytes(&out), NULL) == OK);
	must(second.key.timestamp_ms == first.key.timestamp_ms && second.key.ordinate == first.key.ordinate);
	must(second.descending == first.descending);
	buf_release(&out);
}

static void dry_run_body(struct arena *a, struct bytes text)
{
	struct buf out = BUF_EMPTY;
	struct tip tip = {.timestamp_ms = 1, .block_height = 2};

	if (dry_run_for_module(&out, a, (struct id){{1}}, &tip, text, NULL) == OK)
		must_be_json(a, buf_bytes(&out));
	buf_release(&out);
}

/* Lines "name=value". */
static struct tags tags_of_lines(struct arena *a, struct bytes text)
{
	struct tag_list list = tag_list_on(a);

	while (text.len) {
		struct bytes value, name = bytes_cut(bytes_cut(text, '\n', &text), '=', &value);
		tag_list_add(&list, name, value);
	}
	return tag_list_tags(&list);
}

static void crons(struct arena *a, struct bytes text)
{
	const struct cron *list;
	size_t count;

	if (crons_parse(&list, &count, a, tags_of_lines(a, text), NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		must(memchr(list[i].name, 0, sizeof(list[i].name)) != NULL);
}

static void outcome(struct arena *a, struct bytes text)
{
	struct outcome o = {.response = text};
	const struct json *json;
	struct result result;

	/* The reader lets through an object, or an error that is JSON. */
	if (json_parse(&json, a, text, NULL) < 0)
		return;
	if (json->kind != JSON_OBJECT)
		o = (struct outcome){.error = json_whole(json)};
	result_of_outcome(&result, a, &o);
	must_be_json(a, result.json);
}

/* What a gateway says of a transaction becomes a file. */
static void transaction(struct arena *a, struct bytes text)
{
	struct buf out = BUF_EMPTY;
	struct note note = {0};

	if (with_owner_address(&out, a, text, BYTES("otherwise"), &note) == OK)
		must_be_json(a, buf_bytes(&out));
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_EMPTY;
	struct bytes text;

	if (size == 0)
		return 0;
	text = bytes_of(data + 1, size - 1);
	switch (data[0] % 6) {
	case 0:
		cursor(&a, text);
		break;
	case 1:
		dry_run_body(&a, text);
		break;
	case 2:
		crons(&a, text);
		break;
	case 3:
		(void)size_parse(text);
		break;
	case 4:
		outcome(&a, text);
		break;
	case 5:
		transaction(&a, text);
		break;
	}
	arena_release(&a);
	return 0;
}
