/* SPDX-License-Identifier: MIT
 *
 * contract: the contract of a weave port as a suite of cases, and the bench on which it is checked:
 * one weave with its servers and one sender. For tests only. The bench is plain globals: a test is one
 * process.
 *
 * Whatever goes wrong fails the test at hand. What is returned lives in `arena`.
 */
#ifndef WEFT_WEAVE_CONTRACT_H
#define WEFT_WEAVE_CONTRACT_H

#include "flow/flow.h"
#include "http/http.h"
#include "msg/key.h"
#include "store/store.h"
#include "test/test.h"
#include "weave/local.h"

enum { NO_BLOCKS = 3600000 }; /* a block_ms that no test lives to see */

extern struct arena arena;
extern struct store *store;
extern struct key *key, *sender; /* of the weave, and of whoever sends to it */
extern struct local_weave *weave;
extern struct weave port; /* what put, data_of and the rest ask */
extern uint16_t gateway_port, uploader_port;
extern struct http_client *client; /* after serve */

/* start opens a weave on a store, which stop closes; serve starts its servers. */
void start(struct store *on, uint64_t block_ms);
void serve(void);
void stop(void);
struct store *open_local(const char *directory);
/* remote_to is a port made of URLs that tries again at once; the caller frees it. uploader 0: none. */
struct weave remote_to(uint16_t gateway, uint16_t uploader);

/* check_port is the contract: `port` has to keep it, over the weave that was started and served. */
void check_port(void);

/* Items by `sender`: make takes tags as name, value, ..., NULL. */
struct bytes make(struct id *id, struct bytes data, ...);
struct bytes make_for(struct id *id, const struct id *target, struct tags tags, struct bytes data);
struct bytes make_bundle(struct id *id, const struct bytes *items, const struct id *ids, size_t count);
struct bytes text(struct id id);

/* Through the port. */
void put(struct bytes item);
struct bytes data_of(struct id id);
struct weave_meta meta_of(struct id id);
uint64_t height(void);
void mine(void); /* by the gateway */

/* HTTP through a socket: the whole answer as it is on the wire, and its parts. */
struct bytes fetch(uint16_t to, const char *method, const char *path, const char *headers, struct bytes body);
struct bytes get(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct bytes post(uint16_t to, const char *path, const char *type, struct bytes body);
unsigned status_of(struct bytes answer);
struct bytes body_of(struct bytes answer);
struct bytes header_of(struct bytes answer, const char *name); /* empty: it has none */
const struct json *json_of(struct bytes answer);
/* number_of a member, UINT64_MAX when it is none. */
uint64_t number_of(const struct json *object, const char *name);

#endif
