/* SPDX-License-Identifier: MIT
 *
 * postings: the same message posted twice is one message. Private to mu.
 *
 *              postings_begin                  postings_end
 *   (nothing) ----------------> SENDING --accepted--> ACCEPTED --cranked--> (nothing; the trace remembers)
 *                                 |  ^
 *                          doubtful  begin again          DOUBTFUL: no answer came, or the unit was restarted:
 *                                 v  |                    a task asks the scheduler (check.c), and either it is
 *                               DOUBTFUL                  found and cranked, or forgotten
 *
 * There is an entry for each message that a client posted and that has not been cranked to its
 * end. Who posts it again while it is on its way to the scheduler waits for the same answer.
 */
#ifndef WEFT_MU_POSTINGS_H
#define WEFT_MU_POSTINGS_H

#include "base/hash.h"

struct http_request;
struct postings;

struct postings *postings_new(void);
/* postings_free: nobody may be waiting. */
void postings_free(struct postings *p);
size_t postings_count(struct postings *p);

enum posting_begun {
	POSTING_FIRST,    /* yours: send it, then call postings_end */
	POSTING_AGAIN,    /* likewise; it has a task already */
	POSTING_JOINED,   /* somebody is sending it: the request gets the same answer */
	POSTING_ACCEPTED, /* it has been taken before */
};
enum posting_begun postings_begin(struct postings *p, struct id process, struct id message,
				  struct http_request *request);

enum posting_outcome { POSTING_TAKEN, POSTING_REFUSED, POSTING_DOUBTFUL, POSTING_KNOWN };

/* postings_end calls `answer` for every request that waits. KNOWN: it was cranked long ago. */
typedef void posting_answer(void *ctx, struct http_request *request);
void postings_end(struct postings *p, struct id process, struct id message, enum posting_outcome outcome,
		  posting_answer *answer, void *ctx);

/* postings_resumed makes an entry that is DOUBTFUL, for a task of an earlier run. */
void postings_resumed(struct postings *p, struct id process, struct id message);
/* postings_cranked: the message's task has ended. */
void postings_cranked(struct postings *p, struct id process, struct id message);
/* postings_forget takes away a DOUBTFUL entry; false when it is anything else, and has to stay. */
bool postings_forget(struct postings *p, struct id process, struct id message);

#endif
