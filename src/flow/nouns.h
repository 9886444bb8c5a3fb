/* SPDX-License-Identifier: MIT
 *
 * nouns: assignments and messages between their three shapes: the struct of
 * flow.h, the signed item, and the JSON of the scheduler (ao-units 3.7).
 *
 *   {"message":{"id","owner":{"address","key"},"data","tags":[{"name","value"}],
 *               "signature","anchor","target"},
 *    "assignment":{"id","owner":{...},"tags":[...],"signature","anchor","target"}}
 *
 * What an assignment says it says in its tags (ao-units 2.6): Process, Epoch, Nonce, Hash-Chain,
 * Block-Height, Timestamp, Message, Exclude. assignment_read_tags is the one place that
 * reads them, assignment_write_tags the one that writes them.
 */
#ifndef WEFT_FLOW_NOUNS_H
#define WEFT_FLOW_NOUNS_H

#include "flow/flow.h"

struct item;

/* assignment_write_tags appends the tags of ao-units 2.6 in their exact order for a's process,
 * epoch, nonce, hash chain, height, timestamp and message id; `exclude` is comma-separated
 * and gives one Exclude tag a name. Texts live in the list's arena. */
void assignment_write_tags(struct tag_list *tags, const struct assignment *a, struct bytes exclude);
/* assignment_read_tags fills those fields of `a` from a->tags. E_FORMAT names the tag that is missing or wrong. */
must_use enum err assignment_read_tags(struct assignment *a, struct note *note);

/* message_of_item and assignment_of_item borrow the item and its bytes; texts that have
 * to be made live in `a`. Data that is not UTF-8 is mended as the scheduler shows it
 * (U+FFFD); an anchor that is not UTF-8 or is empty is absent. */
void message_of_item(struct message *out, struct arena *a, const struct item *item);
must_use enum err assignment_of_item(struct assignment *out, struct arena *a, const struct item *item,
				     struct note *note);

/* Writing JSON: the message object, the node {"message","assignment"}, and the edge
 * {"node","cursor"} of a page. */
void message_json(struct jw *w, const struct message *m);
void assignment_json(struct jw *w, const struct assignment *a);

/* Reading: assignment_of_json takes the node (message may be null); message_of_json the message
 * object. The results borrow the JSON text and `a`. */
must_use enum err assignment_of_json(struct assignment *out, struct arena *a, const struct json *node,
				     struct note *note);
must_use enum err message_of_json(struct message *out, struct arena *a, const struct json *object, struct note *note);

/* Deep copies into an arena, for what has to outlive a `done`. */
struct message *message_copy(struct arena *a, const struct message *m);
void assignment_copy(struct assignment *out, struct arena *a, const struct assignment *from);
void page_copy(struct page *out, struct arena *a, const struct page *from);
void process_info_copy(struct process_info *out, struct arena *a, const struct process_info *from);
void weave_meta_copy(struct weave_meta *out, struct arena *a, const struct weave_meta *from);
struct tags tags_copy(struct arena *a, struct tags tags);

#endif
