/* SPDX-License-Identifier: MIT
 *
 * Whatever a stranger writes: what reaches the terminal is UTF-8 without control characters, and as JSON it is
 * the same document.
 */
#include "base/arena.h"
#include "cli/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct bytes text, struct foreign how)
{
	struct buf out = BUF_EMPTY;

	foreign_text(&out, text, how);
	must(bytes_utf8(buf_bytes(&out)));
	for (size_t i = 0; i < out.len; i++) {
		bool blank = !how.one_line && (out.ptr[i] == '\n' || out.ptr[i] == '\t');
		bool colour = how.keep_colours && out.ptr[i] == 27 && i + 1 < out.len && out.ptr[i + 1] == '[';
		must(out.ptr[i] != 127 && (out.ptr[i] >= 32 || blank || colour));
		must(out.ptr[i] != 0xc2 || out.ptr[i + 1] >= 0xa0);
	}
	buf_release(&out);
}

/* The text of each string stays what it was. */
static void check_same(const struct json *before, const struct json *after, struct arena *a)
{
	must(before->kind == after->kind && before->count == after->count);
	if (before->kind == JSON_STRING)
		must(bytes_eq(json_text(a, before), json_text(a, after)));
	before = before->first;
	after = after->first;
	for (; before; before = before->next, after = after->next)
		check_same(before, after, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_of(data, size);
	struct arena a = ARENA_EMPTY;
	const struct json *before, *after;
	struct buf out = BUF_EMPTY;

	check_text(text, (struct foreign){0});
	check_text(text, (struct foreign){.one_line = true});
	check_text(text, (struct foreign){.keep_colours = true});
	if (json_parse(&before, &a, text, NULL) == OK) {
		foreign_json(&out, text);
		must(json_parse(&after, &a, buf_bytes(&out), NULL) == OK);
		check_same(before, after, &a);
		(void)result_output(&a, before);
	}
	buf_release(&out);
	arena_release(&a);
	return 0;
}
