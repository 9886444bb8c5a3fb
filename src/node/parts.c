/* SPDX-License-Identifier: MIT
 *
 * parts: how each part of a node starts and stops. A start that fails leaves what its stop can clean up.
 */
#include "cu/cu.h"
#include "flow/http_computer.h"
#include "flow/http_scheduler.h"
#include "flow/locate.h"
#include "http/http.h"
#include "mu/mu.h"
#include "node/home.h"
#include "node/location.h"
#include "node/module.h"
#include "node/node.h"
#include "reader/reader.h"
#include "store/store.h"
#include "su/su.h"
#include "weave/local.h"
#include "weave/remote.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The places of the units' ports after the first. */
enum { AT_WEAVE, AT_UPLOADER, AT_MU, AT_SU, AT_CU };
enum { PORT_DEFAULT = 4000 };

static bool runs_here(const struct node *node, enum part part)
{
	return node->here & PART_BIT(part);
}

/* The port that was given is the first of the network's, except a unit's on the command line: that is its own. */
static uint16_t port_of(const struct node *node, unsigned place)
{
	uint64_t port = config_number(&node->config, CONFIG_PORT);

	if (node_port_is_own(node))
		place = place == AT_UPLOADER ? 1 : 0;
	return (uint16_t)(port + place);
}

static const char *listen_address(const struct node *node)
{
	return config_text(&node->config, CONFIG_LISTEN);
}

/* Where this machine reaches what listens there. */
static void url_of(const struct node *node, char out[URL_TEXT_MAX], uint16_t port)
{
	const char *address = listen_address(node);
	bool every = strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;

	if (every)
		address = "127.0.0.1";
	snprintf(out, URL_TEXT_MAX, strchr(address, ':') ? "http://[%.200s]:%u" : "http://%.200s:%u", address, port);
}

static enum err open_store(struct node *node, struct store **store, const char *name, struct note *note)
{
	enum err e = store_open_local(store, home_file(&node->arena, node->home, name), node->log, note);

	if (e == E_BUSY && note) { /* the store's own hint knows nothing of homes */
		note->hint[0] = 0;
		note_hint(note, "stop that one first, or give this one a home of its own: --home DIR");
	}
	return e;
}

static void close_store(struct store **store)
{
	if (*store)
		store_close(*store);
	*store = NULL;
}

/* ---- weave ---- */

static bool gateway_is_local(const struct node *node)
{
	return config_text(&node->config, CONFIG_GATEWAY)[0] == 0;
}

/* What was said, or where the network on this machine has it. */
static struct bytes or_local(struct node *node, enum config_key key, unsigned place)
{
	const char *text = config_text(&node->config, key);
	uint64_t first = node_port_is_own(node) ? PORT_DEFAULT : config_number(&node->config, CONFIG_PORT);

	return text[0] ? bytes_str(text) : arena_printf(&node->arena, "http://127.0.0.1:%" PRIu64, first + place);
}

static struct bytes or_local_if_all_is(struct node *node, enum config_key key, unsigned place)
{
	bool given = config_text(&node->config, key)[0];

	return given || gateway_is_local(node) ? or_local(node, key, place) : bytes_of(NULL, 0);
}

static void weave_elsewhere(struct node *node)
{
	node->weave = remote_weave_new(&(struct remote_weave_options){
		.client = node->client,
		.gateway = or_local(node, CONFIG_GATEWAY, AT_WEAVE),
		.graphql = bytes_str(config_text(&node->config, CONFIG_GRAPHQL)),
		.node = bytes_str(config_text(&node->config, CONFIG_NODE)),
		.uploader = or_local_if_all_is(node, CONFIG_UPLOADER, AT_UPLOADER),
		.log = node->log,
	});
}

static enum err weave_start(struct node *node, struct note *note)
{
	uint16_t weave_port = port_of(node, AT_WEAVE), uploader_port = port_of(node, AT_UPLOADER);
	struct local_weave_options options = {
		.key = node->key, .block_ms = config_number(&node->config, CONFIG_BLOCK_MS), .log = node->log};
	enum err e;

	if (!runs_here(node, PART_WEAVE)) {
		weave_elsewhere(node);
		return OK;
	}
	e = open_store(node, &node->weave_store, "weave", note);
	if (e < 0)
		return e;
	options.store = node->weave_store;
	if ((e = local_weave_open(&node->local_weave, &options, note)) < 0 ||
	    (e = local_weave_serve(node->local_weave, listen_address(node), weave_port, NULL, note)) < 0 ||
	    (e = local_weave_serve_uploader(node->local_weave, listen_address(node), uploader_port, NULL, note)) < 0)
		return e;
	node->weave = local_weave_port(node->local_weave);
	url_of(node, node->weave_url, weave_port);
	url_of(node, node->uploader_url, uploader_port);
	return OK;
}

