/* SPDX-License-Identifier: MIT
 *
 * net: where the units are, and how the command line asks them.
 *
 * Without options the network of `weft up` on this machine is meant: weave 4000,
 * uploader 4001, MU 4002, SU 4003, CU 4004. --port (or WEFT_PORT) moves all five;
 * --gateway, --uploader, --mu, --su, --cu (or WEFT_GATEWAY ... WEFT_CU) move one each, so
 * that the same commands work against any network.
 *
 * An answer that is not 2xx becomes an error whose note is what the unit said and whose
 * hint is the unit's, or the next thing to try.
 */
#ifndef WEFT_CLI_NET_H
#define WEFT_CLI_NET_H

#include "base/json.h"
#include "cli/command.h"

#include <signal.h>

struct http_client;

enum unit { UNIT_GATEWAY, UNIT_UPLOADER, UNIT_MU, UNIT_SU, UNIT_CU, UNIT_COUNT };

struct net {
	struct http_client *client;
	struct call *call;
	const char *url[UNIT_COUNT];
	const volatile sig_atomic_t *stop; /* waiting ends when it is not 0; NULL: it only ends with an answer */
};

/* The options that net_open reads, for the rows of the table. */
#define NETWORK_OPTIONS                                                                                     \
	{"port", "N", "first of the five ports of a local network (default 4000, or WEFT_PORT)"},           \
		{"gateway", "URL", "where the weave is (default: the local one, or WEFT_GATEWAY)"},         \
		{"uploader", "URL", "where items are uploaded (default: the local one, or WEFT_UPLOADER)"}, \
		{"mu", "URL", "the message unit (default: the local one, or WEFT_MU)"},                     \
		{"su", "URL", "the scheduler unit (default: the local one, or WEFT_SU)"},                   \
	{                                                                                                   \
		"cu", "URL", "the compute unit (default: the local one, or WEFT_CU)"                        \
	}

must_use enum err net_open(struct net *net, struct call *call);
void net_close(struct net *net);

/* net_ask sends and reads JSON; *answer lives in the call's arena. `path` begins with '/'.
 * A body of "null pointer, 0" is none. */
must_use enum err net_ask(struct net *net, const struct json **answer, enum unit unit, const char *method,
			  const char *path, const char *content_type, struct bytes body);
/* net_ask_raw is net_ask for an answer of any kind. E_TIMEOUT when net->stop ended the waiting. */
must_use enum err net_ask_raw(struct net *net, struct bytes *answer, enum unit unit, const char *method,
			      const char *path, const char *content_type, struct bytes body);
/* net_scheduler_address asks the SU who it is: 43 characters in the arena. */
must_use enum err net_scheduler_address(struct net *net, struct bytes *address);

/* progress says on stderr, when stderr is a terminal, what is being waited for once it has taken a second;
 * progress_end wipes the line. */
struct progress;
struct progress *progress_begin(const char *what);
void progress_end(struct progress *p);

#endif
