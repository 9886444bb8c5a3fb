/* SPDX-License-Identifier: MIT
 *
 * process: the commands that talk to processes. Each is a message on its way:
 * sign an item, post it to the MU, ask the CU for its result.
 */
#include "cli/commands.h"
#include "cli/console/bundle.h"
#include "cli/identity.h"
#include "cli/message.h"
#include "cli/module.h"
#include "cli/net.h"
#include "cli/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PROCESS_DATA_MAX = 64 << 20 };

/* ---- what all of them share ---- */

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

static int show(struct net *net, const char *process, const struct json *result, struct bytes raw)
{
	int code = print_result(net->call, result, raw);

	message_explain(net, process, result);
	return code;
}

static int show_result(struct net *net, const char *process, const char *message)
{
	const struct json *result;
	struct bytes raw;
	enum err e = message_result(net, process, message, &result, &raw);

	return e < 0 ? call_fail(net->call, e) : show(net, process, result, raw);
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
	const char *module = c->argument_count ? c->arguments[0] : NULL;
	struct tag_list tags = tag_list_on(&c->arena);
	const struct json *result;
	struct bytes data, raw;
	struct id process;
	enum err e;

	if ((e = data_option(c, &data)) < 0 || (e = add_tag_options(c, &tags)) < 0 ||
	    (!module && (e = module_default(net, &module)) < 0) ||
	    (e = process_spawn(net, module, &tags, data, &process, &result, &raw)) < 0)
		return call_fail(c, e);
	if (json_truthy(json_get(result, "Error"))) {
		struct id_text text = id_text(process);
		fprintf(stderr, "weft: the process %s exists, but its first message failed\n", text.s);
		return show(net, text.s, result, raw);
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

	if (e < 0 ||
	    (e = message_post(net, &message, bytes_of(process.b, sizeof(process.b)), tag_list_tags(tags), data)) < 0)
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
	struct bundle *bundle = arena_new(&c->arena, struct bundle);
	struct bytes code = bytes_str(c->arguments[1]);
	enum err e = OK;

	if (strcmp(c->arguments[1], "-") == 0) {
		e = read_file(c, "-", PROCESS_DATA_MAX, &code);
	} else if (c->arguments[1][0] == '@') {
		e = read_file(c, c->arguments[1] + 1, PROCESS_DATA_MAX, &code);
		if (e == OK && strcmp(c->arguments[1], "@-") != 0) { /* errors name it then */
			bundle_of_text(bundle, &c->arena, c->arguments[1] + 1, code);
			code = bundle->chunk;
		}
	}
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
	const struct json *answer;
	struct bytes data, owner = BYTES("1234"), raw;
	struct id process;
	enum err e;

	if (call_has(c, "action"))
		tag_list_add_str(&tags, "Action", call_option(c, "action"));
	if ((e = check_id(c, "process", c->arguments[0], &process)) < 0 || (e = add_tag_options(c, &tags)) < 0 ||
	    (e = data_option(c, &data)) < 0 || (call_has(c, "as-me") && (e = identity_address(c, &owner)) < 0))
		return call_fail(c, e);
	ao_tags(&tags, "Message");
	e = message_dry_run(net, c->arguments[0], owner, tag_list_tags(&tags), data, &answer, &raw);
	return e < 0 ? call_fail(c, e) : show(net, c->arguments[0], answer, raw);
}

int command_dry_run(struct call *c)
{
	return with_net(c, dry_run);
}
