/* SPDX-License-Identifier: MIT
 *
 * What the console decides by itself: whether a chunk is all there, its colours, what a word becomes, which
 * files make a bundle, what a line with a dot means, what the units' answers say.
 */
#include "cli/console/bundle.h"
#include "cli/console/commands.h"
#include "cli/console/complete.h"
#include "cli/console/feed.h"
#include "cli/console/highlight.h"
#include "cli/console/lua.h"
#include "cli/console/trace.h"
#include "cli/console/watch.h"
#include "test/test.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- lua ---- */

TEST(a_chunk_is_complete_when_nothing_is_open)
{
	static const char *const complete_ones[] = {
		"",
		"return 1",
		"x = 1",
		"print('a')",
		"if a then b() end",
		"for i = 1, 2 do print(i) end",
		"while a do break end",
		"function f() end",
		"local function f() return function () end end",
		"repeat x = 1 until x",
		"do end",
		"x = { 1, { 2 } }",
		"f[[ text ]]",
		"--[==[ a ]] ]==] x = 1",
		"if a then b() elseif c then d() else e() end",
		"x = 'it\\'s'",
		"goto done ::done::",
		"-- open (",
		"for k, v in pairs(t) do do end end",
		"f(...)",
		"return ...",
		"x = a.b:c()",
		"return #t;",
		"x = \"a\\\n b\"",
	};
	static const char *const incomplete[] = {
		"function f()",
		"if a then",
		"if a",
		"for i = 1, 2",
		"for i = 1, 2 do",
		"while x",
		"do",
		"repeat",
		"f(",
		"x = {",
		"x[",
		"x = [[",
		"x = [==[ ]] ",
		"--[[",
		"x = 'open",
		"x = \"open",
		"x = \"a\\\n",
		"x =",
		"x = 1 +",
		"f(1,",
		"return a and",
		"local",
		"if a then b() else",
		"if a then b() elseif c",
		"x = function ()",
		"repeat x = 1 until",
		"f(function () end",
		"for i = 1, 2 do if a then end",
		"return not",
	};
	/* What more text cannot mend goes to the process, which says what is wrong. */
	static const char *const wrong[] = {"end",         "x = )", "f(]",  "if a then b() until",
					    "x = 'open\n", "}",     "(end", "@"};

	for (size_t i = 0; i < sizeof(complete_ones) / sizeof(complete_ones[0]); i++)
		if (lua_incomplete(bytes_str(complete_ones[i])))
			t_fail("is complete: %s", complete_ones[i]);
	for (size_t i = 0; i < sizeof(incomplete) / sizeof(incomplete[0]); i++)
		if (!lua_incomplete(bytes_str(incomplete[i])))
			t_fail("is not complete: %s", incomplete[i]);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (lua_incomplete(bytes_str(wrong[i])))
			t_fail("more does not help: %s", wrong[i]);
}

static void check_tokens(const char *chunk, const char *kinds)
{
	static const char letters[] = "_ckn0s+!"; /* in the order of enum lua_kind */
	struct bytes rest = bytes_str(chunk);
	struct buf got = BUF_EMPTY;
	struct lua_token t;

	while (lua_next(&t, &rest))
		if (t.kind != LUA_BLANK)
			buf_put_u8(&got, (uint8_t)letters[t.kind]);
	t_text(buf_bytes(&got), kinds);
	buf_release(&got);
}

TEST(tokens_are_those_of_lua)
{
	check_tokens("local x = 0x1p-4 + 1e+5 .. .5", "kn+0+0+0");
	check_tokens("a.b:c 'x' \"y\" [==[ z ]=] ]==]", "n+n+nsss");
	check_tokens("x = 1 -- rest\ny", "n+0cn");
	check_tokens("--[[ a\nb ]] end", "ck");
	check_tokens("a ~= b // c :: d", "n+n+n+n");
	check_tokens("gr\xc3\xbc\xc3\x9f = $", "n+!");
	check_tokens("t[ [[k]] ]", "n+s+");
}

