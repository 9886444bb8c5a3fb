/* SPDX-License-Identifier: MIT
 *
 * request: what lies between whoever brought a request and the handler that answers it.
 * Private to the folder.
 *
 * A request is brought by a connection (server.c) or comes from memory (try.c). The bringer embeds
 * struct http_request in its own struct and fills in three functions; everything that a handler sees and
 * does (http.h) works on the embedded part and is the same for both.
 *
 * Two hold a request: its bringer, and the handler until it answers. The second to let go frees it,
 * so an answer that comes after the bringer gave up waiting is harmless.
 */
#ifndef WEFT_HTTP_REQUEST_H
#define WEFT_HTTP_REQUEST_H

#include "http/http.h"
#include "http/route.h"

#include <netinet/in.h>
#include <stdatomic.h>

enum { HEADERS_MAX = 128 };

struct http_header {
	const char *name, *value;
};

/* An answer owns its body or its descriptor; whoever takes it over releases that. */
struct answer {
	int status;
	const char *content_type; /* borrowed; may be NULL */
	struct buf body;
	int fd; /* -1: the body is in `body` */
	uint64_t offset, len;
	/* What the handler set; none in the answers that are not the handler's. */
	const struct http_header *headers;
	size_t header_count;
};

struct http_request {
	const struct http_options *options;
	/* deliver takes the first answer over; called once, on the thread that answers. What the answer borrows is
	 * valid until the bringer lets go; content_type only during the call. */
	void (*deliver)(struct http_request *r, struct answer *answer);
	/* header: as http_header. */
	struct bytes (*header)(const struct http_request *r, const char *name);
	/* free: both let go. Called with body and arena released already. */
	void (*free)(struct http_request *r);

	struct arena arena;
	char method[16];
	char peer[INET6_ADDRSTRLEN];
	struct bytes raw_target;
	struct target target;
	struct buf body;
	const struct http_route *route;
	struct http_header headers[HEADERS_MAX];
	size_t header_count;
	atomic_int holders;
	atomic_bool answered;
};

/* request_init: the bringer holds it. `target` is copied. */
void request_init(struct http_request *r, const struct http_options *options, struct bytes target);
void request_let_go(struct http_request *r);

/* request_admit decodes the target and finds the route. 0: go on, with request_run once the body is there;
 * else the status to answer at once, with *e and the note for its body (204: to OPTIONS, which has none). */
int request_admit(struct http_request *r, const char *method, enum err *e, struct note *note);
/* request_body_too_large writes the note for a body past the limit. */
void request_body_too_large(const struct http_request *r, struct note *note);
/* request_run calls the handler, which from now on holds the request too: the bringer has counted it. */
void request_run(struct http_request *r);
/* request_answer gives the answer of somebody who holds the request, and lets go. Only the first one is
 * delivered. */
void request_answer(struct http_request *r, struct answer *answer);

/* error_answer: {"error","code","hint"}, as http_answer_err sends it. */
struct answer error_answer(int status, enum err e, const struct note *note);
void answer_release(struct answer *answer);

#endif
