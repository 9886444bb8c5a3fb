/* SPDX-License-Identifier: MIT */
#include "cli/console/console.h"
#include "cli/console/feed.h"
#include "cli/print.h"
#include "cli/upgrade.h"

#include <stdio.h>

int console_upgrade(struct console *c, const char *module)
{
	struct upgrade u;
	struct turn t;
	int exit_code;
	enum err e;

	turn_begin(&t, c);
	feed_hold(c->feed);
	e = upgrade(&t.net, c->process, module[0] ? module : NULL, &u);
	if (u.message.s[0])
		c->message = u.message;
	if (e == OK && json_truthy(json_get(u.result, "Error")))
		feed_own_error(c->feed, json_whole(json_get(u.result, "Error")));
	feed_release(c->feed);
	if (e < 0 && e != E_UNSUPPORTED && u.message.s[0])
		note_hint(&t.call.note, "weft result %s %s asks again", c->id.s, u.message.s);
	if (e < 0)
		return turn_fail(&t, e);
	exit_code = print_result(&t.call, u.result, u.raw);
	if (exit_code == 0) {
		console_prompt(c, json_get_text(&t.call.arena, json_get(u.result, "Output"), "prompt"));
		if (c->terminal)
			print_in(COLOR_DIM, "from now on on the module %s\n", u.module);
	}
	turn_end(&t);
	return exit_code;
}