TEST(highlighted_text_is_the_text_and_cannot_steer_the_terminal)
{
	struct buf out = BUF_EMPTY;

	highlight(&out, BYTES("local x = 'a' -- b"));
	t_text(buf_bytes(&out), "\033[35mlocal\033[0m x = \033[32m'a'\033[0m \033[90m-- b\033[0m");
	buf_clear(&out);
	highlight(&out, BYTES("Send [[a\nb]]"));
	t_text(buf_bytes(&out), "\033[36mSend\033[0m \033[32m[[a\033[0m\n\033[32mb]]\033[0m");
	buf_clear(&out);
	highlight(&out, BYTES("x \033[2J\r y"));
	t_check(memmem(out.ptr, out.len, "\033[2J", 4) == NULL && memchr(out.ptr, '\r', out.len) == NULL);
	buf_release(&out);
}

/* ---- completion ---- */

static struct completion found;
static struct arena arena;

static void check_complete(const char *line, const char *want, size_t common)
{
	struct buf got = BUF_EMPTY;

	arena_reset(&arena);
	complete(&found, &arena, bytes_str(line), NULL);
	for (size_t i = 0; i < found.count; i++)
		buf_printf(&got, "%s%s", i ? "," : "", found.candidates[i]);
	t_text(buf_bytes(&got), want);
	if (found.count)
		t_u64(found.common, common);
	buf_release(&got);
}

TEST(words_are_completed_by_what_stands_before_them)
{
	check_complete(".un", ".unmonitor", 10);
	check_complete(".tr", ".trace ", 7);
	check_complete(".load", ".load ,.load-blueprint ", 5);
	check_complete("x = Hand", "Handlers", 8);
	check_complete("Handlers.a", "Handlers.add,Handlers.advanced,Handlers.after,Handlers.append", 10);
	check_complete("return string.form", "string.format", 13);
	check_complete("loc", "local", 5);
	check_complete("f(", "", 0);
	check_complete("", "", 0);
	check_complete("zzz", "", 0);
}

TEST(files_are_completed_after_load)
{
	const char *directory = t_dir();
	struct arena a = ARENA_EMPTY;
	const char *line = (const char *)arena_printf(&a, ".load %s/a", directory).ptr;
	const char *want = (const char *)arena_printf(&a, "%s/abc.lua,%s/abd/", directory, directory).ptr;

	fclose(fopen((const char *)arena_printf(&a, "%s/abc.lua", directory).ptr, "w"));
	mkdir((const char *)arena_printf(&a, "%s/abd", directory).ptr, 0700);
	check_complete(line, want, strlen(directory) + 3);
	t_u64(found.word, strlen(directory) + 2);
	complete(&found, &arena, BYTES(".load-blueprint ab"), directory);
	t_u64(found.count, 1);
	t_str(found.candidates[0], "abc");
	arena_release(&a);
}

/* ---- bundling ---- */

static const char *root;

static const char *file(const char *name, const char *text)
{
	const char *path = (const char *)arena_printf(&arena, "%s/%s", root, name).ptr;
	FILE *f = fopen(path, "w");

	t_check(f != NULL);
	fputs(text, f);
	fclose(f);
	return path;
}

static struct bundle bundle;

static size_t count_in(struct bytes text, const char *what)
{
	size_t n = 0;

	for (const uint8_t *at; (at = memmem(text.ptr, text.len, what, strlen(what))) != NULL; n++)
		text = bytes_from(text, (size_t)(at - text.ptr) + 1);
	return n;
}

static void new_root(void)
{
	root = t_dir();
	mkdir((const char *)arena_printf(&arena, "%s/lib", root).ptr, 0700);
}

TEST(a_bundle_has_each_required_file_once_and_before_its_users)
{
	const char *main_path;
	size_t there;

	new_root();
	file("lib/one.lua", "-- one\nlocal two = require 'lib.two'\nreturn two");
	file("lib/two.lua", "return 2");
	main_path = file("main.lua", "local one = require('lib.one')\nlocal two = require ( \"lib.two\" )\n"
				     "-- require 'lib.three'\nlocal s = [[require 'lib.three']]\n"
				     "local json = require 'json'\nreturn one + two\n");
	file("lib/three.lua", "error('not wanted')");
	t_ok(bundle_make(&bundle, &arena, main_path, NULL));
	t_u64(bundle.count, 3);
	t_str(bundle.files[0].name, "lib.two");
	t_str(bundle.files[1].name, "lib.one");
	t_check(bundle.files[2].name == NULL);
	t_u64(count_in(bundle.chunk, "return 2"), 1);
	t_u64(count_in(bundle.chunk, "_loaded_mod_lib_one(...)"), 1);
	t_u64(count_in(bundle.chunk, "return one + two\n--@file 2 1 lib/two.lua\n--@file "), 1);
	t_check(bytes_ends(bundle.chunk, " 7 main.lua\n"));
	t_str(bundle.files[1].shown, "lib/one.lua");
	t_check(!lua_incomplete(bundle.chunk));

	/* Line 2 of lib/one.lua is where the chunk says it is. */
	for (size_t line = 1, at = 0; at < bundle.chunk.len; at++) {
		if (bytes_starts(bytes_from(bundle.chunk, at), "local two = require 'lib.two'\nreturn two")) {
			const struct bundle_file *f = bundle_find(&bundle, line, &there);
			t_check(f == &bundle.files[1]);
			t_u64(there, 2);
		}
		line += bundle.chunk.ptr[at] == '\n';
	}
	t_check(bundle_find(&bundle, 1, &there) == NULL);
}

