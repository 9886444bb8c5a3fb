/* SPDX-License-Identifier: MIT
 *
 * console: `weft console`: the session from its first to its last line.
 */
#include "cli/console/console.h"

#include "cli/commands.h"
#include "cli/console/commands.h"
#include "cli/console/complete.h"
#include "cli/console/feed.h"
#include "cli/console/line.h"
#include "cli/console/lua.h"
#include "cli/console/watch.h"
#include "cli/identity.h"
#include "cli/print.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRIPT_MAX = 16 << 20, EVENT_FEED = 0, EVENT_WATCH = 1 };

/* ---- what happens between two keys ---- */

static void show_prompt(struct console *c)
{
	struct buf prompt = BUF_EMPTY;

	if (c->dry)
		buf_put_str(&prompt, c->colours ? "\033[31m*\033[0m " : "* ");
	buf_put_bytes(&prompt, buf_bytes(&c->prompt));
	if (c->line)
		line_prompt(c->line, buf_bytes(&prompt));
	buf_release(&prompt);
}

static void show_feed(struct console *c)
{
	struct buf text = BUF_EMPTY, prompt = BUF_EMPTY;
	bool is_error;

	while (feed_take(c->feed, &text, &prompt, &is_error)) {
		console_prompt(c, buf_bytes(&prompt));
		if (is_error) {
			explain_error(buf_bytes(&text), bytes_of(NULL, 0), NULL);
			continue;
		}
		print_foreign(buf_bytes(&text));
		putchar('\n');
	}
	show_prompt(c);
	buf_release(&text);
	buf_release(&prompt);
}

static void reload(struct console *c)
{
	const char *path;

	while ((path = watch_next(c->watch)) != NULL) {
		if (c->terminal)
			print_in(COLOR_DIM, "%s was saved: loading it\n", path);
		fflush(stdout);
		c->reloading = true;
		console_load(c, path);
		c->reloading = false;
		fflush(stdout);
	}
	show_prompt(c);
}

static void ready(void *ctx, int event)
{
	struct console *c = ctx;

	if (event == EVENT_FEED)
		show_feed(c);
	else
		reload(c);
}

/* A command is one line, unless code follows it that is not all there. */
static bool more(void *ctx, struct bytes text)
{
	struct bytes argument;

	if (text.len && text.ptr[0] == '.')
		return dot_parse(text, &argument) && bytes_starts(text, ".dry") && lua_incomplete(argument);
	return lua_incomplete(text);
}

static void complete_line(void *ctx, struct completion *out, struct arena *a, struct bytes before_cursor)
{
	const struct console *c = ctx;

	complete(out, a, before_cursor, c->blueprints);
}

/* ---- at a terminal ---- */

static void one_line(struct console *c, const char *text)
{
	bool blank = text[strspn(text, " \t\n")] == 0;

	if (blank)
		return;
	line_remember(c->line, text);
	if (text[0] == '.')
		dot_run(c, bytes_str(text));
	else
		console_eval(c, bytes_str(text), NULL);
}

static void greet(const struct console *c)
{
	print_in(COLOR_DIM, "process %s, you are %.*s\n", c->id.s, BYTES_FMT(c->me));
	print_in(COLOR_DIM, ".help says what there is, Ctrl-D leaves\n");
}

static int session(struct console *c)
{
	struct line_owner owner = {
		.ctx = c, .more = more, .complete = complete_line, .ready = ready, .events = {-1, -1}};
	const char *history = (const char *)arena_printf(&c->call->arena, "%s/%s.history", c->directory, c->id.s).ptr;
	struct buf text = BUF_EMPTY;

	greet(c);
	c->feed = feed_start(c);
	owner.events[EVENT_FEED] = feed_fd(c->feed);
	owner.events[EVENT_WATCH] = watch_fd(c->watch);
	c->line = line_open(&owner, history);
	while (!c->done) {
		show_feed(c);
		switch (line_read(c->line, &text, c->colours)) {
		case LINE_TEXT:
			one_line(c, buf_str(&text));
			break;
		case LINE_INTERRUPTED:
			break;
		case LINE_END:
			putchar('\n');
			c->done = true;
			break;
		}
	}
	line_close(c->line);
	feed_stop(c->feed);
	buf_release(&text);
	return 0;
}

