/* SPDX-License-Identifier: MIT
 *
 * process: the commands that talk to processes. Each is a message on its way:
 * sign an item, post it to the MU, ask the CU for its result.
 */
#include "cli/commands.h"
#include "cli/identity.h"
#include "cli/net.h"
#include "cli/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PROCESS_DATA_MAX = 64 << 20 };

/* ---- what all of them share ---- */

static enum err add_tag_options(struct call *c, struct tag_list *tags)
{
	const char *text;
	size_t at = 0;

	while ((text = call_next(c, "tag", &at)) != NULL) {
		struct bytes value, name = bytes_cut(bytes_str(text), '=', &value);
		if (name.len == 0 || !strchr(text, '='))
			return note_err(&c->note, E_ARGUMENT, "--tag wants NAME=VALUE, not '%s'", text);
		tag_list_add(tags, name, value);
	}
	return OK;
}

/* --data TEXT, --data @FILE or --data - (standard input). */
static enum err data_option(struct call *c, struct bytes *data)
{
	const char *text = call_option(c, "data");

	*data = BYTES(" ");
	if (!text)
		return OK;
	if (text[0] == '@' || strcmp(text, "-") == 0)
		return read_file(c, text[0] == '@' ? text + 1 : "-", PROCESS_DATA_MAX, data);
	*data = bytes_str(text);
	return OK;
}

/* Signs and posts to the MU; *id is the item's. */
static enum err post(struct net *net, struct id *id, struct bytes target, struct tags tags, struct bytes data)
{
	struct buf item = BUF_EMPTY;
	struct key *key = NULL;
	struct progress *p = NULL;
	const struct json *answer;
	enum err e = identity_open(&key, net->call);

	if (e < 0)
		goto out;
	e = identity_sign(&item, id, key, target, tags, data, &net->call->note);
	if (e < 0)
		goto out;
	p = progress_begin("sending");
	e = net_ask(net, &answer, UNIT_MU, "POST", "/", NULL, buf_bytes(&item));
out:
	progress_end(p);
	identity_close(key);
	buf_release(&item);
	return e;
}

static enum err ask_result(struct net *net, const char *process, const char *message, const struct json **result,
			   struct bytes *raw)
{
	struct call *c = net->call;
	const char *path = (const char *)arena_printf(&c->arena, "/result/%s?process-id=%s", message, process).ptr;
	struct progress *p = progress_begin("evaluating");
	enum err e = net_ask_raw(net, raw, UNIT_CU, "GET", path, NULL, bytes_of(NULL, 0));

	progress_end(p);
	if (e < 0)
		return e;
	return json_parse(result, &c->arena, *raw, &c->note);
}

static int show_result(struct net *net, const char *process, const char *message)
{
	const struct json *result;
	struct bytes raw;
	enum err e = ask_result(net, process, message, &result, &raw);

	return e < 0 ? call_fail(net->call, e) : print_result(net->call, result, raw);
}

/* Opens the network, runs, closes: the frame of every command here. */
static int with_net(struct call *c, int (*run)(struct net *net))
{
	struct net net;
	enum err e = net_open(&net, c);
	int code = e < 0 ? call_fail(c, e) : run(&net);

	net_close(&net);
	return code;
}

static void ao_tags(struct tag_list *tags, const char *type)
{
	tag_list_add_str(tags, "Data-Protocol", "ao");
	tag_list_add_str(tags, "Variant", "ao.TN.1");
	tag_list_add_str(tags, "Type", type);
}

/* ---- module publish ---- */

static bool is_wasm(struct bytes module)
{
	return module.len >= 8 && memcmp(module.ptr, "\0asm", 4) == 0;
}

