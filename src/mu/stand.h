/* SPDX-License-Identifier: MIT
 *
 * stand: the test stand of the unit. A scheduler that remembers what it was given, a computer
 * to whom a message says what its result is, and a weave that remembers what was put; between
 * them the real unit, asked over HTTP. They answer from threads of their own, as real ones do,
 * and can be told to fail. One stand per process. It is not part of the node.
 *
 * The result of a message is its data, when that begins with '{'. "ball N" is thrown back to
 * who sent it as "ball N-1", until 0. Anything else has an empty result.
 */
#ifndef WEFT_MU_STAND_H
#define WEFT_MU_STAND_H

#include "base/json.h"
#include "flow/flow.h"
#include "msg/item.h"
#include "mu/mu.h"

#include <pthread.h>
#include <stdatomic.h>

struct http_client;
struct pool;
struct store;

#define MODULE "5SGJUlPwlenkyuG9-xWh0Rcf0azm8XEd5RBTiutgWAg"
enum { NET_PLACES_MAX = 60000, NET_HELD_MAX = 4096, NET_PUT_MAX = 1024, NET_CRONS_MAX = 16 };

/* ---- the network ---- */

/* What the scheduler was given: an item, or an assign. */
struct placed {
	struct id process, id; /* id: of the item, or of the assignment */
	struct id assigned;
	struct bytes item; /* empty for an assign */
	struct assign assign;
	uint64_t nonce;
	size_t evaluated; /* how often its result was answered */
};

struct held {
	result_done *done;
	void *ctx;
	struct id process, id;
};

struct net {
	pthread_mutex_t lock;
	struct arena arena;
	struct pool *pool;
	struct placed list[NET_PLACES_MAX];
	size_t count;
	struct bytes put[NET_PUT_MAX]; /* on the weave */
	size_t put_count;
	struct id known[64]; /* transactions on the weave that are not processes */
	size_t known_count;
	/* How many calls are to fail: of the scheduler, before it writes (with `error`) and
	 * after (its answer is lost); of the computer (with `error`); of the weave. */
	atomic_int refuse, lose, fail_result, fail_put;
	enum err error;
	bool hold; /* results wait for net_release */
	struct held held[NET_HELD_MAX];
	size_t held_count;
	char cron[NET_CRONS_MAX][4000]; /* the edge of page n; the cursor after page n is "n + 1" */
	size_t cron_pages, cron_asked;
};

extern struct net net;
extern const struct scheduler net_scheduler;
extern const struct computer net_computer;
extern const struct weave net_weave;

void net_open(void);
/* net_close forgets everything; no unit may be running. */
void net_close(void);
/* net_spawn: a process that the scheduler has from the start. */
struct id net_spawn(const char *data);
/* net_add makes a place, with the lock held or before anything runs. */
struct placed *net_add(struct id process, struct id id);
/* net_release answers everything that was held, and holds no more. */
void net_release(void);
/* net_count: how many places a process has; net_at: the n-th, 0 being the process; net_item:
 * the item there, verified. */
size_t net_count(struct id process);
struct placed *net_at(struct id process, size_t n);
struct item net_item(struct id process, size_t n);
/* net_numbers fails unless the process has "0", "1", ... from its place `first` on: what
 * stand_messages sends, in order. */
void net_numbers(struct id process, size_t first, int count);
/* net_read reads a number that the network's threads change. */
size_t net_read(const size_t *number);

/* ---- the unit on it ---- */

struct stand {
	struct arena arena;        /* of whatever the functions below return */
	struct mu_options options; /* set before stand_start, as far as they matter; retry_ms is 1 by default */
	struct store *store;
	struct locate *locate;
	struct mu *mu;
	struct http_client *client;
	uint16_t bound;
	struct key *mu_key, *client_key;
	struct id su_address;
};

extern struct stand stand;

/* stand_start opens the unit over the store, which it owns, and serves; stand_stop closes both. */
void stand_start(struct store *on);
void stand_stop(void);
/* stand_fail says why, and aborts. */
_Noreturn void stand_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* stand_ask is one request: its status, and the answer's body. stand_json fails unless it has
 * this status and JSON. */
int stand_ask(const char *method, const char *path, struct bytes body, struct bytes *answer);
const struct json *stand_json(const char *method, const char *path, struct bytes body, int status);
const struct json *stand_post(struct bytes item, int status);
/* stand_send posts a message whose result is `data`; its id. */
struct id stand_send(struct id process, const char *data);
/* stand_traces is the edges of a GET /?debug; stand_trace the node of one. */
const struct json *stand_traces(const char *query);
const struct json *stand_trace(const struct json *edges, size_t n);
/* stand_idle: nothing is under way at this moment; stand_wait: until nothing comes any more. */
bool stand_idle(void);
void stand_wait(void);

/* Signed items of the client. */
struct bytes stand_make(struct id *id, struct bytes target, struct tags tags, const char *data);
struct bytes stand_process(struct id *id, const char *data);
struct bytes stand_message(struct id *id, struct id process, const char *data);

/* Texts. stand_tags is "Name=value" lines; stand_messages a result with `count` messages "0",
 * "1", ... to `target`. */
const char *stand_id(struct id id);
const char *stand_text(const char *pattern, ...) __attribute__((format(printf, 1, 2)));
struct bytes stand_tags(struct tags tags);
const char *stand_messages(struct id target, int count);

#define WAIT_FOR(condition)                                           \
	for (int tries_ = 0; !(condition); tries_++) {                \
		if (tries_ > 20000)                                   \
			stand_fail("waited in vain for " #condition); \
		clock_sleep_ms(1);                                    \
	}

#endif
