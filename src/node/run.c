/* SPDX-License-Identifier: MIT
 *
 * run: `weft up` and the units alone, from settings to the end: what is started, how a person sees
 * it, and how it stops.
 *
 * SIGINT, SIGTERM and SIGHUP stop it in good order; a second one stops it at once, which loses nothing
 * that was acknowledged. They are blocked before any thread begins, and so in the workers too: Ctrl-C
 * reaches a whole foreground group, and workers that died of it could not be checkpointed.
 */
#include "node/commands.h"
#include "node/memory.h"
#include "node/node.h"

#include "cli/print.h"
#include "msg/key.h"
#include "su/su.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- signals ---- */

static void signals_block(sigset_t *stops)
{
	struct sigaction now, ignore = {.sa_handler = SIG_IGN};

	sigemptyset(stops);
	sigaddset(stops, SIGINT);
	sigaddset(stops, SIGTERM);
	if (sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler != SIG_IGN) /* else: nohup */
		sigaddset(stops, SIGHUP);
	must(pthread_sigmask(SIG_BLOCK, stops, NULL) == 0);
	sigaction(SIGPIPE, &ignore, NULL); /* who reads our output may leave */
}

static void at_once(int signal)
{
	static const char text[] = "stopped at once\n";
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)signal;
	(void)written;
	_exit(err_exit_code(E_CLOSED));
}

static void next_signal_ends(const sigset_t *stops)
{
	struct sigaction act = {.sa_handler = at_once};

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	must(pthread_sigmask(SIG_UNBLOCK, stops, NULL) == 0);
}

/* ---- what a person sees ---- */

struct face {
	const char *name, *url, *what;
};

static size_t faces_of(const struct node *node, struct face faces[5])
{
	const struct face all[] = {
		{"weave", node->weave_url, "items, blocks, GraphQL"},
		{"uploader", node->uploader_url, "takes signed items"},
		{"mu", node->mu_url, "takes messages, and sends on what processes say"},
		{"su", node->su_url, "gives messages their place"},
		{"cu", node->cu_url, "computes results"},
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].url[0])
			faces[n++] = all[i];
	return n;
}

static void say_json(const struct node *node, const struct face *faces, size_t count, const char *address)
{
	struct buf out = BUF_EMPTY;
	struct jw w = jw_on(&out);

	jw_object(&w);
	jw_key(&w, "ready");
	jw_bool(&w, true);
	for (size_t i = 0; i < count; i++)
		jw_member(&w, faces[i].name, bytes_str(faces[i].url));
	jw_member(&w, "address", bytes_str(address));
	if (!id_is_zero(node->module))
		jw_member(&w, "module", bytes_str(id_text(node->module).s));
	jw_member(&w, "home", bytes_str(node->home));
	jw_object_end(&w);
	print_json(buf_bytes(&out));
	buf_release(&out);
}

static void say_on_terminal(const struct node *node, const struct face *faces, size_t count, const char *address)
{
	printf("weft %s is ", WEFT_VERSION);
	print_in(COLOR_GREEN, "ready");
	printf("\n\n");
	for (size_t i = 0; i < count; i++) {
		printf("  %-9s %-24s ", faces[i].name, faces[i].url);
		print_in(COLOR_DIM, "%s", faces[i].what);
		printf("\n");
	}
	printf("  %-9s %s\n", "address", address);
	if (!id_is_zero(node->module))
		printf("  %-9s %s\n", "module", id_text(node->module).s);
	printf("\nkept in %s, log in %s/weft.log; Ctrl-C stops it\n", node->home, node->home);
	if (!node->key_made || node->alone)
		return;
	printf("\nnext, in another terminal:\n");
	if (config_given(&node->config, CONFIG_PORT))
		printf("  export WEFT_PORT=%" PRIu64 "\n", config_number(&node->config, CONFIG_PORT));
	printf("  weft console\n  echo 'return 6 * 7' | weft console NAME\n");
}