static int publish(struct net *net)
{
	struct call *c = net->call;
	struct tag_list tags = tag_list_on(&c->arena);
	const char *format = call_option(c, "format"), *memory = call_option(c, "memory-limit"),
		   *compute = call_option(c, "compute-limit");
	struct buf item = BUF_EMPTY;
	struct key *key = NULL;
	struct progress *p = NULL;
	struct bytes module, answer;
	struct id id;
	enum err e;

	if (!format) {
		note_err(&c->note, E_ARGUMENT, "--format is missing: how is the module to be read?");
		note_hint(&c->note, "for aos 2: --format wasm64-unknown-emscripten-draft_2024_02_15");
		return call_fail(c, E_ARGUMENT);
	}
	if ((e = read_file(c, c->arguments[0], PROCESS_DATA_MAX, &module)) < 0)
		return call_fail(c, e);
	if (bytes_starts(bytes_str(format), "wasm") && !is_wasm(module)) {
		note_err(&c->note, E_FORMAT, "%s is not a WebAssembly module", c->arguments[0]);
		return call_fail(c, E_FORMAT);
	}
	ao_tags(&tags, "Module");
	tag_list_add_str(&tags, "Module-Format", format);
	tag_list_add_str(&tags, "Input-Encoding", "JSON-1");
	tag_list_add_str(&tags, "Output-Encoding", "JSON-1");
	tag_list_add_str(&tags, "Memory-Limit", memory ? memory : "1-gb");
	tag_list_add_str(&tags, "Compute-Limit", compute ? compute : "9000000000000");
	tag_list_add_str(&tags, "Content-Type",
			 bytes_starts(bytes_str(format), "wasm") ? "application/wasm" : "application/octet-stream");
	if ((e = add_tag_options(c, &tags)) < 0 || (e = identity_open(&key, c)) < 0 ||
	    (e = identity_sign(&item, &id, key, bytes_of(NULL, 0), tag_list_tags(&tags), module, &c->note)) < 0)
		goto out;
	p = progress_begin("publishing");
	e = net_ask_raw(net, &answer, UNIT_UPLOADER, "POST", "/tx", NULL, buf_bytes(&item));
out:
	progress_end(p);
	identity_close(key);
	buf_release(&item);
	if (e < 0)
		return call_fail(c, e);
	return print_id(c, "module", id);
}

int command_module_publish(struct call *c)
{
	return with_net(c, publish);
}

/* ---- spawn ---- */

static int spawn(struct net *net)
{
	struct call *c = net->call;
	struct tag_list tags = tag_list_on(&c->arena);
	struct bytes scheduler, data, raw;
	const struct json *result;
	struct id module, process;
	struct id_text text;
	enum err e;

	if ((e = check_id(c, "module", c->arguments[0], &module)) < 0 ||
	    (e = net_scheduler_address(net, &scheduler)) < 0 || (e = data_option(c, &data)) < 0 ||
	    (e = add_tag_options(c, &tags)) < 0)
		return call_fail(c, e);
	ao_tags(&tags, "Process");
	tag_list_add_str(&tags, "Module", c->arguments[0]);
	tag_list_add(&tags, BYTES("Scheduler"), scheduler);
	/* What this network's MU pushes is signed by it: a process that is to hear other processes trusts it. */
	if (!tags_has(tag_list_tags(&tags), "Authority"))
		tag_list_add(&tags, BYTES("Authority"), scheduler);
	if ((e = post(net, &process, bytes_of(NULL, 0), tag_list_tags(&tags), data)) < 0)
		return call_fail(c, e);
	text = id_text(process);
	e = ask_result(net, text.s, text.s, &result, &raw);
	if (e < 0)
		return call_fail(c, e);
	if (json_truthy(json_get(result, "Error"))) {
		fprintf(stderr, "weft: the process %s exists, but its first message failed\n", text.s);
		return print_result(c, result, raw);
	}
	return print_id(c, "process", process);
}

int command_spawn(struct call *c)
{
	return with_net(c, spawn);
}

/* ---- send, eval ---- */

