/* SPDX-License-Identifier: MIT */
#include "cli/upgrade.h"

#include "cli/commands.h"
#include "cli/message.h"
#include "cli/print.h"

#include <stdio.h>

static const char newest_aos[] = "{\"query\":\"query ($owner: String!) { transactions(first: 1, sort: HEIGHT_DESC, "
				 "owners: [$owner], tags: [{ name: "
				 "\\\"Type\\\", values: [\\\"Module\\\"] }, { name: \\\"Name\\\", values: "
				 "[\\\"aos\\\"] }]) { edges { node { id } } } "
				 "}\",\"variables\":{\"owner\":\"%.*s\"}}";

enum err module_default(struct net *net, const char **module)
{
	struct call *c = net->call;
	const struct json *answer;
	struct bytes owner, id;
	enum err e = net_scheduler_address(net, &owner);

	if (e == OK)
		e = net_ask(net, &answer, UNIT_GATEWAY, "POST", "/graphql", "application/json",
			    arena_printf(&c->arena, newest_aos, BYTES_FMT(owner)));
	if (e < 0)
		return e;
	answer = json_get(json_get(json_get(answer, "data"), "transactions"), "edges");
	id = json_get_text(&c->arena, json_get(json_at(answer, 0), "node"), "id");
	if (id.len == 0) {
		note_err(&c->note, E_ARGUMENT, "this network's node has published no module: which one is meant?");
		note_hint(&c->note, "name a MODULE; weft module publish FILE puts one on the weave");
		return E_ARGUMENT;
	}
	*module = arena_cstr(&c->arena, id);
	return OK;
}

/* ---- before it is sent ---- */

static const char tags_query[] = "{\"query\":\"query ($id: ID!) { transaction(id: $id) { tags { name value } } }\","
				 "\"variables\":{\"id\":\"%s\"}}";

static struct bytes tag_of(struct arena *a, const struct json *tags, const char *name)
{
	for (size_t i = 0; json_at(tags, i); i++)
		if (bytes_eq_str(json_get_text(a, json_at(tags, i), "name"), name))
			return json_get_text(a, json_at(tags, i), "value");
	return bytes_of(NULL, 0);
}

/* A wrong id would hold the process up: it is waited for (migration.md). */
static enum err check_module(struct net *net, const char *module)
{
	struct call *c = net->call;
	const struct json *answer;
	struct id id;
	enum err e = check_id(c, "module", module, &id);

	if (e == OK)
		e = net_ask(net, &answer, UNIT_GATEWAY, "POST", "/graphql", "application/json",
			    arena_printf(&c->arena, tags_query, module));
	if (e < 0)
		return e;
	answer = json_get(json_get(answer, "data"), "transaction");
	if (!json_truthy(answer)) {
		note_err(&c->note, E_NOT_FOUND, "the weave at %s has no module %s", net->url[UNIT_GATEWAY], module);
		note_hint(&c->note, "publish it first: weft module publish FILE --format FORMAT");
		return E_NOT_FOUND;
	}
	if (bytes_eq_str(tag_of(&c->arena, json_get(answer, "tags"), "Type"), "Module"))
		return OK;
	return note_err(&c->note, E_FORMAT, "%s is not a module: its Type tag is \"%.*s\"", module,
			BYTES_FMT(tag_of(&c->arena, json_get(answer, "tags"), "Type")));
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
