/* SPDX-License-Identifier: MIT
 *
 * transaction: a transaction of layer 1, as JSON (weave 1.1-1.4). Private to the folder.
 *
 * Taken are transactions of format 2 under an RSA-4096 key that carry their data with them. What
 * is signed is the deep hash of ["2", owner, target, quantity, reward, last_tx, [[name,
 * value]...], data size, data root]; the id is the SHA-256 of the signature, as with items. Format
 * 1, other keys, denominations and data that comes in chunks are refused with E_UNSUPPORTED.
 */
#ifndef WEFT_WEAVE_TRANSACTION_H
#define WEFT_WEAVE_TRANSACTION_H

#include "base/hash.h"
#include "msg/tags.h"

enum {
	TRANSACTION_BODY_MAX = 15 << 20,
	TRANSACTION_TAGS_MAX = 2048, /* and their bytes */
	TRANSACTION_DIGITS_MAX = 30, /* of an amount */
};

struct transaction {
	struct id id;
	struct bytes owner, signature, target, anchor, data, data_root;
	struct bytes quantity, reward, data_size; /* digits */
	struct tags tags;
};

/* transaction_parse reads and checks everything but the signature; what it gives lives in `a` and
 * borrows `body`. E_FORMAT and E_LIMIT name the field. */
must_use enum err transaction_parse(struct transaction *out, struct arena *a, struct bytes body, struct note *note);
/* transaction_verify: E_SIGNATURE when the signature is not the owner's. */
must_use enum err transaction_verify(const struct transaction *t, struct note *note);

#endif
