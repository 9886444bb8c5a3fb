/* SPDX-License-Identifier: MIT
 *
 * How a command line is read, what is suggested, and what strangers' text may do to a terminal.
 */
#include "cli/identity.h"
#include "cli/print.h"
#include "test/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct option options[] = {
	{"tag", "NAME=VALUE", "a tag"}, {"follow", NULL, "go on"}, {"limit", "N", "how many"}, {NULL, NULL, NULL}};
static const struct command two = {"talk", "PROCESS CODE", "talk", NULL, options, NULL};
static const struct command none = {"look", NULL, "look", NULL, options, NULL};
static const struct command maybe = {"say", "[ID]", "say", NULL, options, NULL};

static struct call call;

static enum err parse(const struct command *command, const char *const *words)
{
	char *argv[32];
	int argc = 0;

	arena_release(&call.arena);
	call = (struct call){.command = command};
	for (; words[argc]; argc++)
		argv[argc] = (char *)words[argc];
	return call_parse(&call, argc, argv);
}
#define PARSE(command, ...) parse((command), (const char *const[]){__VA_ARGS__, NULL})

TEST(arguments_and_options_stand_in_any_order)
{
	size_t at = 0;

	t_ok(PARSE(&two, "--tag", "A=1", "p", "--follow", "code", "--tag=B=2"));
	t_u64(call.argument_count, 2);
	t_str(call.arguments[0], "p");
	t_str(call.arguments[1], "code");
	t_check(call_has(&call, "follow") && !call_has(&call, "limit"));
	t_str(call_option(&call, "tag"), "B=2");
	t_str(call_next(&call, "tag", &at), "A=1");
	t_str(call_next(&call, "tag", &at), "B=2");
	t_check(call_next(&call, "tag", &at) == NULL);
}

TEST(two_dashes_end_the_options)
{
	t_ok(PARSE(&two, "p", "--", "--follow"));
	t_str(call.arguments[1], "--follow");
	t_check(!call_has(&call, "follow"));
	t_ok(PARSE(&two, "p", "-"));
	t_str(call.arguments[1], "-");
}

TEST(the_number_of_arguments_is_that_of_the_row)
{
	t_err(PARSE(&two, "p"), E_ARGUMENT);
	t_check(strstr(call.note.text, "PROCESS CODE") != NULL);
	t_err(PARSE(&two, "p", "c", "x"), E_ARGUMENT);
	t_err(PARSE(&none, "x"), E_ARGUMENT);
	t_ok(parse(&none, (const char *const[]){NULL}));
	t_ok(parse(&maybe, (const char *const[]){NULL}));
	t_ok(PARSE(&maybe, "x"));
	t_err(PARSE(&maybe, "x", "y"), E_ARGUMENT);
	t_ok(PARSE(&two, "--help"));
	t_ok(PARSE(&two, "-h"));
	t_check(call_has(&call, "help"));
}

TEST(wrong_options_are_named_and_the_right_one_is_suggested)
{
	t_err(PARSE(&none, "--folow"), E_ARGUMENT);
	t_check(strstr(call.note.text, "--folow") != NULL);
	t_str(call.note.hint, "did you mean --follow?");
	t_err(PARSE(&none, "--xyzzy"), E_ARGUMENT);
	t_str(call.note.hint, "weft look --help lists its options");
	t_err(PARSE(&none, "--follow=yes"), E_ARGUMENT);
	t_err(PARSE(&none, "--limit"), E_ARGUMENT);
	t_err(PARSE(&none, "--"), OK);
	t_err(PARSE(&none, "--="), E_ARGUMENT);
}

TEST(too_many_words_are_refused)
{
	const char *words[100];

	for (size_t i = 0; i < 99; i++)
		words[i] = "--follow";
	words[99] = NULL;
	char *argv[100];
	memcpy(argv, words, sizeof(argv));
	call = (struct call){.command = &none};
	t_err(call_parse(&call, 99, argv), E_LIMIT);
	for (size_t i = 0; i < 99; i++)
		argv[i] = (char *)"x";
	call = (struct call){.command = &none};
	t_err(call_parse(&call, 99, argv), E_LIMIT);
}

TEST(numbers_have_bounds)
{
	uint64_t n;

	t_ok(PARSE(&none, "--limit", "7"));
	t_ok(call_number(&call, "limit", 1, 10, 5, &n));
	t_u64(n, 7);
	for (size_t i = 0; i < 6; i++) {
		const char *wrong[] = {"0", "11", "-1", "7x", "", "18446744073709551616"};
		t_ok(PARSE(&none, "--limit", wrong[i]));
		t_err(call_number(&call, "limit", 1, 10, 5, &n), E_ARGUMENT);
	}
	t_ok(parse(&none, (const char *const[]){NULL}));
	t_ok(call_number(&call, "limit", 1, 10, 5, &n));
	t_u64(n, 5);
}

static const char *nearest(const char *word)
{
	static const char *const words[] = {"up", "spawn", "eval", "send", "result", "results", "wallet new", NULL};
	struct nearest n = {.word = bytes_str(word)};

	for (size_t i = 0; words[i]; i++)
		nearest_offer(&n, words[i]);
	return n.best;
}

