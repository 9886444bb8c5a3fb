/* SPDX-License-Identifier: MIT
 *
 * document: what a node says of a transaction and of a block, as JSON (weave 1.1, 1.11: the set that ar-io-node wants).
 * Private to the folder. Items are written in the same shape, as WeaveDrive wants them (weave 6); a real node does not know
 * them, so this is how their fields look everywhere.
 */
#ifndef WEFT_WEAVE_DOCUMENT_H
#define WEFT_WEAVE_DOCUMENT_H

#include "base/json.h"
#include "flow/flow.h"
#include "weave/record.h"

/* document_transaction appends the JSON of a transaction or an item, without its data. */
void document_transaction(struct buf *out, const struct record *r);
/* document_of_meta is the same of what an index knows; texts that are not base64url are left empty. */
void document_of_meta(struct buf *out, const struct weave_meta *m);
/* document_block appends the JSON of a block; E_IO, E_CORRUPT from the store. */
must_use enum err document_block(struct buf *out, struct store *s, const struct block *block);
/* document_tags writes [{"name":..,"value":..},..] in base64url; document_amount is "0" for none. */
void document_tags(struct jw *w, struct tags tags);
struct bytes document_amount(struct bytes amount);

#endif
