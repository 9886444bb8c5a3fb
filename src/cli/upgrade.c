/* SPDX-License-Identifier: MIT */
#include "cli/upgrade.h"

#include "cli/commands.h"
#include "cli/message.h"
#include "cli/module.h"
#include "cli/print.h"

#include <stdio.h>

/* ---- before it is sent ---- */

/* A wrong id would hold the process up: it is waited for (migration.md). */
static enum err check_module(struct net *net, const char *module)
{
	struct call *c = net->call;
	const struct json *tags;
	struct bytes type;
	struct id id;
	enum err e = check_id(c, "module", module, &id);

	if (e == OK)
		e = item_tags(net, module, &tags);
	if (e < 0)
		return e;
	if (!tags) {
		note_err(&c->note, E_NOT_FOUND, "the weave at %s has no module %s", net->url[UNIT_GATEWAY], module);
		note_hint(&c->note, "publish it first: weft module publish FILE --format FORMAT");
		return E_NOT_FOUND;
	}
	type = item_tag(&c->arena, tags, "Type");
	if (bytes_eq_str(type, "Module"))
		return OK;
	return note_err(&c->note, E_FORMAT, "%s is not a module: its Type tag is \"%.*s\"", module, BYTES_FMT(type));
}

/* ---- and after ---- */

static enum err not_migrated(struct call *c, const char *process)
{
	note_err(&c->note, E_UNSUPPORTED, "nothing has changed: the process %s took the message like any other",
		 process);
	note_hint(&c->note,
		  "only its owner may (weft wallet address), of a module that can give its state away, as weft's "
		  "aos can, on a compute unit of weft");
	return E_UNSUPPORTED;
}

enum err upgrade(struct net *net, struct id process, const char *module, struct upgrade *out)
{
	struct tag_list tags = tag_list_on(&net->call->arena);
	struct id_text text = id_text(process);
	struct id message;
	enum err e = OK;

	*out = (struct upgrade){.module = module};
	if (!module)
		e = module_default(net, &out->module);
	if (e == OK)
		e = check_module(net, out->module);
	if (e < 0)
		return e;
	tag_list_add_str(&tags, "Action", "Migrate.Module");
	tag_list_add_str(&tags, "Module", out->module);
	ao_tags(&tags, "Message");
	e = message_post(net, &message, bytes_of(process.b, sizeof(process.b)), tag_list_tags(&tags), BYTES(" "));
	if (e < 0)
		return e;
	out->message = id_text(message);
	e = message_result(net, text.s, out->message.s, &out->result, &out->raw);
	if (e == OK && !json_truthy(json_get(out->result, "Error")) && !json_get(out->result, "Module"))
		e = not_migrated(net->call, text.s);
	return e;
}

/* ---- the command ---- */

int command_upgrade(struct call *c)
{
	struct upgrade u = {0};
	struct id process;
	struct net net;
	enum err e = net_open(&net, c);
	int code;

	if (e == OK)
		e = check_id(c, "process", c->arguments[0], &process);
	if (e == OK)
		e = upgrade(&net, process, c->argument_count > 1 ? c->arguments[1] : NULL, &u);
	if (e < 0 && e != E_UNSUPPORTED && u.message.s[0] && !c->note.hint[0])
		note_hint(&c->note, "weft result %s %s asks again", c->arguments[0], u.message.s);
	code = e < 0 ? call_fail(c, e) : print_result(c, u.result, u.raw);
	if (code == 0 && !call_has(c, "json"))
		printf("from now on %s runs on the module %s\n", c->arguments[0], u.module);
	net_close(&net);
	return code;
}
