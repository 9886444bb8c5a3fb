/* SPDX-License-Identifier: MIT
 *
 * locate: which scheduler holds the history of a process.
 *
 * A process names its scheduler's address in its Scheduler tag; the scheduler's
 * owner has published where it listens in a Scheduler-Location item (ao-units 2.8):
 *
 *   process id --weave: tag Scheduler--> address --weave: newest Scheduler-Location--> Url
 *
 * A locator may have a home: the scheduler of this node (in-process, or a URL from the configuration). It is asked
 * first, with one cheap read, so that a network on one machine never leaves it. Answers are kept:
 * a process's scheduler for ever, a location for its Time-To-Live (at least a
 * minute), and each URL gets one port (flow/http_scheduler.h) with kept-alive connections.
 * Thread-safe. The ports handed out are valid until locate_close.
 */
#ifndef WEFT_FLOW_LOCATE_H
#define WEFT_FLOW_LOCATE_H

#include "base/log.h"
#include "flow/flow.h"

struct http_client;
struct locate;

struct locate_options {
	struct weave weave;         /* self NULL: only the home scheduler is known */
	struct http_client *client; /* needed when a foreign scheduler may be met */
	struct scheduler home;      /* self NULL: none */
	struct bytes home_address;  /* its address when known (43 characters); may be empty */
	struct log *log;
};

/* `address` is the scheduler's wallet; empty when only the home was asked and it is not known. */
typedef void located_done(void *ctx, enum err e, const struct note *note, struct scheduler scheduler,
			  struct bytes address);

struct locate *locate_open(const struct locate_options *options);
/* locate_process: E_NOT_FOUND when neither the home nor the weave knows the process, or when it is not a process. */
void locate_process(struct locate *l, struct id process, located_done *done, void *ctx);
/* locate_address: the scheduler that owns `address` (a process item's Scheduler tag). E_NOT_FOUND when it has
 * published no location. */
void locate_address(struct locate *l, struct bytes address, located_done *done, void *ctx);
/* locate_remember: `scheduler`, which locate_address gave for `address`, has just taken this process. The weave may take
 * a while to know it. */
void locate_remember(struct locate *l, struct id process, struct scheduler scheduler, struct bytes address);
/* locate_process_wait blocks; *address (may be NULL) is in `a`. */
must_use enum err locate_process_wait(struct locate *l, struct arena *a, struct id process, struct scheduler *out,
				      struct bytes *address, struct note *note);
void locate_close(struct locate *l);

#endif
