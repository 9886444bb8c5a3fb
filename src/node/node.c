/* SPDX-License-Identifier: MIT */
#include "node/node.h"

#include "base/clock.h"
#include "http/http.h"
#include "msg/key.h"
#include "node/crash.h"
#include "node/home.h"

#include <inttypes.h>
#include <unistd.h>

enum {
	QUICK_MS = 60000,
	STOP_GRACE_MS = 2000, /* for what peers are answering */
	PATIENT_MS = 600000,  /* a process that nobody asked for a while is replayed first */
};

static enum err open_ground(struct node *node, struct note *note)
{
	const struct config *config = &node->config;
	enum err e = home_open(node->home, note);

	if (e < 0 || (e = home_log(&node->log_fd, node->home, note)) < 0)
		return e;
	node->log = log_open(node->log_fd, (enum log_level)config_number(config, CONFIG_LOG_LEVEL));
	log_also(node->log, STDERR_FILENO, LOG_BROKEN);
	crash_watch(node->log, node->log_fd);
	e = home_key(&node->key, node->home, config_text(config, CONFIG_KEY), &node->key_made, note);
	if (e < 0)
		return e;
	node->client = http_client_open(QUICK_MS, node->log);
	node->patient_client = http_client_open(PATIENT_MS, node->log);
	return OK;
}

bool node_port_is_own(const struct node *node)
{
	return node->alone && node->config.values[CONFIG_PORT].source == FROM_OPTION;
}

enum err node_open(struct node *node, struct note *note)
{
	uint64_t begin = clock_ns();
	enum part order[PARTS];
	size_t count = topology_start(order, node->here);
	enum err e;

	node->log_fd = -1;
	e = open_ground(node, note);
	for (size_t i = 0; i < count && e == OK; i++) {
		/* Also when it fails: its stop cleans up what there is. */
		node->started[node->started_count++] = order[i];
		e = part_start(node, order[i], note);
	}
	if (e < 0) {
		log_event(node->log, LOG_ODD, "node.start", "error=\"%s\"", note_text(note, e));
		node_close(node);
		return e;
	}
	log_event(node->log, LOG_INFO, "node.start", "version=%s pid=%d address=%s ms=%" PRIu64, WEFT_VERSION,
		  (int)getpid(), id_text(key_address(node->key)).s, (clock_ns() - begin) / 1000000);
	return OK;
}

void node_close(struct node *node)
{
	uint64_t begin = clock_ns();

	/* What a peer has not answered is asked again when we are back. */
	if (node->client)
		http_client_hurry(node->client, STOP_GRACE_MS);
	if (node->patient_client)
		http_client_hurry(node->patient_client, STOP_GRACE_MS);
	while (node->started_count)
		part_stop(node, node->started[--node->started_count]);
	if (node->client)
		http_client_close(node->client);
	if (node->patient_client)
		http_client_close(node->patient_client);
	if (node->key)
		key_free(node->key);
	log_event(node->log, LOG_INFO, "node.stop", "ms=%" PRIu64, (clock_ns() - begin) / 1000000);
	crash_watch(NULL, -1);
	if (node->log)
		log_close(node->log);
	if (node->log_fd >= 0)
		close(node->log_fd);
	arena_release(&node->arena);
}