TEST(circles_second_names_and_odd_first_lines_are_taken)
{
	new_root();
	file("a.lua", "local b = require 'b'\nlocal again = require 'lib..b2'");
	file("b.lua", "function later() return require('a') end");
	t_check(symlink("../b.lua", (const char *)arena_printf(&arena, "%s/lib/b2.lua", root).ptr) == 0);
	t_ok(bundle_make(&bundle, &arena, file("main.lua", "#!/usr/bin/lua\nrequire 'a' require 'lib.b2'"), NULL));
	t_u64(bundle.count, 3);
	t_u64(count_in(bundle.chunk, "_G.package.loaded[\"lib.b2\"] = _G.package.loaded[\"b\"]"), 1);
	t_u64(count_in(bundle.chunk, "--#!/usr/bin/lua\n"), 1);

	t_ok(bundle_make(&bundle, &arena, file("self.lua", "require 'self'"), NULL));
	t_u64(bundle.count, 1);
}

TEST(a_text_is_a_bundle_of_one)
{
	bundle_of_text(&bundle, &arena, "some/where/token\n.lua", BYTES("return\n1"));
	t_text(bundle.chunk, "return\n1\n--@file 1 2 token?.lua\n");
	t_u64(bundle.count, 1);
	bundle_of_text(&bundle, &arena, "x.lua", BYTES(""));
	t_text(bundle.chunk, "\n--@file 1 1 x.lua\n");
}

TEST(what_cannot_be_loaded_is_named)
{
	struct note note = {0};

	new_root();
	t_err(bundle_make(&bundle, &arena, "/nowhere/x.lua", &note), E_NOT_FOUND);
	t_check(strstr(note.text, "/nowhere/x.lua") != NULL);
	note_reset(&note);
	t_err(bundle_make(&bundle, &arena, root, &note), E_ARGUMENT);
	t_check(strstr(note.text, root) != NULL);
	for (int i = 0; i < BUNDLE_DEPTH_MAX + 2; i++) {
		char name[16], text[32];
		snprintf(name, sizeof(name), "d%d.lua", i);
		snprintf(text, sizeof(text), "require 'd%d'", i + 1);
		file(name, text);
	}
	note_reset(&note);
	t_err(bundle_make(&bundle, &arena, (const char *)arena_printf(&arena, "%s/d0.lua", root).ptr, &note), E_LIMIT);
}

/* ---- dots ---- */

static void check_dot(const char *line, const char *name, const char *argument)
{
	struct bytes got;
	const struct dot_command *d = dot_parse(bytes_str(line), &got);

	if (!name) {
		t_check(d == NULL);
		return;
	}
	t_check(d != NULL);
	t_str(d->name, name);
	t_text(got, argument);
}

TEST(a_line_with_a_dot_is_a_command_and_its_argument)
{
	check_dot(".help", ".help", "");
	check_dot(".load  my file.lua ", ".load", "my file.lua");
	check_dot(".load \"my file.lua\"", ".load", "my file.lua");
	check_dot(".dry return 'a'", ".dry", "return 'a'");
	check_dot(".dry 'a' .. 'b'", ".dry", "'a' .. 'b'");
	check_dot(".load-blueprint\ttoken", ".load-blueprint", "token");
	check_dot(".hepl", NULL, NULL);
	check_dot(".", NULL, NULL);
	check_dot("", NULL, NULL);
	t_check(dot_is(BYTES(".load x.lua")) && !dot_is(BYTES(".5 + 1")) && !dot_is(BYTES(" .help")));
}

/* ---- what the units answer ---- */