static void say_ready(const struct node *node, bool json)
{
	struct id_text address = id_text(key_address(node->key));
	struct face faces[5];
	size_t count = faces_of(node, faces);

	if (json) {
		say_json(node, faces, count, address.s);
	} else if (isatty(STDOUT_FILENO)) {
		say_on_terminal(node, faces, count, address.s);
	} else {
		printf("weft %s ready:", WEFT_VERSION);
		for (size_t i = 0; i < count; i++)
			printf(" %s %s", faces[i].name, faces[i].url);
		printf(" address %s\n", address.s);
	}
	fflush(stdout);
}

/* Who listens on every address is meant to be reached from elsewhere, where 127.0.0.1 is somebody else. */
static void warn_of_location(const struct node *node)
{
	const char *listen = config_text(&node->config, CONFIG_LISTEN);

	if (!node->su || config_text(&node->config, CONFIG_PUBLIC_URL)[0])
		return;
	if (strcmp(listen, "0.0.0.0") == 0 || strcmp(listen, "::") == 0)
		fprintf(stderr,
			"weft: others are told that the scheduler is at %s; --public-url URL tells them better\n",
			node->su_url);
}

static void warn_of_weave(const struct node *node)
{
	if (node->su && !su_is_ready(node->su))
		fprintf(stderr,
			"weft: the weave does not answer; until it does, messages are told to come again (503)\n");
}

static void say_to_person(const char *text)
{
	if (!isatty(STDOUT_FILENO))
		return;
	fputs(text, stdout);
	fflush(stdout);
}

static int draw_topology(const struct node *node)
{
	struct buf out = BUF_EMPTY;

	topology_picture(&out, node->here);
	fwrite(out.ptr, 1, out.len, stdout);
	buf_release(&out);
	return 0;
}

/* ---- from start to end ---- */

/* All ports that follow the first must exist. */
static enum err check_ports(const struct node *node, struct note *note)
{
	uint64_t first = config_number(&node->config, CONFIG_PORT), more = 4;

	if (node_port_is_own(node))
		more = node->here & PART_BIT(PART_WEAVE) ? 1 : 0;
	if (first + more <= 65535)
		return OK;
	return note_err(note, E_ARGUMENT, "port %" PRIu64 " is too high: %" PRIu64 " more have to follow it", first,
			more);
}

/* The signal that stops us. While there is none, memory is looked after. */
static int wait_for_stop(const sigset_t *stops)
{
	struct timespec look = {.tv_sec = MEMORY_LOOK_MS / 1000};
	struct memory_watch watch = {0};
	int signal;

	while ((signal = sigtimedwait(stops, NULL, &look)) < 0)
		memory_look(&watch);
	return signal;
}

static int serve(struct call *c, struct node *node)
{
	sigset_t stops;
	int signal;
	enum err e;

	signals_block(&stops);
	memory_prepare();
	e = node_open(node, &c->note);
	if (e < 0)
		return call_fail(c, e);
	say_ready(node, call_has(c, "json"));
	warn_of_location(node);
	warn_of_weave(node);
	signal = wait_for_stop(&stops);
	next_signal_ends(&stops);
	log_event(node->log, LOG_INFO, "node.stopping", "signal=%d", signal);
	say_to_person("\nstopping (again: at once)\n");
	node_close(node);
	say_to_person("stopped; starting it again goes on from here\n");
	return 0;
}

static int run(struct call *c, unsigned here, bool alone)
{
	struct node *node = calloc(1, sizeof(*node));
	enum err e;
	int code;

	must(node != NULL);
	node->here = here;
	node->alone = alone;
	e = settings_read(c, &node->config, &node->home);
	if (e == OK)
		e = check_ports(node, &c->note);
	code = e < 0 ? call_fail(c, e) : call_has(c, "topology") ? draw_topology(node) : serve(c, node);
	config_release(&node->config);
	free(node);
	return code;
}

int command_up(struct call *c)
{
	return run(c, PARTS_ALL, false);
}

int command_weave(struct call *c)
{
	return run(c, PART_BIT(PART_WEAVE), true);
}

int command_su(struct call *c)
{
	return run(c, PART_BIT(PART_SU) | PART_BIT(PART_LOCATION), true);
}

int command_cu(struct call *c)
{
	return run(c, PART_BIT(PART_CU), true);
}

int command_mu(struct call *c)
{
	return run(c, PART_BIT(PART_MU), true);
}
