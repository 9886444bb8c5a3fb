/* SPDX-License-Identifier: MIT
 *
 * merkle: the root that a transaction of layer 1 signs in the place of its data (weave 1.6).
 * Private to the folder.
 *
 *   leaf   = H( H(H(chunk)) || H(end) )                         H = SHA-256
 *   branch = H( H(left) || H(right) || H(end of left) )         numbers: 32 bytes big endian
 *
 * Pairs are made from the left; an odd last node moves up as it is. Data is split into chunks of
 * 256 KiB; an exact multiple gets an empty leaf at its end. Clients share the last two pieces
 * evenly when the last would be below 32 KiB; nodes, splitting data that came whole, do not.
 */
#ifndef WEFT_WEAVE_MERKLE_H
#define WEFT_WEAVE_MERKLE_H

#include "base/hash.h"

enum { CHUNK_MAX = 256 << 10, CHUNK_TAIL_MIN = 32 << 10 };

enum merkle_split { MERKLE_CLIENT, MERKLE_PLAIN };

/* merkle_root of data that is not empty. */
struct id merkle_root(struct bytes data, enum merkle_split split);

#endif
