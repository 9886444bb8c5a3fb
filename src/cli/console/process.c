/* SPDX-License-Identifier: MIT
 *
 * process: which process a name means, or a new one of that name.
 *
 * The weave is asked for the wallet's processes with that Name, but it may not have heard yet of one that was
 * spawned a moment ago: ids that were spawned here are kept in a file of lines "ID OWNER NAME", and count when this
 * network's scheduler knows them. When the weave cannot be asked nothing is spawned.
 */
#include "cli/console/console.h"

#include "cli/commands.h"
#include "cli/identity.h"
#include "cli/message.h"
#include "cli/module.h"
#include "cli/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FOUND_MAX = 20, NAMES_MAX = 1 << 20 };

struct found {
	size_t count;
	struct bytes ids[FOUND_MAX];
	struct bytes times[FOUND_MAX]; /* of its block, in seconds as text; empty: not in one yet */
};

static void add_found(struct found *f, struct bytes id, struct bytes time)
{
	struct id parsed;

	if (id_parse(&parsed, id) < 0 || f->count == FOUND_MAX)
		return;
	for (size_t i = 0; i < f->count; i++)
		if (bytes_eq(f->ids[i], id))
			return;
	f->ids[f->count] = id;
	f->times[f->count++] = time;
}

/* ---- the weave ---- */

static const char by_name[] =
	"query ($owner: String!, $name: String!) { transactions(first: 20, sort: HEIGHT_DESC, owners: [$owner], "
	"tags: [{ name: \"Data-Protocol\", values: [\"ao\"] }, { name: \"Type\", values: [\"Process\"] }, "
	"{ name: \"Name\", values: [$name] }]) { edges { node { id block { timestamp } } } } }";

/* The processes of that name, newest first. */
static enum err ask_weave(struct turn *t, struct found *found, struct bytes name, struct bytes owner)
{
	struct buf body = BUF_EMPTY;
	struct jw w = jw_on(&body);
	const struct json *answer, *edges;
	enum err e;

	jw_object(&w);
	jw_member(&w, "query", bytes_str(by_name));
	jw_key(&w, "variables");
	jw_object(&w);
	jw_member(&w, "owner", owner);
	jw_member(&w, "name", name);
	jw_object_end(&w);
	jw_object_end(&w);
	e = net_ask(&t->net, &answer, UNIT_GATEWAY, "POST", "/graphql", "application/json", buf_bytes(&body));
	buf_release(&body);
	if (e < 0)
		return e;
	edges = json_get(json_get(json_get(answer, "data"), "transactions"), "edges");
	if (!edges || edges->kind != JSON_ARRAY)
		return note_err(&t->call.note, E_PEER, "the weave at %s did not answer the question for the name: %.*s",
				t->net.url[UNIT_GATEWAY], BYTES_FMT(json_whole(json_get(answer, "errors"))));
	for (const struct json *edge = edges->first; edge; edge = edge->next) {
		const struct json *node = json_get(edge, "node");
		add_found(found, json_get_text(&t->call.arena, node, "id"),
			  json_whole(json_get(json_get(node, "block"), "timestamp")));
	}
	return OK;
}

/* ---- what was spawned here ---- */

static const char *names_path(struct turn *t)
{
	return (const char *)arena_printf(&t->call.arena, "%s/names", t->console->directory).ptr;
}

static void ask_names(struct turn *t, struct found *found, struct bytes name, struct bytes owner)
{
	struct bytes text, line;
	const char *path = names_path(t);

	if (access(path, R_OK) != 0 || read_file(&t->call, path, NAMES_MAX, &text) < 0) {
		note_reset(&t->call.note);
		return;
	}
	while (text.len) {
		struct bytes rest, id, by, answer;
		line = bytes_cut(text, '\n', &text);
		id = bytes_cut(line, ' ', &rest);
		by = bytes_cut(rest, ' ', &rest);
		if (!bytes_eq(by, owner) || !bytes_eq(rest, name) || id.len != ID_TEXT_LEN)
			continue;
		if (net_ask_raw(&t->net, &answer, UNIT_SU, "GET",
				(const char *)arena_printf(&t->call.arena, "/processes/%.*s", BYTES_FMT(id)).ptr, NULL,
				bytes_of(NULL, 0)) == OK)
			add_found(found, id, bytes_of(NULL, 0));
		note_reset(&t->call.note); /* another network's */
	}
}

