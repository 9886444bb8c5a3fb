/* SPDX-License-Identifier: MIT
 *
 * info: what is there. Without an id each unit is asked who it is, and one that
 * does not answer is named; with an id, the weave is asked what it is, and for a process that is
 * not there yet its scheduler.
 */
#include "cli/commands.h"
#include "cli/net.h"
#include "cli/print.h"

#include <stdio.h>

static const struct {
	const char *name, *path;
} faces[UNIT_COUNT] = {{"weave", "/info"}, {"uploader", "/info"}, {"mu", "/"}, {"su", "/"}, {"cu", "/"}};

/* What a unit said of itself, text or number. */
static void print_said(struct arena *a, const char *before, const struct json *value)
{
	if (!value)
		return;
	printf("%s", before);
	print_foreign_line(value->kind == JSON_STRING ? json_text(a, value) : json_whole(value));
}

static int info_network(struct net *net)
{
	struct call *c = net->call;
	struct buf out = BUF_EMPTY;
	struct jw w = jw_on(&out);
	int down = 0;

	jw_object(&w);
	for (int unit = 0; unit < UNIT_COUNT; unit++) {
		const struct json *said = NULL;
		struct bytes text = {0};
		bool up = net_ask_raw(net, &text, (enum unit)unit, "GET", faces[unit].path, NULL, bytes_of(NULL, 0)) ==
			  OK;

		if (up && json_parse(&said, &c->arena, text, NULL) < 0)
			said = NULL;
		note_reset(&c->note);
		down += !up;
		jw_key(&w, faces[unit].name);
		jw_object(&w);
		jw_member(&w, "url", bytes_str(net->url[unit]));
		jw_key(&w, "up");
		jw_bool(&w, up);
		if (said) {
			jw_key(&w, "says");
			jw_raw(&w, json_whole(said));
		}
		jw_object_end(&w);
		if (call_has(c, "json"))
			continue;
		printf("%-9s %-28s ", faces[unit].name, net->url[unit]);
		print_in(up ? COLOR_GREEN : COLOR_RED, up ? "up" : "no answer");
		if (json_get(said, "address"))
			print_said(&c->arena, "  ", json_get(said, "address"));
		print_said(&c->arena, "  height ", json_get(said, "height"));
		putchar('\n');
	}
	jw_object_end(&w);
	if (call_has(c, "json"))
		print_json(buf_bytes(&out));
	buf_release(&out);
	if (down == 0)
		return 0;
	note_err(&c->note, E_PEER, "%d of %d units do not answer", down, UNIT_COUNT);
	note_hint(&c->note, "start a network with: weft up");
	return call_fail(c, E_PEER);
}

static void print_tags(struct call *c, const struct json *tags)
{
	for (const struct json *tag = tags && tags->kind == JSON_ARRAY ? tags->first : NULL; tag; tag = tag->next) {
		printf("  ");
		print_foreign_line(json_get_text(&c->arena, tag, "name"));
		print_in(COLOR_DIM, ": ");
		print_foreign_line(json_get_text(&c->arena, tag, "value"));
		putchar('\n');
	}
}

static const char transaction_query[] =
	"{\"query\":\"query ($id: ID!) { transaction(id: $id) { id recipient owner { address } data { size type } "
	"block { height timestamp } tags { name value } } }\",\"variables\":{\"id\":\"%s\"}}";

static void print_transaction(struct call *c, const struct json *found)
{
	const struct json *block = json_get(found, "block");

	print_said(&c->arena, "id      ", json_get(found, "id"));
	print_said(&c->arena, "\nowner   ", json_get(json_get(found, "owner"), "address"));
	if (json_get_text(&c->arena, found, "recipient").len)
		print_said(&c->arena, "\ntarget  ", json_get(found, "recipient"));
	print_said(&c->arena, "\nsize    ", json_get(json_get(found, "data"), "size"));
	if (json_truthy(block))
		print_said(&c->arena, "\nblock   ", json_get(block, "height"));
	else
		printf("\nblock   none yet");
	printf("\ntags\n");
	print_tags(c, json_get(found, "tags"));
}

static void print_process(struct call *c, const struct json *process)
{
	print_said(&c->arena, "id      ", json_get(process, "process_id"));
	print_said(&c->arena, "\nowner   ", json_get(json_get(process, "owner"), "address"));
	print_said(&c->arena, "\nblock   none yet; scheduled at ", json_get(process, "block"));
	printf("\ntags\n");
	print_tags(c, json_get(process, "tags"));
}

/* The weave knows what was uploaded; what is only scheduled the SU knows. */
static enum err ask_about(struct net *net, struct id id, const struct json **transaction, const struct json **process)
{
	struct call *c = net->call;
	struct id_text text = id_text(id);
	struct bytes body = arena_printf(&c->arena, transaction_query, text.s);
	const struct json *answer;
	enum err e = net_ask(net, &answer, UNIT_GATEWAY, "POST", "/graphql", "application/json", body);

	if (e < 0)
		return e;
	*transaction = json_get(json_get(answer, "data"), "transaction");
	if (json_truthy(*transaction))
		return OK;
	e = net_ask(net, process, UNIT_SU, "GET", (const char *)arena_printf(&c->arena, "/processes/%s", text.s).ptr,
		    NULL, bytes_of(NULL, 0));
	if (e == OK)
		return OK;
	note_reset(&c->note);
	return note_err(&c->note, E_NOT_FOUND, "neither the weave at %s nor the scheduler knows %s",
			net->url[UNIT_GATEWAY], text.s);
}

static int info_id(struct net *net)
{
	struct call *c = net->call;
	const struct json *transaction = NULL, *process = NULL;
	struct id id;
	enum err e = check_id(c, "process, message or module", c->arguments[0], &id);

	if (e == OK)
		e = ask_about(net, id, &transaction, &process);
	if (e < 0)
		return call_fail(c, e);
	if (call_has(c, "json"))
		print_json(json_whole(process ? process : transaction));
	else if (process)
		print_process(c, process);
	else
		print_transaction(c, transaction);
	return 0;
}

int command_info(struct call *c)
{
	struct net net;
	enum err e = net_open(&net, c);
	int code = e < 0 ? call_fail(c, e) : c->argument_count ? info_id(&net) : info_network(&net);

	net_close(&net);
	return code;
}