static int send_message(struct net *net, struct tag_list *tags, struct bytes data)
{
	struct call *c = net->call;
	struct id process, message;
	struct id_text text;
	enum err e = check_id(c, "process", c->arguments[0], &process);

	if (e < 0 || (e = post(net, &message, bytes_of(process.b, sizeof(process.b)), tag_list_tags(tags), data)) < 0)
		return call_fail(c, e);
	text = id_text(message);
	if (call_has(c, "no-wait"))
		return print_id(c, "message", message);
	return show_result(net, c->arguments[0], text.s);
}

static int send_command(struct net *net)
{
	struct call *c = net->call;
	struct tag_list tags = tag_list_on(&c->arena);
	struct bytes data;
	enum err e;

	if (call_has(c, "action"))
		tag_list_add_str(&tags, "Action", call_option(c, "action"));
	if ((e = add_tag_options(c, &tags)) < 0 || (e = data_option(c, &data)) < 0)
		return call_fail(c, e);
	ao_tags(&tags, "Message");
	return send_message(net, &tags, data);
}

int command_send(struct call *c)
{
	return with_net(c, send_command);
}

static int eval(struct net *net)
{
	struct call *c = net->call;
	struct tag_list tags = tag_list_on(&c->arena);
	struct bytes code = bytes_str(c->arguments[1]);
	enum err e = OK;

	if (c->arguments[1][0] == '@' || strcmp(c->arguments[1], "-") == 0)
		e = read_file(c, c->arguments[1][0] == '@' ? c->arguments[1] + 1 : "-", PROCESS_DATA_MAX, &code);
	if (e < 0 || (e = add_tag_options(c, &tags)) < 0)
		return call_fail(c, e);
	tag_list_add_str(&tags, "Action", "Eval");
	ao_tags(&tags, "Message");
	return send_message(net, &tags, code);
}

int command_eval(struct call *c)
{
	return with_net(c, eval);
}

/* ---- result, results, dry-run ---- */

static int result(struct net *net)
{
	struct call *c = net->call;
	struct id id;
	enum err e;

	if ((e = check_id(c, "process", c->arguments[0], &id)) < 0 ||
	    (e = check_id(c, "message", c->arguments[1], &id)) < 0)
		return call_fail(c, e);
	return show_result(net, c->arguments[0], c->arguments[1]);
}

int command_result(struct call *c)
{
	return with_net(c, result);
}

static int dry_run(struct net *net)
{
	struct call *c = net->call;
	struct tag_list tags = tag_list_on(&c->arena);
	struct buf body = BUF_EMPTY;
	struct jw w = jw_on(&body);
	const struct json *answer;
	struct bytes data, owner = BYTES("1234"), raw;
	struct id process;
	struct progress *p;
	enum err e;

	if (call_has(c, "action"))
		tag_list_add_str(&tags, "Action", call_option(c, "action"));
	if ((e = check_id(c, "process", c->arguments[0], &process)) < 0 || (e = add_tag_options(c, &tags)) < 0 ||
	    (e = data_option(c, &data)) < 0 || (call_has(c, "as-me") && (e = identity_address(c, &owner)) < 0))
		return call_fail(c, e);
	ao_tags(&tags, "Message");
	jw_object(&w);
	jw_member(&w, "Id", BYTES("1234"));
	jw_member(&w, "Target", bytes_str(c->arguments[0]));
	jw_member(&w, "Owner", owner);
	jw_member(&w, "Anchor", BYTES("0"));
	jw_member(&w, "Data", data);
	jw_key(&w, "Tags");
	tags_json(&w, tag_list_tags(&tags));
	jw_object_end(&w);
	p = progress_begin("evaluating");
	e = net_ask_raw(net, &raw, UNIT_CU, "POST",
			(const char *)arena_printf(&c->arena, "/dry-run?process-id=%s", c->arguments[0]).ptr,
			"application/json", buf_bytes(&body));
	progress_end(p);
	buf_release(&body);
	if (e < 0 || (e = json_parse(&answer, &c->arena, raw, &c->note)) < 0)
		return call_fail(c, e);
	return print_result(c, answer, raw);
}

int command_dry_run(struct call *c)
{
	return with_net(c, dry_run);
}
