/* SPDX-License-Identifier: MIT
 *
 * node: a program that runs some or all of the units, put together.
 *
 *   config (config.h) + home (home.h) --> node_open --> parts start in the order of topology.h
 *                                                            |
 *                                  signal --> node_close --> parts stop in the opposite order
 *
 * parts.c has a start and a stop for each part, the only place where units meet; run.c is `weft up`
 * and `weft weave|su|cu|mu`: settings, signals, and what a person sees.
 */
#ifndef WEFT_NODE_NODE_H
#define WEFT_NODE_NODE_H

#include "base/log.h"
#include "flow/flow.h"
#include "node/config.h"
#include "node/topology.h"

enum { URL_TEXT_MAX = 300 };

struct node {
	/* What is known before anything starts. */
	struct config config;
	const char *home;
	unsigned here; /* the parts that this program runs */
	bool alone;    /* one unit, not a network */
	struct arena arena;

	struct log *log;
	int log_fd;
	struct key *key;
	bool key_made;
	struct http_client *client;         /* for quick answers */
	struct http_client *patient_client; /* for results, which may take minutes */

	/* What parts.c holds of each part while it runs. */
	struct store *weave_store, *su_store, *cu_store, *mu_store;
	struct local_weave *local_weave;
	struct weave weave;
	struct su *su;
	struct scheduler scheduler; /* self NULL: no home scheduler */
	struct location_keeper *location;
	struct locate *locate;
	struct readers *readers;
	struct cu *cu;
	struct computer computer;
	struct mu *mu;
	char weave_url[URL_TEXT_MAX], uploader_url[URL_TEXT_MAX], mu_url[URL_TEXT_MAX], su_url[URL_TEXT_MAX],
		cu_url[URL_TEXT_MAX];
	struct id module; /* the one that the network begins with; zero: none */

	enum part started[PARTS];
	size_t started_count;
};

/* node_open starts what node->here says; config, home, here and alone are set before. On an error nothing is left
 * running. */
must_use enum err node_open(struct node *node, struct note *note);
/* node_close stops what was started, and frees all but the config. */
void node_close(struct node *node);

/* node_port_is_own: a unit alone was given its port on the command line; otherwise the setting is the network's
 * first port, so that a file or an environment serves all units. */
bool node_port_is_own(const struct node *node);

/* parts.c */
must_use enum err part_start(struct node *node, enum part part, struct note *note);
void part_stop(struct node *node, enum part part);

#endif