static void weave_stop(struct node *node)
{
	if (node->local_weave)
		local_weave_close(node->local_weave);
	else if (node->weave.self)
		remote_weave_free(node->weave);
	node->local_weave = NULL;
	node->weave.self = NULL;
	close_store(&node->weave_store);
}

/* ---- su ---- */

static enum err su_start(struct node *node, struct note *note)
{
	uint16_t port = port_of(node, AT_SU);
	struct bytes url = or_local_if_all_is(node, CONFIG_SU, AT_SU);
	struct su_options options = {.weave = node->weave, .key = node->key, .log = node->log};
	enum err e;

	if (!runs_here(node, PART_SU)) {
		if (url.len)
			node->scheduler = http_scheduler_new(node->client, url);
		return OK;
	}
	e = open_store(node, &node->su_store, "su", note);
	if (e < 0)
		return e;
	options.store = node->su_store;
	if ((e = su_open(&node->su, &options, note)) < 0 ||
	    (e = su_serve(node->su, listen_address(node), port, NULL, note)) < 0)
		return e;
	node->scheduler = su_port(node->su);
	url_of(node, node->su_url, port);
	return OK;
}

static void su_stop(struct node *node)
{
	if (node->su)
		su_close(node->su);
	else if (node->scheduler.self)
		http_scheduler_free(node->scheduler);
	node->su = NULL;
	node->scheduler.self = NULL;
	close_store(&node->su_store);
}

/* ---- location ---- */

/* A location that cannot be put is no reason not to schedule: who knows the URL can still use it. */
static enum err location_start(struct node *node, struct note *note)
{
	const char *wanted = config_text(&node->config, CONFIG_PUBLIC_URL);
	struct location location = {.url = bytes_str(wanted[0] ? wanted : node->su_url),
				    .time_to_live_ms = config_number(&node->config, CONFIG_LOCATION_TTL_MS)};

	(void)note;
	if (node->local_weave) /* elsewhere nobody would heed it */
		location.stands_for = bytes_str(config_text(&node->config, CONFIG_STANDS_FOR));
	node->location = location_keep(&node->weave, node->key, &location, node->log);
	return OK;
}

static void location_stop(struct node *node)
{
	location_leave(node->location);
	node->location = NULL;
}

/* ---- locate ---- */

static enum err locate_start(struct node *node, struct note *note)
{
	struct locate_options options = {
		.weave = node->weave, .client = node->client, .home = node->scheduler, .log = node->log};
	struct id_text address;

	(void)note;
	if (node->su) {
		address = id_text(su_address(node->su));
		options.home_address = bytes_str(address.s);
	}
	node->locate = locate_open(&options);
	return OK;
}

static void locate_stop(struct node *node)
{
	locate_close(node->locate);
	node->locate = NULL;
}

/* ---- cu ---- */

static enum err readers_start(struct node *node, struct note *note)
{
	struct readers_options options = {.cache = home_file(&node->arena, node->home, "cache"),
					  .built = code_directory(&node->arena),
					  .turn_ms_max = config_number(&node->config, CONFIG_TURN_MS_MAX),
					  .log = node->log};
	enum err e = program_path(&node->arena, &options.compile, "weft-compile", note);

	if (e == OK)
		e = program_path(&node->arena, &options.worker, "weft-worker", note);
	return e < 0 ? e : readers_open(&node->readers, &options, note);
}

static enum err cu_start(struct node *node, struct note *note)
{
	uint16_t port = port_of(node, AT_CU);
	const struct config *config = &node->config;
	struct cu_options options = {.weave = node->weave,
				     .locate = node->locate,
				     .key = node->key,
				     .memory_max = config_number(config, CONFIG_MEMORY_MAX),
				     .gas_max = config_number(config, CONFIG_GAS_MAX),
				     .live_max = config_number(config, CONFIG_LIVE_MAX),
				     .live_memory = config_number(config, CONFIG_LIVE_MEMORY),
				     .dry_ms_max = config_number(config, CONFIG_DRY_MS_MAX),
				     .drive_bytes_max = config_number(config, CONFIG_DRIVE_BYTES_MAX),
				     .upload_gas = config_number(config, CONFIG_UPLOAD_GAS),
				     .log = node->log};
	enum err e;

