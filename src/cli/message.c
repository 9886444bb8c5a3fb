/* SPDX-License-Identifier: MIT */
#include "cli/message.h"

#include "cli/commands.h"
#include "cli/identity.h"
#include "cli/module.h"
#include "cli/print.h"

#include <stdio.h>
#include <string.h>

void ao_tags(struct tag_list *tags, const char *type)
{
	tag_list_add_str(tags, "Data-Protocol", "ao");
	tag_list_add_str(tags, "Variant", "ao.TN.1");
	tag_list_add_str(tags, "Type", type);
}

enum err add_tag_options(struct call *c, struct tag_list *tags)
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

enum err message_post(struct net *net, struct id *id, struct bytes target, struct tags tags, struct bytes data)
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

enum err message_result(struct net *net, const char *process, const char *message, const struct json **result,
			struct bytes *raw)
{
	struct call *c = net->call;
	const char *path = (const char *)arena_printf(&c->arena, "/result/%s?process-id=%s", message, process).ptr;
	struct progress *p = progress_begin("evaluating (Ctrl-C stops waiting)");
	enum err e = net_ask_raw(net, raw, UNIT_CU, "GET", path, NULL, bytes_of(NULL, 0));

	progress_end(p);
	if (e < 0)
		return e;
	return json_parse(result, &c->arena, *raw, &c->note);
}

/* The limit is a tag of the process, or else of its module. */
void message_explain(struct net *net, const char *process, const struct json *result)
{
	struct arena *a = &net->call->arena;
	const char *path = (const char *)arena_printf(a, "/processes/%s", process).ptr;
	const struct json *info, *tags;
	const char *whose = "the process";
	struct bytes module, limit = {0};
	struct buf shown = BUF_EMPTY;
	struct id id;

	if (!bytes_eq_str(json_get_text(a, result, "Error"), "Error: out of gas!"))
		return;
	if (net_ask(net, &info, UNIT_SU, "GET", path, NULL, bytes_of(NULL, 0)) == OK) {
		limit = item_tag(a, json_get(info, "tags"), "Compute-Limit");
		module = item_tag(a, json_get(info, "tags"), "Module");
		if (limit.len == 0 && id_parse(&id, module) == OK && item_tags(net, id_text(id).s, &tags) == OK) {
			whose = "the module that the process began with";
			limit = item_tag(a, tags, "Compute-Limit");
		}
	}
	note_reset(&net->call->note);
	fflush(stdout);
	fprintf(stderr, "weft: the message wanted to compute more than its Compute-Limit");
	if (limit.len) {
		foreign_text(&shown, limit, (struct foreign){.one_line = true});
		fprintf(stderr, ": %s has %s", whose, buf_str(&shown));
	}
	buf_release(&shown);
	fprintf(stderr, "\n      a process that is spawned with --tag Compute-Limit=N has N gas for each message\n");
}

enum err message_dry_run(struct net *net, const char *process, struct bytes owner, struct tags tags, struct bytes data,
			 const struct json **result, struct bytes *raw)
{
	struct call *c = net->call;
	struct buf body = BUF_EMPTY;
	struct jw w = jw_on(&body);
	struct progress *p;
	enum err e;

	jw_object(&w);
	jw_member(&w, "Id", BYTES("1234"));
	jw_member(&w, "Target", bytes_str(process));
	jw_member(&w, "Owner", owner);
	jw_member(&w, "Anchor", BYTES("0"));
	jw_member(&w, "Data", data);
	jw_key(&w, "Tags");
	tags_json(&w, tags);
	jw_object_end(&w);
	p = progress_begin("evaluating (Ctrl-C stops waiting)");
	e = net_ask_raw(net, raw, UNIT_CU, "POST",
			(const char *)arena_printf(&c->arena, "/dry-run?process-id=%s", process).ptr,
			"application/json", buf_bytes(&body));
	progress_end(p);
	buf_release(&body);
	return e < 0 ? e : json_parse(result, &c->arena, *raw, &c->note);
}

enum err process_spawn(struct net *net, const char *module, struct tag_list *tags, struct bytes data,
		       struct id *process, const struct json **result, struct bytes *raw)
{
	struct bytes scheduler;
	struct id_text text;
	struct id id;
	enum err e;

	if ((e = check_id(net->call, "module", module, &id)) < 0 || (e = net_scheduler_address(net, &scheduler)) < 0)
		return e;
	ao_tags(tags, "Process");
	tag_list_add_str(tags, "Module", module);
	tag_list_add(tags, BYTES("Scheduler"), scheduler);
	if (!tags_has(tag_list_tags(tags), "Authority"))
		tag_list_add(tags, BYTES("Authority"), scheduler);
	if ((e = message_post(net, process, bytes_of(NULL, 0), tag_list_tags(tags), data)) < 0)
		return e;
	text = id_text(*process);
	return message_result(net, text.s, text.s, result, raw);
}
