/* SPDX-License-Identifier: MIT */
#include "cli/console/trace.h"

#include "cli/commands.h"
#include "cli/console/console.h"
#include "cli/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SHOWN_OUTPUT = 60 };

/* ---- the MU's answer ---- */

static struct hop read_hop(struct arena *a, const struct json *node)
{
	struct hop hop = {
		.type = json_get_text(a, node, "type"),
		.message = json_get_text(a, node, "messageId"),
		.process = json_get_text(a, node, "processId"),
		.from = json_get_text(a, node, "fromProcessId"),
		.parent = json_get_text(a, node, "parentId"),
		.state = json_get_text(a, node, "state"),
		.error = json_get_text(a, node, "error"),
	};

	(void)json_u64(json_get(node, "timestamp"), &hop.time_ms);
	return hop;
}

static bool same_hop(const struct hop *x, const struct hop *y)
{
	return bytes_eq(x->message, y->message) && bytes_eq(x->process, y->process) && bytes_eq(x->type, y->type);
}

static bool listed(const struct hops *hops, struct bytes message)
{
	for (size_t i = 0; message.len && i < hops->count; i++)
		if (bytes_eq(hops->list[i].message, message))
			return true;
	return false;
}

/* Moves what came of `message`, oldest first, from the unordered to the ordered ones. Each is moved once, so this ends. */
static void take_children(struct hops *out, const struct hops *in, bool *taken, struct bytes message, size_t depth)
{
	for (;;) {
		const struct hop *next = NULL;
		for (size_t i = 0; i < in->count; i++) {
			const struct hop *hop = &in->list[i];
			bool child = depth ? bytes_eq(hop->parent, message) : !listed(in, hop->parent);
			if (!taken[i] && child && (!next || hop->time_ms < next->time_ms))
				next = hop;
		}
		if (!next)
			return;
		taken[next - in->list] = true;
		out->list[out->count] = *next;
		out->list[out->count++].depth = depth;
		if (next->message.len)
			take_children(out, in, taken, next->message, depth + 1);
	}
}

enum err trace_read(struct hops *hops, struct arena *a, struct bytes json)
{
	struct hops *unordered = arena_new(a, struct hops);
	bool taken[TRACE_HOPS_MAX] = {false};
	const struct json *answer, *edges;
	enum err e = json_parse(&answer, a, json, NULL);

	hops->count = 0;
	if (e < 0)
		return e;
	edges = json_get(answer, "edges");
	if (!edges || edges->kind != JSON_ARRAY)
		return E_FORMAT;
	for (const struct json *edge = edges->first; edge && unordered->count < TRACE_HOPS_MAX; edge = edge->next) {
		struct hop hop = read_hop(a, json_get(edge, "node"));
		bool again = false;
		for (size_t i = 0; i < unordered->count; i++)
			again = again || same_hop(&hop, &unordered->list[i]);
		if (!again)
			unordered->list[unordered->count++] = hop;
	}
	take_children(hops, unordered, taken, bytes_of(NULL, 0), 0);
	for (size_t i = 0; i < unordered->count; i++) { /* each other's cause: no beginning is better than another */
		if (taken[i])
			continue;
		hops->list[hops->count] = unordered->list[i];
		hops->list[hops->count++].depth = 0;
	}
	return OK;
}

/* ---- what the others know ---- */

static struct bytes tag_value(struct arena *a, const struct json *tags, const char *name)
{
	for (const struct json *tag = tags && tags->kind == JSON_ARRAY ? tags->first : NULL; tag; tag = tag->next)
		if (bytes_eq_str(json_get_text(a, tag, "name"), name))
			return json_get_text(a, tag, "value");
	return bytes_of(NULL, 0);
}

static void indent(size_t depth)
{
	printf("%*s", (int)(depth < 20 ? 3 * depth : 60), "");
}

static void print_unit(size_t depth, const char *unit)
{
	indent(depth);
	print_in(COLOR_DIM, "   %-3s ", unit);
}

static void print_failed(struct turn *t, enum err e)
{
	print_in(COLOR_RED, "!  ");
	print_foreign_line(bytes_str(note_text(&t->call.note, e)));
	putchar('\n');
	note_reset(&t->call.note);
}

static void print_su(struct turn *t, struct bytes message, struct bytes process, size_t depth, struct bytes *action)
{
	struct bytes height;
	struct arena *a = &t->call.arena;
	const struct json *answer = NULL, *tags;
	enum err e = net_ask(
		&t->net, &answer, UNIT_SU, "GET",
		(const char *)arena_printf(a, "/%.*s?process-id=%.*s", BYTES_FMT(message), BYTES_FMT(process)).ptr,
		NULL, bytes_of(NULL, 0));

	print_unit(depth, "su");
	if (e < 0) {
		print_failed(t, e);
		return;
	}
	tags = json_get(json_get(answer, "assignment"), "tags");
	*action = tag_value(a, json_get(json_get(answer, "message"), "tags"), "Action");
	printf("slot ");
	print_foreign_line(tag_value(a, tags, "Nonce"));
	height = tag_value(a, tags, "Block-Height");
	while (height.len > 1 && height.ptr[0] == '0')
		height = bytes_from(height, 1);
	printf(", block ");
	print_foreign_line(height);
	if (action->len) {
		printf(", Action ");
		print_foreign_line(*action);
	}
	putchar('\n');
}

