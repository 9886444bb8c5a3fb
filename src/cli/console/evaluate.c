/* SPDX-License-Identifier: MIT
 *
 * evaluate: one turn of the session: code goes to the process, its result is shown.
 */
#include "cli/console/console.h"

#include "cli/commands.h"
#include "cli/console/feed.h"
#include "cli/console/line.h"
#include "cli/message.h"
#include "cli/print.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ---- the turn ---- */

static volatile sig_atomic_t stopped;

static void on_interrupt(int signal)
{
	(void)signal;
	stopped = 1;
}

void turn_begin(struct turn *t, struct console *c)
{
	struct sigaction act = {.sa_handler = on_interrupt};

	*t = (struct turn){.console = c, .call = *c->call, .net = c->net};
	t->call.arena = ARENA_EMPTY;
	note_reset(&t->call.note);
	t->net.call = &t->call;
	if (c->terminal) {
		if (c->turns == 0)
			stopped = 0;
		sigaction(SIGINT, &act, NULL);
		t->net.stop = &stopped;
	}
	c->turns++;
}

void turn_end(struct turn *t)
{
	t->console->turns--;
	arena_release(&t->call.arena);
}

int turn_fail(struct turn *t, enum err e)
{
	int code = call_fail(&t->call, e);

	turn_end(t);
	return code;
}

/* ---- the prompt ---- */

void console_prompt(struct console *c, struct bytes prompt)
{
	struct buf clean = BUF_EMPTY;

	foreign_text(&clean, prompt, (struct foreign){.one_line = true, .keep_colours = c->colours});
	if (clean.len) {
		buf_clear(&c->prompt);
		buf_put_bytes(&c->prompt, buf_bytes(&clean));
		if (c->colours)
			buf_put_str(&c->prompt, "\033[0m");
	}
	buf_release(&clean);
}

/* aos 2 has the prompt in Output, older ones in Output.data too. */
static struct bytes result_prompt(struct arena *a, const struct json *result)
{
	const struct json *output = json_get(result, "Output");
	struct bytes prompt = json_get_text(a, json_get(output, "data"), "prompt");

	return prompt.len ? prompt : json_get_text(a, output, "prompt");
}

/* ---- results ---- */

static int show_result(struct turn *t, const struct json *result, struct bytes raw, struct bytes code,
		       const struct bundle *bundle)
{
	struct arena *a = &t->call.arena;
	const struct json *error = json_get(result, "Error");
	struct bytes output = result_output(a, result);

	if (call_has(&t->call, "json"))
		return print_result(&t->call, result, raw);
	console_prompt(t->console, result_prompt(a, result));
	if (json_truthy(error)) {
		explain_error(error->kind == JSON_STRING ? json_text(a, error) : json_whole(error), code, bundle);
		message_explain(&t->net, t->console->id.s, result);
		return EXIT_GUEST_ERROR;
	}
	if (output.len) {
		print_foreign(output);
		putchar('\n');
	}
	print_outbox(&t->call, result);
	return 0;
}

static void eval_tags(struct tag_list *tags)
{
	tag_list_add_str(tags, "Action", "Eval");
	ao_tags(tags, "Message");
}

static enum err dry_run(struct turn *t, struct bytes code, const struct json **result, struct bytes *raw)
{
	struct tag_list tags = tag_list_on(&t->call.arena);

	eval_tags(&tags);
	return message_dry_run(&t->net, t->console->id.s, t->console->me, tag_list_tags(&tags), code, result, raw);
}

/* The message is sent even if nobody waits for its result: it is said how to ask for it. */
static enum err send_eval(struct turn *t, struct bytes code, const struct json **result, struct bytes *raw)
{
	struct console *c = t->console;
	struct tag_list tags = tag_list_on(&t->call.arena);
	struct id message;
	enum err e;

	eval_tags(&tags);
	e = message_post(&t->net, &message, bytes_of(c->process.b, sizeof(c->process.b)), tag_list_tags(&tags), code);
	if (e < 0)
		return e;
	c->message = id_text(message);
	e = message_result(&t->net, c->id.s, c->message.s, result, raw);
	if (e < 0 && c->terminal && stopped)
		note_hint(&t->call.note,
			  "the process is still at it, and what is sent now waits; weft result %s %s asks again",
			  c->id.s, c->message.s);
	return e;
}

int console_eval(struct console *c, struct bytes code, const struct bundle *bundle)
{
	const struct json *result;
	struct bytes raw;
	struct turn t;
	int exit_code;
	enum err e;

	if (c->dry)
		return console_eval_dry(c, code, code);
	turn_begin(&t, c);
	feed_hold(c->feed);
	e = send_eval(&t, code, &result, &raw);
	if (e == OK && json_truthy(json_get(result, "Error")))
		feed_own_error(c->feed, json_whole(json_get(result, "Error")));
	feed_release(c->feed);
	if (e < 0)
		return turn_fail(&t, e);
	exit_code = show_result(&t, result, raw, code, bundle);
	turn_end(&t);
	return exit_code;
}

int console_eval_dry(struct console *c, struct bytes code, struct bytes typed)
{
	const struct json *result;
	struct buf prompt = BUF_EMPTY;
	struct bytes raw;
	struct turn t;
	int exit_code;
	enum err e;

	turn_begin(&t, c);
	e = dry_run(&t, code, &result, &raw);
	if (e < 0)
		return turn_fail(&t, e);
	buf_put_bytes(&prompt, buf_bytes(&c->prompt)); /* what it would be is not what it is */
	exit_code = show_result(&t, result, raw, typed, NULL);
	buf_clear(&c->prompt);
	buf_put_bytes(&c->prompt, buf_bytes(&prompt));
	buf_release(&prompt);
	turn_end(&t);
	return exit_code;
}

enum err console_connect(struct console *c)
{
	const struct json *result;
	struct bytes raw, prompt;
	struct turn t;
	enum err e;

	turn_begin(&t, c);
	e = dry_run(&t, BYTES("return 'weft-' .. 'console'"), &result, &raw);
	if (e < 0) {
		turn_fail(&t, e);
		return e;
	}
	prompt = result_prompt(&t.call.arena, result);
	console_prompt(c, prompt.len ? prompt : arena_printf(&t.call.arena, "%.8s> ", c->id.s));
	if (!bytes_eq_str(result_output(&t.call.arena, result), "weft-console"))
		print_in(COLOR_RED, "this process does not take code from you: you are not its owner, or it is not an "
				    "aos process\n");
	turn_end(&t);
	return OK;
}
