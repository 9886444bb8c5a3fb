/* SPDX-License-Identifier: MIT
 *
 * build: the items that a process sends, made and signed for it, with the exact tags of
 * ao-units 4.6 and 4.7. Private to mu.
 *
 *   message   the process's tags, less Data-Protocol, Type, From-Process, From-Module, Assignments; then
 *             Data-Protocol=ao, Type=Message, From-Process, From-Module, and Pushed-For unless a cron sent it
 *   spawn     the process's tags, less Data-Protocol, Type, From-Process; From-Module is put right; then Variant,
 *             Data-Protocol=ao, Type=Process, From-Process, Pushed-For as above, and Scheduler if there is none
 *   spawned   the tags of the spawn as the process gave them, less Data-Protocol=ao, Variant, Type; then
 *             Data-Protocol=ao, Type=Message, Process, Action=Spawned, Variant
 *
 * A process cannot speak for another: From-Process, From-Module and Pushed-For say what is
 * true, however the process set them (the reference lets some through, and readers take the
 * first of equal tags).
 *
 * Signatures of most key types are deterministic, so two equal items would be one. Messages
 * without an anchor, and spawns (whose own anchor the reference ignores), therefore get one
 * that is made of what is answered and the place in the outbox: equal messages are two, and the
 * same one built again is the same.
 */
#ifndef WEFT_MU_BUILD_H
#define WEFT_MU_BUILD_H

#include "mu/facts.h"
#include "mu/outbox.h"

struct key;

struct origin {
	const struct key *key;
	struct id process; /* that sends */
	const struct facts *facts;
	struct id root; /* zero for crons */
	struct id seed; /* what is answered: anchors are made of it */
};

/* build_message appends the signed item. E_LIMIT when the tags take too much room. */
must_use enum err build_message(struct buf *out, struct id *id, const struct origin *origin,
				const struct outgoing *message, struct note *note);
/* build_spawn appends the process; *scheduler (in `a`) is the address that it names. E_ARGUMENT
 * when there is none to name. */
must_use enum err build_spawn(struct buf *out, struct id *id, struct bytes *scheduler, struct arena *a,
			      const struct origin *origin, const struct outgoing *spawn, struct note *note);
/* build_spawned appends the message that tells the process of its child. */
must_use enum err build_spawned(struct buf *out, struct id *id, const struct origin *origin,
				const struct outgoing *spawn, struct id child, struct note *note);

#endif