	if (!runs_here(node, PART_CU)) {
		node->computer = http_computer_new(node->patient_client, or_local(node, CONFIG_CU, AT_CU));
		return OK;
	}
	if ((e = readers_start(node, note)) < 0 || (e = open_store(node, &node->cu_store, "cu", note)) < 0)
		return e;
	options.readers = node->readers;
	options.store = node->cu_store;
	if ((e = cu_open(&node->cu, &options, note)) < 0 ||
	    (e = cu_serve(node->cu, listen_address(node), port, NULL, note)) < 0)
		return e;
	node->computer = cu_port(node->cu);
	url_of(node, node->cu_url, port);
	return OK;
}

static void cu_stop(struct node *node)
{
	if (node->cu)
		cu_close(node->cu);
	else if (node->computer.self)
		http_computer_free(node->computer);
	node->cu = NULL;
	node->computer.self = NULL;
	if (node->readers)
		readers_close(node->readers);
	node->readers = NULL;
	close_store(&node->cu_store);
}

/* ---- mu ---- */

/* What a setting's file says; nothing when none is named. */
static enum err read_setting(struct node *node, enum config_key key, struct bytes *out, struct note *note)
{
	const char *path = config_text(&node->config, key);
	enum err e = path[0] ? file_read(&node->arena, path, out, note) : OK;

	if (e == OK && path[0] && out->len == 0)
		return note_err(note, E_FORMAT, "%s is empty", path);
	return e;
}

static enum err mu_start(struct node *node, struct note *note)
{
	uint16_t port = port_of(node, AT_MU);
	struct mu_options options = {.weave = node->weave,
				     .locate = node->locate,
				     .computer = node->computer,
				     .key = node->key,
				     .log = node->log};
	enum err e = open_store(node, &node->mu_store, "mu", note);

	if (e < 0)
		return e;
	options.store = node->mu_store;
	if ((e = read_setting(node, CONFIG_WHITELIST, &options.whitelist, note)) < 0 ||
	    (e = read_setting(node, CONFIG_RATE_LIMITS, &options.rate_limits, note)) < 0)
		return e;
	if ((e = mu_open(&node->mu, &options, note)) < 0 ||
	    (e = mu_serve(node->mu, listen_address(node), port, NULL, note)) < 0)
		return e;
	url_of(node, node->mu_url, port);
	return OK;
}

static void mu_stop(struct node *node)
{
	if (node->mu)
		mu_close(node->mu);
	node->mu = NULL;
	close_store(&node->mu_store);
}

/* ---- module ---- */

/* A network without a module of its own is still a network: modules can be published. */
static enum err module_start(struct node *node, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	const char *path;
	struct bytes wasm;
	uint64_t gas = config_number(&node->config, CONFIG_COMPUTE_LIMIT),
		 gas_max = config_number(&node->config, CONFIG_GAS_MAX);
	struct module_limits limits = {config_number(&node->config, CONFIG_MEMORY_MAX), gas < gas_max ? gas : gas_max};
	struct note why = {0};
	bool published = false;
	enum err e = module_path(&a, &path, &why);

	(void)note;
	if (e == OK)
		e = file_read(&a, path, &wasm, &why);
	if (e == OK)
		e = module_publish(&node->weave, node->key, wasm, &limits, &node->module, &published, &why);
	if (e < 0)
		log_event(node->log, LOG_ODD, "node.module", "error=\"%s\"", note_text(&why, e));
	else
		log_event(node->log, LOG_INFO, "node.module", "id=%s published=%d", id_text(node->module).s, published);
	arena_release(&a);
	return OK;
}

static void module_stop(struct node *node)
{
	(void)node; /* it stays on the weave */
}

/* ---- all of them ---- */

static const struct {
	enum err (*start)(struct node *node, struct note *note);
	void (*stop)(struct node *node);
} parts[PARTS] = {
	[PART_WEAVE] = {weave_start, weave_stop},
	[PART_SU] = {su_start, su_stop},
	[PART_LOCATION] = {location_start, location_stop},
	[PART_LOCATE] = {locate_start, locate_stop},
	[PART_CU] = {cu_start, cu_stop},
	[PART_MU] = {mu_start, mu_stop},
	[PART_MODULE] = {module_start, module_stop},
};

enum err part_start(struct node *node, enum part part, struct note *note)
{
	return parts[part].start(node, note);
}

void part_stop(struct node *node, enum part part)
{
	parts[part].stop(node);
}