TEST(the_feed_shows_prints_and_errors)
{
	static const char page_json[] =
		"{\"edges\":[{\"cursor\":\"a\",\"node\":{\"Output\":{\"data\":\"quiet\",\"prompt\":\"p\"}}},"
		"{\"cursor\":\"b\",\"node\":{\"Output\":{\"data\":\"loud\",\"prompt\":\"q\",\"print\":true}}},"
		"{\"cursor\":\"c\",\"node\":{\"Error\":\"bad\"}},{\"cursor\":\"d\"}]}";
	struct feed_page page;

	t_ok(feed_read(&page, &arena, bytes_str(page_json)));
	t_u64(page.count, 4);
	t_text(page.cursor, "d");
	t_u64(page.entries[0].text.len, 0);
	t_text(page.entries[1].text, "loud");
	t_text(page.entries[1].prompt, "q");
	t_text(page.entries[2].text, "bad");
	t_text(page.entries[2].error, "\"bad\"");
	t_u64(page.entries[3].text.len, 0);
	t_err(feed_read(&page, &arena, BYTES("{}")), E_FORMAT);
	t_err(feed_read(&page, &arena, BYTES("nonsense")), E_FORMAT);
}

TEST(a_trace_is_a_tree_with_causes_before_what_came_of_them)
{
	static const char json[] =
		"{\"edges\":["
		"{\"node\":{\"messageId\":\"c\",\"processId\":\"P\",\"parentId\":\"b\",\"timestamp\":3,\"type\":"
		"\"MESSAGE\"}},"
		"{\"node\":{\"messageId\":\"b2\",\"processId\":\"P\",\"parentId\":\"a\",\"timestamp\":4,\"type\":"
		"\"MESSAGE\"}},"
		"{\"node\":{\"messageId\":\"b\",\"processId\":\"Q\",\"parentId\":\"a\",\"timestamp\":2,\"type\":"
		"\"MESSAGE\"}},"
		"{\"node\":{\"messageId\":\"a\",\"processId\":\"P\",\"timestamp\":1,\"type\":\"MESSAGE\"}},"
		"{\"node\":{\"messageId\":\"a\",\"processId\":\"P\",\"timestamp\":1,\"type\":\"MESSAGE\"}},"
		"{\"node\":{\"messageId\":\"x\",\"processId\":\"P\",\"parentId\":\"y\",\"type\":\"MESSAGE\"}},"
		"{\"node\":{\"messageId\":\"y\",\"processId\":\"P\",\"parentId\":\"x\",\"type\":\"MESSAGE\"}}]}";
	static const struct {
		const char *message;
		size_t depth;
	} want[] = {{"a", 0}, {"b", 1}, {"c", 2}, {"b2", 1}, {"x", 0}, {"y", 0}};
	struct hops hops;

	t_ok(trace_read(&hops, &arena, bytes_str(json)));
	t_u64(hops.count, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < hops.count; i++) {
		t_text(hops.list[i].message, want[i].message);
		t_u64(hops.list[i].depth, want[i].depth);
	}
	t_err(trace_read(&hops, &arena, BYTES("[]")), E_FORMAT);
}

/* ---- watching ---- */

static const char *saved(struct watch *w)
{
	struct pollfd event = {.fd = watch_fd(w), .events = POLLIN};

	t_check(poll(&event, 1, 20000) == 1);
	return watch_next(w);
}

TEST(a_file_is_noticed_when_it_or_what_it_requires_is_saved_in_any_way)
{
	const char *path, *written;
	struct watch *w;

	new_root();
	file("lib/dep.lua", "return 1");
	path = file("main.lua", "return require 'lib.dep'");
	t_ok(watch_open(&w, NULL));
	t_err(watch_add(w, "/nowhere/x.lua", NULL), E_NOT_FOUND);
	t_ok(watch_add(w, path, NULL));
	t_check(watch_next(w) == NULL);
	file("main.lua", "return 2");
	t_str(saved(w), path);
	t_check(watch_next(w) == NULL);
	written = file("other.lua", "return 3");
	t_check(rename(written, path) == 0);
	t_str(saved(w), path);
	while (watch_next(w))
		;
	file("lib/dep.lua", "return 4");
	file("main.lua", "return require 'lib.dep'");
	t_ok(bundle_make(&bundle, &arena, path, NULL));
	watch_bundle(w, path, &bundle);
	while (watch_next(w))
		;
	file("lib/dep.lua", "return 5");
	t_str(saved(w), path);
	watch_close(w);
}

TEST_MAIN