static void keep_name(struct turn *t, struct id process, struct bytes name, struct bytes owner)
{
	FILE *file = memchr(name.ptr, '\n', name.len) ? NULL : fopen(names_path(t), "a");

	if (!file)
		return;
	fprintf(file, "%s %.*s %.*s\n", id_text(process).s, BYTES_FMT(owner), BYTES_FMT(name));
	fclose(file);
}

/* ---- which one ---- */

static void print_choice(size_t number, struct bytes id, struct bytes block_time)
{
	char date[32] = "not in a block yet";
	struct tm local;
	uint64_t n;

	if (bytes_u64(block_time, &n) && localtime_r(&(time_t){(time_t)n}, &local))
		(void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &local);
	printf("  %zu  %.*s  %s\n", number, BYTES_FMT(id), date);
}

static enum err choose(struct turn *t, const struct found *found, const char *name, size_t *chosen)
{
	char line[32];
	uint64_t number;

	*chosen = 0;
	if (found->count == 1)
		return OK;
	if (!t->console->terminal) {
		note_err(&t->call.note, E_ARGUMENT, "you have %zu processes named '%s'", found->count, name);
		note_hint(&t->call.note, "say which one by its id; the newest is %.*s", BYTES_FMT(found->ids[0]));
		return E_ARGUMENT;
	}
	printf("You have %zu processes named '%s':\n", found->count, name);
	for (size_t i = 0; i < found->count; i++)
		print_choice(i + 1, found->ids[i], found->times[i]);
	for (;;) {
		printf("Which one (1-%zu, Enter for the first)? ", found->count);
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return note_err(&t->call.note, E_ARGUMENT, "no process was chosen");
		if (line[0] == '\n')
			return OK;
		line[strcspn(line, "\n")] = 0;
		if (bytes_u64(bytes_str(line), &number) && number >= 1 && number <= found->count) {
			*chosen = (size_t)number - 1;
			return OK;
		}
	}
}

/* ---- a new one ---- */

static enum err spawn(struct turn *t, const char *name, struct bytes owner)
{
	struct console *c = t->console;
	struct tag_list tags = tag_list_on(&t->call.arena);
	const char *module = call_option(&t->call, "module");
	const struct json *result;
	struct bytes raw;
	enum err e;

	tag_list_add_str(&tags, "App-Name", "aos");
	tag_list_add_str(&tags, "Name", name);
	if ((e = add_tag_options(&t->call, &tags)) < 0 || (!module && (e = module_default(&t->net, &module)) < 0))
		return e;
	if (c->terminal)
		print_in(COLOR_DIM, "no process of yours is named '%s': spawning one\n", name);
	e = process_spawn(&t->net, module, &tags, BYTES(" "), &c->process, &result, &raw);
	if (e < 0)
		return e;
	keep_name(t, c->process, bytes_str(name), owner);
	if (json_truthy(json_get(result, "Error")))
		return note_err(&t->call.note, E_ARGUMENT, "the process %s exists, but its first message failed: %.*s",
				id_text(c->process).s, BYTES_FMT(json_whole(json_get(result, "Error"))));
	if (!c->terminal && !call_has(&t->call, "json"))
		fprintf(stderr, "spawned %s\n", id_text(c->process).s);
	return OK;
}

static enum err owner_address(struct turn *t, struct bytes *owner)
{
	struct key *key = NULL;
	enum err e = identity_open(&key, &t->call);

	if (e < 0)
		return e;
	*owner = arena_copy(&t->call.arena, bytes_str(id_text(key_address(key)).s));
	identity_close(key);
	return OK;
}

static enum err find(struct turn *t, const char *name)
{
	struct found *found = arena_new(&t->call.arena, struct found);
	struct console *c = t->console;
	struct bytes owner;
	size_t chosen;
	enum err e;

	if ((e = owner_address(t, &owner)) < 0 || (e = ask_weave(t, found, bytes_str(name), owner)) < 0)
		return e;
	ask_names(t, found, bytes_str(name), owner);
	if (found->count == 0)
		return spawn(t, name, owner);
	if ((e = choose(t, found, name, &chosen)) < 0)
		return e;
	return id_parse(&c->process, found->ids[chosen]);
}

enum err process_find(struct console *c, const char *name)
{
	struct turn t;
	enum err e = id_parse(&c->process, bytes_str(name));

	if (e < 0) {
		turn_begin(&t, c);
		e = find(&t, name);
		if (e < 0)
			turn_fail(&t, e);
		else
			turn_end(&t);
	}
	c->id = id_text(c->process);
	return e;
}