TEST(the_nearest_word_is_found_and_a_far_one_is_not)
{
	t_str(nearest("spwan"), "spawn");
	t_str(nearest("sned"), "send");
	t_str(nearest("evla"), "eval");
	t_str(nearest("pu"), "up");
	t_str(nearest("rseults"), "results");
	t_str(nearest("reslt"), "result");
	t_str(nearest("walet new"), "wallet new");
	t_check(nearest("frobnicate") == NULL);
	t_check(nearest("") == NULL);
	t_check(nearest("0123456789012345678901234567890123456789") == NULL);
}

static void check_foreign(const char *text, struct foreign how, const char *want)
{
	struct buf out = BUF_EMPTY;

	foreign_text(&out, bytes_str(text), how);
	t_text(buf_bytes(&out), want);
	buf_release(&out);
}

TEST(foreign_text_cannot_steer_the_terminal)
{
	struct foreign plain = {0}, line = {.one_line = true}, coloured = {.keep_colours = true};

	check_foreign("a\tb\nc", plain, "a\tb\nc");
	check_foreign("a\tb\nc", line, "a b c");
	check_foreign("x\033]0;title\007y\rz\b\177", plain, "x]0;titleyz");
	check_foreign("\033[31mred\033[0m", plain, "red");
	check_foreign("\033[31mred\033[0m\033[2J", coloured, "\033[31mred\033[0m[2J");
	/* C1: U+009B is "ESC [" to some terminals, as a character and as a bare byte. */
	check_foreign("a\xc2\x9b"
		      "31mb",
		      plain, "a31mb");
	check_foreign("a\x9b"
		      "31mb",
		      plain,
		      "a\xef\xbf\xbd"
		      "31mb");
	/* Marks that turn the direction of text. */
	check_foreign("a\xe2\x80\xae"
		      "b\xe2\x81\xa6"
		      "c",
		      plain, "abc");
	check_foreign("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x99\x82", plain,
		      "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x99\x82");
	check_foreign("\xe2\x80", plain, "\xef\xbf\xbd");
	check_foreign("", plain, "");
}

TEST(json_keeps_everything_but_as_escapes)
{
	struct buf out = BUF_EMPTY;

	foreign_json(&out, BYTES("{\"a\":\n\"\x7f\xc2\x9b\xe2\x80\xae\xc3\xbc\"}"));
	t_text(buf_bytes(&out), "{\"a\":\n\"\\u007f\\u009b\\u202e\xc3\xbc\"}");
	buf_release(&out);
}

static void check_output(const char *json, const char *want)
{
	struct arena a = ARENA_EMPTY;
	const struct json *result;

	t_ok(json_parse(&result, &a, bytes_str(json), NULL));
	t_text(result_output(&a, result), want);
	arena_release(&a);
}

TEST(the_output_of_a_result_is_found_in_every_shape)
{
	check_output("{\"Output\":{\"data\":\"42\",\"prompt\":\"x\"}}", "42");
	check_output("{\"Output\":{\"data\":{\"output\":\"42\",\"prompt\":\"x\"}}}", "42");
	check_output("{\"Output\":{\"data\":7}}", "7");
	check_output("{\"Output\":\"plain\"}", "plain");
	check_output("{\"Output\":{}}", "");
	check_output("{\"Output\":{\"other\":1}}", "{\"other\":1}");
	check_output("{\"Output\":null}", "");
	check_output("{}", "");
}

TEST(the_default_wallet_is_made_once_and_a_named_one_must_exist)
{
	const char *directory = t_dir();
	struct arena a = ARENA_EMPTY;
	const char *home = (const char *)arena_printf(&a, "%s/deep/home", directory).ptr, *path;
	struct key *key = NULL, *again = NULL;
	struct stat st;
	bool is_default;

	setenv("WEFT_HOME", home, 1);
	unsetenv("WEFT_WALLET");
	call = (struct call){.command = &none};
	t_ok(identity_path(&call, &path, &is_default));
	t_check(is_default);
	t_ok(identity_make(&key, &call, SIGN_ED25519, path));
	t_check(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	t_ok(identity_open(&again, &call));
	t_check(id_eq(key_address(key), key_address(again)));
	identity_close(again);
	again = NULL;
	t_err(identity_make(&again, &call, SIGN_ED25519, path), E_EXISTS);
	identity_close(key);

	note_reset(&call.note);
	setenv("WEFT_WALLET", "/nowhere/key.json", 1);
	t_err(identity_open(&again, &call), E_NOT_FOUND);
	t_check(strstr(call.note.hint, "weft wallet new --out /nowhere/key.json") != NULL);
	arena_release(&call.arena);
	arena_release(&a);
}

TEST(the_same_words_signed_twice_are_two_messages)
{
	struct buf one = BUF_EMPTY, two_items = BUF_EMPTY;
	struct arena a = ARENA_EMPTY;
	struct tags no_tags = {0};
	struct item item;
	struct key *key;
	struct id x, y;

	t_ok(key_new(&key, SIGN_ED25519, NULL));
	t_ok(identity_sign(&one, &x, key, bytes_of(NULL, 0), no_tags, BYTES("hi"), NULL));
	t_ok(identity_sign(&two_items, &y, key, bytes_of(NULL, 0), no_tags, BYTES("hi"), NULL));
	t_check(!id_eq(x, y));
	t_ok(item_parse(&item, &a, buf_bytes(&one), NULL));
	t_ok(item_verify(&item, NULL));
	t_check(bytes_utf8(item.anchor) && item.anchor.len == 32);
	key_free(key);
	buf_release(&one);
	buf_release(&two_items);
	arena_release(&a);
}

TEST_MAIN
