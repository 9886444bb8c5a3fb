/* SPDX-License-Identifier: MIT
 *
 * module: which module is meant when none is named, and what the weave says of one.
 */
#ifndef WEFT_CLI_MODULE_H
#define WEFT_CLI_MODULE_H

#include "cli/net.h"

/* module_default is $WEFT_MODULE, else the newest module named aos that this network's node (node/module.h) or the wallet has
 * put on the weave; E_NOT_FOUND when there is none. */
must_use enum err module_default(struct net *net, const char **module);

/* item_tags asks the weave for the tags of an item: a JSON array, or NULL when there is no such item. */
must_use enum err item_tags(struct net *net, const char *id, const struct json **tags);
/* item_tag is the first value of that name, or empty. */
struct bytes item_tag(struct arena *a, const struct json *tags, const char *name);

#endif