/* ---- without a terminal ---- */

static int run_chunk(struct console *c, struct buf *chunk, int before)
{
	const char *text = buf_str(chunk);
	int code = text[strspn(text, " \t\r\n")] ? console_eval(c, buf_bytes(chunk), NULL) : 0;

	buf_clear(chunk);
	fflush(stdout);
	return code ? code : before;
}

/* Standard input: commands where a line is one and nothing is open, the Lua between them as one chunk each. */
static int run_script(struct console *c)
{
	struct buf chunk = BUF_EMPTY;
	struct bytes text, line;
	int code = 0;
	enum err e = read_file(c->call, "-", SCRIPT_MAX, &text);

	if (e < 0)
		return call_fail(c->call, e);
	while (text.len && !c->done) {
		line = bytes_cut(text, '\n', &text);
		if (dot_is(line) && !lua_incomplete(buf_bytes(&chunk))) {
			code = run_chunk(c, &chunk, code);
			int failed = dot_run(c, line);
			code = failed ? failed : code;
			fflush(stdout);
			continue;
		}
		buf_put_bytes(&chunk, line);
		if (text.len)
			buf_put_u8(&chunk, '\n');
	}
	code = run_chunk(c, &chunk, code);
	buf_release(&chunk);
	return code;
}

/* Until it is ended from outside, as programs without a terminal are. */
static int watch_only(struct console *c)
{
	struct pollfd saved = {.fd = watch_fd(c->watch), .events = POLLIN};

	while (poll(&saved, 1, -1) > 0)
		reload(c);
	return 0;
}

/* ---- opening ---- */

static enum err watch_options(struct console *c)
{
	const char *path;
	size_t at = 0;
	enum err e = OK;

	if (!call_has(c->call, "watch"))
		return OK;
	e = watch_open(&c->watch, &c->call->note);
	while (e == OK && (path = call_next(c->call, "watch", &at)) != NULL)
		e = watch_add(c->watch, path, &c->call->note);
	return e;
}

static int load_options(struct console *c)
{
	static const char *const names[] = {"load", "watch"};
	int code = 0;

	for (size_t i = 0; i < 2; i++) {
		const char *path;
		size_t at = 0;
		while ((path = call_next(c->call, names[i], &at)) != NULL) {
			int failed = console_load(c, path);
			code = failed ? failed : code;
		}
	}
	fflush(stdout);
	return code;
}

static int run(struct console *c)
{
	const char *code = call_option(c->call, "run");
	enum err e = c->terminal ? console_connect(c) : OK;
	int failed, loaded;

	if (e < 0)
		return err_exit_code(e);
	loaded = load_options(c);
	if (loaded && !c->terminal && !call_has(c->call, "watch")) /* what follows may need it */
		return loaded;
	if (code)
		failed = console_eval(c, bytes_str(code), NULL);
	else if (c->terminal)
		return session(c);
	else if (call_has(c->call, "watch"))
		return watch_only(c);
	else
		failed = run_script(c);
	return failed;
}

static enum err console_open(struct console *c)
{
	struct call *call = c->call;
	const char *home;
	enum err e;

	c->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !call_has(call, "run");
	c->colours = c->terminal && !getenv("NO_COLOR");
	c->dry = call_has(call, "dry-run");
	c->blueprints = blueprints_find(&call->arena);
	if (c->terminal && call_has(call, "json"))
		return note_err(&call->note, E_ARGUMENT, "--json is for --run and for scripts on standard input");
	if ((e = home_directory(&call->arena, &home, &call->note)) < 0)
		return e;
	c->directory = (const char *)arena_printf(&call->arena, "%s/console", home).ptr;
	if ((e = directory_make(c->directory, &call->note)) < 0 || (e = identity_address(call, &c->me)) < 0 ||
	    (e = watch_options(c)) < 0)
		return e;
	return net_open(&c->net, call);
}

int command_console(struct call *call)
{
	struct console c = {.call = call};
	enum err e = console_open(&c);
	int code;

	if (e < 0)
		code = call_fail(call, e);
	else if ((e = process_find(&c, call->argument_count ? call->arguments[0] : "default")) < 0)
		code = err_exit_code(e);
	else
		code = run(&c);
	net_close(&c.net);
	watch_close(c.watch);
	buf_release(&c.prompt);
	return code;
}
