/* SPDX-License-Identifier: MIT */
#include "node/commands.h"

#include "cli/identity.h"
#include "node/home.h"

#include <string.h>
#include <unistd.h>

enum { OPTION_HELP_MAX = 320, OWN_OPTIONS = 4 };

/* ---- settings ---- */

enum err settings_read(struct call *c, struct config *config, const char **home)
{
	const char *file = call_option(c, "config"), *text;
	enum err e = OK;

	config_init(config);
	*home = call_option(c, "home");
	if (!*home)
		e = home_directory(&c->arena, home, &c->note);
	if (e < 0)
		return e;
	if (!file) {
		file = home_file(&c->arena, *home, "weft.conf");
		file = access(file, F_OK) == 0 ? file : NULL;
	}
	if ((file && (e = config_read(config, file, &c->note)) < 0) ||
	    (e = config_read_environment(config, &c->note)) < 0)
		return e;
	for (int i = 0; i < CONFIG_KEYS && e == OK; i++) {
		text = call_option(c, config_rows[i].key);
		if (text)
			e = config_set(config, bytes_str(config_rows[i].key), bytes_str(text), FROM_OPTION, 0,
				       &c->note);
	}
	return e;
}

static int command_config(struct call *c)
{
	struct config config;
	const char *home;
	enum err e;

	if (call_has(c, "sample")) {
		config_sample(stdout);
		return 0;
	}
	e = settings_read(c, &config, &home);
	if (e == OK)
		config_explain(&config, home, call_has(c, "json"), stdout);
	config_release(&config);
	return e < 0 ? call_fail(c, e) : 0;
}

/* ---- the rows ---- */

static const struct option up_own[] = {
	{"home", "DIR", "where everything is kept (default ~/.weft, or WEFT_HOME)"},
	{"config", "FILE", "what to read instead of HOME/weft.conf"},
	{"topology", NULL, "draw what would start, in which order, and stop"},
	{NULL, NULL, NULL},
};

static const struct option config_own[] = {
	{"sample", NULL, "print a weft.conf with every key, its default and its meaning"},
	{"explain", NULL, "print what holds, and where each value came from (also without this option)"},
	{"home", "DIR", "whose weft.conf is read (default ~/.weft, or WEFT_HOME)"},
	{"config", "FILE", "what to read instead of HOME/weft.conf"},
	{NULL, NULL, NULL},
};

static const char *value_name(enum config_kind kind)
{
	switch (kind) {
	case CONFIG_IS_ADDRESS:
		return "ADDRESS";
	case CONFIG_IS_ADDRESSES:
		return "LIST";
	case CONFIG_IS_URL:
		return "URL";
	case CONFIG_IS_FILE:
		return "FILE";
	case CONFIG_IS_NUMBER:
		return "N";
	case CONFIG_IS_SIZE:
		return "SIZE";
	case CONFIG_IS_LEVEL:
		return "LEVEL";
	}
	return "VALUE";
}

static const char *option_help(enum config_key key)
{
	static char texts[CONFIG_KEYS][OPTION_HELP_MAX];
	const struct config_row *row = &config_rows[key];
	int n = snprintf(texts[key], OPTION_HELP_MAX, "%s%s%s%s", row->sentence, row->fallback[0] ? " (default " : "",
			 row->fallback, row->fallback[0] ? ")" : "");

	must(n < OPTION_HELP_MAX);
	return texts[key];
}

struct option_list {
	struct option list[CONFIG_KEYS + OWN_OPTIONS + 1];
};

/* The command's own options, then the keys that it reads; user 0: all. */
static const struct option *fill(struct option_list *options, const struct option *own, char user)
{
	size_t n = 0;

	for (; own->name; own++)
		options->list[n++] = *own;
	for (int i = 0; i < CONFIG_KEYS; i++)
		if (user == 0 || strchr(config_rows[i].users, user))
			options->list[n++] = (struct option){config_rows[i].key, value_name(config_rows[i].kind),
							     option_help((enum config_key)i)};
	must(n < sizeof(options->list) / sizeof(options->list[0]));
	return options->list;
}

static struct command rows[] = {
	{"up", NULL, "run a whole ao network on this machine, until Ctrl-C",
	 "Weave, uploader, MU, SU and CU listen on five ports in a row; state is kept in HOME, and\n"
	 "starting again goes on where it was. The first start makes the node's key.",
	 NULL, command_up},
	{"weave", NULL, "run only the embedded weave and its uploader",
	 "Items, bundles, blocks and GraphQL for units that run alone, as on a network of several machines.", NULL,
	 command_weave},
	{"su", NULL, "run only a scheduler unit", "It puts where it can be reached on the weave (--public-url).", NULL,
	 command_su},
	{"cu", NULL, "run only a compute unit", NULL, NULL, command_cu},
	{"mu", NULL, "run only a message unit",
	 "Processes trust what it sends when their Authority tag names the address of its key.", NULL, command_mu},
	{"config", NULL, "show the configuration", NULL, NULL, command_config},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct command *node_commands(void)
{
	static struct option_list options[sizeof(rows) / sizeof(rows[0])];

	for (size_t i = 0; rows[i].name && !rows[i].options; i++) {
		bool is_config = rows[i].run == command_config;
		rows[i].options = fill(&options[i], is_config ? config_own : up_own, is_config ? 0 : rows[i].name[0]);
	}
	return rows;
}