static size_t count_of(const struct json *result, const char *key)
{
	const struct json *list = json_get(result, key);

	return list && list->kind == JSON_ARRAY ? list->count : 0;
}

static void print_cu(struct turn *t, struct bytes message, struct bytes process, size_t depth)
{
	struct arena *a = &t->call.arena;
	const struct json *result, *error;
	enum err e = net_ask(
		&t->net, &result, UNIT_CU, "GET",
		(const char *)arena_printf(a, "/result/%.*s?process-id=%.*s", BYTES_FMT(message), BYTES_FMT(process))
			.ptr,
		NULL, bytes_of(NULL, 0));
	struct buf clean = BUF_EMPTY;
	struct bytes output;
	bool cut;

	print_unit(depth, "cu");
	if (e < 0) {
		print_failed(t, e);
		return;
	}
	printf("sends %zu, spawns %zu, assigns %zu", count_of(result, "Messages"), count_of(result, "Spawns"),
	       count_of(result, "Assignments"));
	error = json_get(result, "Error");
	output = result_output(a, result);
	if (json_truthy(error)) {
		print_in(COLOR_RED, "; error ");
		output = error->kind == JSON_STRING ? json_text(a, error) : json_whole(error);
	} else if (output.len) {
		print_in(COLOR_DIM, "; says ");
	}
	foreign_text(&clean, output, (struct foreign){.one_line = true});
	cut = clean.len > SHOWN_OUTPUT;
	if (cut) /* between characters */
		for (clean.len = SHOWN_OUTPUT; (clean.ptr[clean.len] & 0xc0) == 0x80; clean.len--)
			;
	printf("%s%s\n", buf_str(&clean), cut ? " ..." : "");
	buf_release(&clean);
}

/* ---- printing ---- */

static void print_who(const struct console *c, struct bytes id)
{
	if (bytes_eq_str(id, c->id.s))
		printf("this process");
	else if (id.len == 0)
		printf("a client");
	else
		print_foreign_line(id);
}

static void print_hop(struct turn *t, const struct hop *hop)
{
	struct console *c = t->console;
	struct bytes action = {0};
	struct id id;

	indent(hop->depth);
	print_in(COLOR_GREEN, hop->depth ? "-> " : "*  ");
	print_foreign_line(hop->message.len ? hop->message : BYTES("(not signed yet)"));
	printf("  from ");
	print_who(c, hop->from);
	printf(" to ");
	print_who(c, hop->process);
	putchar('\n');
	print_unit(hop->depth, "mu");
	print_foreign_line(hop->type);
	if (hop->state.len) {
		printf(", ");
		print_foreign_line(hop->state);
	}
	if (hop->time_ms) {
		time_t seconds = (time_t)(hop->time_ms / 1000);
		struct tm local;
		char text[32];
		if (localtime_r(&seconds, &local) && strftime(text, sizeof(text), "%H:%M:%S", &local))
			printf(", at %s", text);
	}
	if (hop->error.len) {
		print_in(COLOR_RED, "  ");
		print_foreign_line(hop->error);
	}
	putchar('\n');
	if (id_parse(&id, hop->message) < 0 || id_parse(&id, hop->process) < 0)
		return;
	print_su(t, hop->message, hop->process, hop->depth, &action);
	print_cu(t, hop->message, hop->process, hop->depth);
}

/* The MU forgets old messages, and knows none that other MUs took: the SU and the CU may still know this one. */
static void print_without_mu(struct turn *t, const char *id)
{
	struct bytes action = {0};

	print_in(COLOR_GREEN, "*  ");
	printf("%s\n", id);
	print_unit(0, "mu");
	printf("has no trace of it\n");
	print_su(t, bytes_str(id), bytes_str(t->console->id.s), 0, &action);
	print_cu(t, bytes_str(id), bytes_str(t->console->id.s), 0);
}

int console_trace(struct console *c, const char *id)
{
	struct bytes answer;
	struct hops *hops;
	struct turn t;
	struct id parsed;
	enum err e;

	turn_begin(&t, c);
	hops = arena_new(&t.call.arena, struct hops);
	if (!id[0])
		id = c->message.s;
	if (!id[0])
		e = note_err(&t.call.note, E_ARGUMENT,
			     "nothing was sent in this session: .trace wants the id of a message");
	else
		e = check_id(&t.call, "message", id, &parsed);
	if (e == OK)
		e = net_ask_raw(&t.net, &answer, UNIT_MU, "GET",
				(const char *)arena_printf(&t.call.arena, "/?debug=1&message=%s&page-size=%d", id,
							   TRACE_HOPS_MAX)
					.ptr,
				NULL, bytes_of(NULL, 0));
	if (e == OK && (e = trace_read(hops, &t.call.arena, answer)) < 0)
		note_err(&t.call.note, e, "the MU at %s keeps no traces that can be read", t.net.url[UNIT_MU]);
	if (e < 0)
		return turn_fail(&t, e);
	if (hops->count == 0)
		print_without_mu(&t, id);
	for (size_t i = 0; i < hops->count && !*(t.net.stop ? t.net.stop : &(volatile sig_atomic_t){0}); i++)
		print_hop(&t, &hops->list[i]);
	turn_end(&t);
	return 0;
}
