/* SPDX-License-Identifier: MIT
 *
 * own_item: what this node says on the weave: where it listens (location.h), its module (module.h). Of the items of a key the
 * newest of a Type, and of a Name if it has one, counts; so it is put when there is none or when the newest says something else.
 */
#ifndef WEFT_NODE_OWN_ITEM_H
#define WEFT_NODE_OWN_ITEM_H

#include "flow/flow.h"
#include "msg/key.h"

/* own_item_put blocks. *id is the item, also when it was there; *published tells whether it was put. `tags` say all
 * that has to be compared: of the data, its hash. */
must_use enum err own_item_put(const struct weave *weave, const struct key *key, struct tags tags, struct bytes data,
			       struct id *id, bool *published, struct note *note);

#endif
