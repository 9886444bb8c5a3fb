/* SPDX-License-Identifier: MIT */
#include "cli/module.h"

#include "cli/identity.h"

#include <stdlib.h>

/* Asks GraphQL; `field` of the answer's data is in *out. */
static enum err ask_weave(struct net *net, const struct json **out, const char *field, struct bytes question)
{
	const struct json *answer;
	enum err e = net_ask(net, &answer, UNIT_GATEWAY, "POST", "/graphql", "application/json", question);

	if (e < 0)
		return e;
	*out = json_get(json_get(answer, "data"), field);
	if (!*out)
		return note_err(&net->call->note, E_PEER, "the weave at %s did not answer: %.*s",
				net->url[UNIT_GATEWAY], BYTES_FMT(json_whole(json_get(answer, "errors"))));
	return OK;
}

/* ---- the default ---- */

static const char newest_aos[] =
	"{\"query\":\"query ($owners: [String!]!) { transactions(first: 1, sort: HEIGHT_DESC, owners: $owners, tags: "
	"[{ name: \\\"Type\\\", values: [\\\"Module\\\"] }, { name: \\\"Name\\\", values: [\\\"aos\\\"] }]) "
	"{ edges { node { id } } } }\",\"variables\":{\"owners\":[\"%.*s\",\"%s\"]}}";

enum err module_default(struct net *net, const char **module)
{
	struct call *c = net->call;
	const struct json *found;
	struct id_text wallet;
	struct key *key = NULL;
	struct bytes node, id;
	enum err e;

	*module = getenv("WEFT_MODULE");
	if (*module && (*module)[0])
		return OK;
	if ((e = net_scheduler_address(net, &node)) < 0 || (e = identity_open(&key, c)) < 0)
		return e;
	wallet = id_text(key_address(key));
	identity_close(key);
	e = ask_weave(net, &found, "transactions", arena_printf(&c->arena, newest_aos, BYTES_FMT(node), wallet.s));
	if (e < 0)
		return e;
	id = json_get_text(&c->arena, json_get(json_at(json_get(found, "edges"), 0), "node"), "id");
	if (id.len == 0) {
		note_err(&c->note, E_NOT_FOUND, "there is no module named aos on this network: which one is meant?");
		note_hint(&c->note,
			  "name one by its id, or publish one: weft module publish aos.wasm --tag Name=aos --format "
			  "wasm32-unknown-emscripten4");
		return E_NOT_FOUND;
	}
	*module = arena_cstr(&c->arena, id);
	return OK;
}

/* ---- tags ---- */

static const char tags_query[] = "{\"query\":\"query ($id: ID!) { transaction(id: $id) { tags { name value } } }\","
				 "\"variables\":{\"id\":\"%s\"}}";

enum err item_tags(struct net *net, const char *id, const struct json **tags)
{
	const struct json *item;
	enum err e = ask_weave(net, &item, "transaction", arena_printf(&net->call->arena, tags_query, id));

	if (e == OK)
		*tags = json_get(item, "tags");
	return e;
}

struct bytes item_tag(struct arena *a, const struct json *tags, const char *name)
{
	for (size_t i = 0; json_at(tags, i); i++)
		if (bytes_eq_str(json_get_text(a, json_at(tags, i), "name"), name))
			return json_get_text(a, json_at(tags, i), "value");
	return bytes_of(NULL, 0);
}
