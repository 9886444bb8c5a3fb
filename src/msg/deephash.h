/* SPDX-License-Identifier: MIT
 *
 * deephash: Arweave's hash of a tree of blobs, which is what every signature signs
 * (ao-units 1.3; ANS-104, "Signing").
 *
 *   blob b: H(H("blob" || decimal(len b)) || H(b))               H = SHA-384
 *   list L: acc = H("list" || decimal(count L)); for x in L: acc = H(acc || deephash(x))
 *
 * Lists are hashed as they are walked: begin, add each blob or finished list, end.
 */
#ifndef WEFT_MSG_DEEPHASH_H
#define WEFT_MSG_DEEPHASH_H

#include "base/bytes.h"
#include "base/hash.h"

struct deephash {
	uint8_t b[SHA384_SIZE];
};

struct deephash deephash_blob(struct bytes blob);
/* deephash_list begins a list of `count` members; the caller adds exactly that many. */
struct deephash deephash_list(size_t count);
void deephash_add(struct deephash *list, struct deephash member);
void deephash_add_blob(struct deephash *list, struct bytes blob);

#endif
