/* SPDX-License-Identifier: MIT
 *
 * message: the way of a message as a stranger sees it: signed here, posted to the MU, its result asked of the
 * CU. What the commands and the console have in common.
 *
 * All of these ask over the network and say on a terminal what is being waited for. Answers live in the arena
 * of net->call; errors leave a note there.
 */
#ifndef WEFT_CLI_MESSAGE_H
#define WEFT_CLI_MESSAGE_H

#include "base/hash.h"
#include "cli/net.h"
#include "msg/tags.h"

/* ao_tags appends the tags that every item of ao has; `type` is Message, Process or Module. */
void ao_tags(struct tag_list *tags, const char *type);
/* add_tag_options appends what the --tag options say. E_ARGUMENT for one that is not NAME=VALUE. */
must_use enum err add_tag_options(struct call *c, struct tag_list *tags);

/* message_post signs with the wallet of the call and posts to the MU; *id is the item's. `target` is 32 bytes or empty. */
must_use enum err message_post(struct net *net, struct id *id, struct bytes target, struct tags tags,
			       struct bytes data);
/* message_result asks the CU; *raw is the answer as it came. Both ids as text. */
must_use enum err message_result(struct net *net, const char *process, const char *message, const struct json **result,
				 struct bytes *raw);
/* message_explain says on stderr what a result's error does not: which limit it was that the message ran into, and how a process
 * gets another. Nothing for other errors. */
void message_explain(struct net *net, const char *process, const struct json *result);
/* message_dry_run evaluates a message that is never sent, from `owner`, and forgets what it did. */
must_use enum err message_dry_run(struct net *net, const char *process, struct bytes owner, struct tags tags,
				  struct bytes data, const struct json **result, struct bytes *raw);
/* process_spawn starts a process of `module` on this network's scheduler, which also becomes its Authority unless `tags`
 * name one: what this network's MU pushes is signed by it, and a process that is to hear other
 * processes trusts it. *result is that of its first message. */
must_use enum err process_spawn(struct net *net, const char *module, struct tag_list *tags, struct bytes data,
				struct id *process, const struct json **result, struct bytes *raw);

#endif
