/* SPDX-License-Identifier: MIT */
#include "cli/console/commands.h"

#include "cli/console/console.h"
#include "cli/console/feed.h"
#include "cli/identity.h"
#include "cli/message.h"
#include "cli/print.h"

#include <stdio.h>
#include <string.h>

static int dot_help(struct console *c, const char *argument)
{
	printf("Lua that you type runs in the process. While a block, a bracket or a string is open, Enter begins a "
	       "line;\nCtrl-C drops what was typed, Ctrl-D leaves, Tab completes, Ctrl-R searches the history.\n\n");
	for (const struct dot_command *d = dot_commands; d->name; d++) {
		char left[40];
		snprintf(left, sizeof(left), "%s %s", d->name, d->arguments ? d->arguments : "");
		print_in(COLOR_BLUE, "  %-24s", left);
		printf(" %s\n", d->help);
	}
	return 0;
}

static int dot_load(struct console *c, const char *path)
{
	return console_load(c, path);
}

static int dot_dry(struct console *c, const char *code)
{
	if (code[0])
		return console_eval_dry(c, bytes_str(code), bytes_str(code));
	c->dry = !c->dry;
	printf(c->dry ? "From now on nothing that you run is kept. .dry ends this.\n"
		      : "What you run is kept again.\n");
	return 0;
}

static int dot_live(struct console *c, const char *argument)
{
	feed_pause(c->feed, false);
	printf("Messages are shown as they come.\n");
	return 0;
}

static int dot_pause(struct console *c, const char *argument)
{
	feed_pause(c->feed, true);
	printf("Messages are kept back until .live\n");
	return 0;
}

/* The MU wants a signed item, so that it knows who asks (ao-units 4.11). */
static int monitor(struct console *c, const char *method, const char *done)
{
	struct tag_list tags;
	struct buf item = BUF_EMPTY;
	struct key *key = NULL;
	struct bytes answer;
	struct turn t;
	struct id id;
	enum err e;

	turn_begin(&t, c);
	tags = tag_list_on(&t.call.arena);
	ao_tags(&tags, "Message");
	e = identity_open(&key, &t.call);
	if (e == OK)
		e = identity_sign(&item, &id, key, bytes_of(c->process.b, sizeof(c->process.b)), tag_list_tags(&tags),
				  BYTES(" "), &t.call.note);
	if (e == OK)
		e = net_ask_raw(&t.net, &answer, UNIT_MU, method,
				(const char *)arena_printf(&t.call.arena, "/monitor/%s", c->id.s).ptr, NULL,
				buf_bytes(&item));
	identity_close(key);
	buf_release(&item);
	if (e < 0)
		return turn_fail(&t, e);
	printf("%s\n", done);
	turn_end(&t);
	return 0;
}

static int dot_monitor(struct console *c, const char *argument)
{
	return monitor(c, "POST", "What the process's crons send is pushed from now on.");
}

static int dot_unmonitor(struct console *c, const char *argument)
{
	return monitor(c, "DELETE", "What the process's crons send is no longer pushed.");
}

static int dot_exit(struct console *c, const char *argument)
{
	c->done = true;
	return 0;
}

const struct dot_command dot_commands[] = {
	{".help", NULL, "this", dot_help},
	{".load", "FILE.lua", "run a file, with the files that it requires", dot_load},
	{".load-blueprint", "NAME", "run a blueprint: token, chatroom, voting, ...", console_load_blueprint},
	{".editor", NULL, "type several lines, then .done or .cancel", console_editor},
	{".pad", NULL, "write in $EDITOR, run what was saved", console_pad},
	{".dry", "[CODE]", "evaluate without changing anything; alone: from now on", dot_dry},
	{".dryrun", "[CODE]", "the same", dot_dry},
	{".inspect", "[EXPR]", "look at the state, or at one value of it, without changing it", console_inspect},
	{".trace", "[MESSAGE]", "where a message went, hop by hop; alone: the last one that you sent", console_trace},
	{".upgrade", "[MODULE]", "go on with another module, keeping the state; alone: the network's aos",
	 console_upgrade},
	{".update", "[MODULE]", "the same", console_upgrade},
	{".monitor", NULL, "have what the process's crons send pushed", dot_monitor},
	{".unmonitor", NULL, "end that", dot_unmonitor},
	{".live", NULL, "show messages as they come (they are, at first)", dot_live},
	{".pause", NULL, "keep them back", dot_pause},
	{".exit", NULL, "leave; Ctrl-D does too", dot_exit},
	{NULL, NULL, NULL, NULL},
};

static struct bytes trim(struct bytes b)
{
	while (b.len && strchr(" \t\r\n", b.ptr[0]) && b.ptr[0])
		b = bytes_from(b, 1);
	while (b.len && strchr(" \t\r\n", b.ptr[b.len - 1]) && b.ptr[b.len - 1])
		b.len--;
	return b;
}

static struct bytes first_word(struct bytes line, struct bytes *rest)
{
	size_t n = 0;

	while (n < line.len && !strchr(" \t\n", line.ptr[n]))
		n++;
	*rest = trim(bytes_from(line, n));
	return bytes_of(line.ptr, n);
}

const struct dot_command *dot_parse(struct bytes line, struct bytes *argument)
{
	struct bytes word = first_word(trim(line), argument);

	if (argument->len >= 2 && (argument->ptr[0] == '"' || argument->ptr[0] == '\'') &&
	    argument->ptr[argument->len - 1] == argument->ptr[0] &&
	    (bytes_eq_str(word, ".load") || bytes_eq_str(word, ".load-blueprint")))
		*argument = bytes_of(argument->ptr + 1, argument->len - 2);
	for (const struct dot_command *d = dot_commands; d->name; d++)
		if (bytes_eq_str(word, d->name))
			return d;
	return NULL;
}

bool dot_is(struct bytes line)
{
	struct bytes argument;

	return line.len && line.ptr[0] == '.' && dot_parse(line, &argument) != NULL;
}

int dot_run(struct console *c, struct bytes line)
{
	struct bytes argument, rest, word = first_word(trim(line), &rest);
	const struct dot_command *d = dot_parse(line, &argument);
	struct nearest near = {.word = word};
	struct turn t;
	int exit_code;

	turn_begin(&t, c);
	if (!d) {
		for (const struct dot_command *any = dot_commands; any->name; any++)
			nearest_offer(&near, any->name);
		note_err(&t.call.note, E_ARGUMENT, "the console has no command %.*s", BYTES_FMT(word));
		if (near.best)
			note_hint(&t.call.note, "did you mean %s?", near.best);
		else
			note_hint(&t.call.note, ".help lists them");
		return turn_fail(&t, E_ARGUMENT);
	}
	if ((!d->arguments && argument.len) || (d->arguments && d->arguments[0] != '[' && argument.len == 0)) {
		note_err(&t.call.note, E_ARGUMENT, "%s wants %s", d->name,
			 d->arguments ? d->arguments : "nothing after it");
		return turn_fail(&t, E_ARGUMENT);
	}
	exit_code = d->run(c, arena_cstr(&t.call.arena, argument));
	turn_end(&t);
	return exit_code;
}
