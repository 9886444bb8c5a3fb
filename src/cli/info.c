/* SPDX-License-Identifier: MIT
 *
 * info: what is there. Without an id each unit is asked who it is, and one that
 * does not answer is named; with an id, the scheduler and the weave are asked what it is.
 */
#include "cli/commands.h"
#include "cli/net.h"
#include "cli/print.h"

#include <stdio.h>

static const struct {
	const char *name, *path;
} faces[UNIT_COUNT] = {{"weave", "/info"}, {"uploader", "/info"}, {"mu", "/"}, {"su", "/"}, {"cu", "/"}};

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
			printf("  %.*s", BYTES_FMT(json_get_text(&c->arena, said, "address")));
		if (json_get(said, "height"))
			printf("  height %.*s", BYTES_FMT(json_whole(json_get(said, "height"))));
		putchar('\n');
	}
	jw_object_end(&w);
	if (call_has(c, "json"))
		printf("%s\n", buf_str(&out));
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
		print_foreign(json_get_text(&c->arena, tag, "name"));
		print_in(COLOR_DIM, ": ");
		print_foreign(json_get_text(&c->arena, tag, "value"));
		putchar('\n');
	}
}

static const char transaction_query[] =
	"{\"query\":\"query ($id: ID!) { transaction(id: $id) { id recipient owner { address } data { size type } "
	"block { height timestamp } tags { name value } } }\",\"variables\":{\"id\":\"%s\"}}";

static int info_id(struct net *net)
{
	struct call *c = net->call;
	const char *id = c->arguments[0];
	const struct json *answer, *found;
	struct bytes body;
	struct id parsed;
	enum err e;

	if (id_parse(&parsed, bytes_str(id)) < 0) {
		note_err(&c->note, E_ARGUMENT, "'%s' is not an id: an id is 43 characters of base64url", id);
		return call_fail(c, E_ARGUMENT);
	}
	body = arena_printf(&c->arena, transaction_query, id);
	e = net_ask(net, &answer, UNIT_GATEWAY, "POST", "/graphql", "application/json", body);
	if (e < 0)
		return call_fail(c, e);
	found = json_get(json_get(answer, "data"), "transaction");
	if (!json_truthy(found)) {
		note_err(&c->note, E_NOT_FOUND, "the weave at %s does not know %s", net->url[UNIT_GATEWAY], id);
		return call_fail(c, E_NOT_FOUND);
	}
	if (call_has(c, "json")) {
		printf("%.*s\n", BYTES_FMT(json_whole(found)));
		return 0;
	}
	printf("id      %s\nowner   ", id);
	print_foreign(json_get_text(&c->arena, json_get(found, "owner"), "address"));
	if (json_get_text(&c->arena, found, "recipient").len) {
		printf("\ntarget  ");
		print_foreign(json_get_text(&c->arena, found, "recipient"));
	}
	printf("\nsize    ");
	print_foreign(json_get_text(&c->arena, json_get(found, "data"), "size"));
	printf("\nblock   %.*s\ntags\n", BYTES_FMT(json_whole(json_get(json_get(found, "block"), "height"))));
	print_tags(c, json_get(found, "tags"));
	return 0;
}

int run_info(struct call *c)
{
	struct net net;
	enum err e = net_open(&net, c);
	int code = e < 0 ? call_fail(c, e) : c->argument_count ? info_id(&net) : info_network(&net);

	net_close(&net);
	return code;
}
