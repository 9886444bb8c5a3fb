/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "test/test.h"

#include <string.h>

static struct arena arena;

static const struct json *parsed(const char *text)
{
	const struct json *node = NULL;
	struct note note = {0};
	enum err e = json_parse(&node, &arena, bytes_str(text), &note);

	if (e < 0)
		t_fail("%s: %s", text, note.text);
	return node;
}

TEST(values_keep_their_text)
{
	const struct json *doc = parsed(
		" {\"a\" : [1, -2.5e3, true,false , null],\"b\":\"x\\n\\u20ac\\ud83d\\ude00\" ,\"c\":{}} ");
	uint64_t one = 0;

	t_check(doc->kind == JSON_OBJECT && doc->count == 3);
	t_u64(json_get(doc, "a")->count, 5);
	t_check(json_u64(json_at(json_get(doc, "a"), 0), &one) && one == 1);
	t_text(json_at(json_get(doc, "a"), 1)->raw, "-2.5e3");
	t_check(!json_u64(json_at(json_get(doc, "a"), 1), &one));
	t_text(json_get_text(&arena, doc, "b"), "x\n\xe2\x82\xac\xf0\x9f\x98\x80");
	t_text(json_whole(json_get(doc, "b")), "\"x\\n\\u20ac\\ud83d\\ude00\"");
	t_text(json_get(doc, "a")->raw, "[1, -2.5e3, true,false , null]");
	t_check(json_get(doc, "c")->kind == JSON_OBJECT && json_get(doc, "zz") == NULL);
	t_check(!json_truthy(parsed("0")) && !json_truthy(parsed("\"\"")) && json_truthy(parsed("[]")));
	arena_release(&arena);
}

/* What jsmn alone would let pass, and the classics of the JSON test suite. */
TEST(malformed_text_is_refused)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"[",
		"]",
		"[1,]",
		"[,1]",
		"[1 2]",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{\"a\" 1}",
		"{a:1}",
		"{1:2}",
		"{\"a\":1 \"b\":2}",
		"[\"a\":1]",
		"tru",
		"nul",
		"truefalse",
		"01",
		"-",
		"1.",
		".5",
		"1e",
		"+1",
		"0x1",
		"NaN",
		"'a'",
		"\"a",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\u12g4\"",
		"\"\x01\"",
		"\"\t\"",
		"1 2",
		"{} {}",
		"[]]",
		"{}}",
		"[1,,2]",
		"{\"a\"::1}",
		"[true,]",
		"{\"a\":1,,\"b\":2}",
		"\xef\xbb\xbf{}",
		"\"\xff\"",
		"[}",
		"{]",
		"{\"a\":[}",
		"[\"a\" \"b\"]",
		"{\"a\":\"b\" \"c\":\"d\"}",
		":",
		",",
		"{,}",
		"{:1}",
		"{\"a\":1:2}",
		"\\",
		"[1}",
		"/**/1",
	};
	const struct json *node;
	struct note note;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		note_reset(&note);
		if (json_parse(&node, &arena, bytes_str(bad[i]), &note) != E_FORMAT)
			t_fail("accepted: %s", bad[i]);
		t_check(note.text[0] != 0);
	}
	arena_release(&arena);
}

TEST(depth_is_bounded)
{
	char text[2 * (JSON_DEPTH_MAX + 2) + 1];
	const struct json *node;

	memset(text, '[', JSON_DEPTH_MAX + 2);
	memset(text + JSON_DEPTH_MAX + 2, ']', JSON_DEPTH_MAX + 2);
	t_err(json_parse(&node, &arena, bytes_of(text, 2 * (JSON_DEPTH_MAX + 2)), NULL), E_LIMIT);
	t_ok(json_parse(&node, &arena, bytes_of(text + 2, 2 * JSON_DEPTH_MAX), NULL));
	arena_release(&arena);
}

TEST(large_flat_documents_parse)
{
	struct buf text = BUF_EMPTY;
	const struct json *node;

	buf_put_str(&text, "[0");
	for (int i = 1; i < 100000; i++)
		buf_printf(&text, ",%d", i % 10);
	buf_put_str(&text, "]");
	t_ok(json_parse(&node, &arena, buf_bytes(&text), NULL));
	t_u64(node->count, 100000);
	buf_release(&text);
	arena_release(&arena);
}

TEST(values_are_counted)
{
	struct arena a = ARENA_EMPTY;
	struct buf text = BUF_EMPTY;
	const struct json *node;
	struct note note = {0};

	buf_put_u8(&text, '[');
	for (int i = 0; i < JSON_TOKENS_MAX; i++)
		buf_put_str(&text, "0,");
	text.ptr[text.len - 1] = ']';
	t_err(json_parse(&node, &a, buf_bytes(&text), &note), E_LIMIT);
	t_check(strstr(note.text, "more than") != NULL);
	text.ptr[text.len - 3] = ' '; /* one fewer */
	text.ptr[text.len - 2] = ' ';
	t_ok(json_parse(&node, &a, buf_bytes(&text), NULL));
	t_u64(node->count, JSON_TOKENS_MAX - 1);
	buf_release(&text);
	arena_release(&a);
}

TEST(writing_equals_javascript)
{
	struct buf out = BUF_EMPTY;
	struct jw w = jw_on(&out);

	jw_object(&w);
	jw_member(&w, "a\"b", BYTES("\b\f\n\r\t\x01\x1f\x7f/\\ \xe2\x82\xac"));
	jw_key(&w, "list");
	jw_array(&w);
	jw_u64(&w, 18446744073709551615u);
	jw_i64(&w, -5);
	jw_bool(&w, true);
	jw_null(&w);
	jw_array(&w);
	jw_array_end(&w);
	jw_object(&w);
	jw_object_end(&w);
	jw_raw(&w, BYTES("1.50"));
	jw_array_end(&w);
	jw_member(&w, "bad", BYTES("\xff"));
	jw_object_end(&w);
	t_text(buf_bytes(&out), "{\"a\\\"b\":\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f/\\\\ "
				"\xe2\x82\xac\",\"list\":[18446744073709551615,-5,true,null,[],{},1.50],"
				"\"bad\":\"\xef\xbf\xbd\"}");
	buf_release(&out);
}

TEST_MAIN
