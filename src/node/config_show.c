/* SPDX-License-Identifier: MIT
 *
 * config_show: the table of keys as people read it.
 */
#include "base/json.h"
#include "cli/command.h"
#include "cli/print.h"
#include "node/config.h"

#include <inttypes.h>
#include <string.h>

static const char *const commands[] = {"up", "weave", "su", "cu", "mu"};

/* "up weave su cu mu", as the letters of a row's users say. */
static void users_text(char out[32], const struct config_row *row)
{
	size_t n = 0;

	out[0] = 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strchr(row->users, commands[i][0]))
			n += (size_t)snprintf(out + n, 32 - n, "%s%s", n ? " " : "", commands[i]);
}

static void range_text(char out[96], const struct config_row *row)
{
	out[0] = 0;
	if (row->kind == CONFIG_IS_NUMBER || row->kind == CONFIG_IS_SIZE)
		snprintf(out, 96, "%" PRIu64 " to %" PRIu64 "%s%s", row->least, row->most, row->unit[0] ? " " : "",
			 row->unit);
}

void config_sample(FILE *out)
{
	char users[32], range[96];

	fprintf(out, "# weft.conf: every key, with its default. Lines are `key = value`; a later source wins:\n"
		     "# default, this file, WEFT_KEY in the environment, --key on the command line.\n");
	for (int i = 0; i < CONFIG_KEYS; i++) {
		const struct config_row *row = &config_rows[i];
		users_text(users, row);
		range_text(range, row);
		fprintf(out, "\n# %s (%s%s%s)\n# %s =%s%s\n", row->sentence, users, range[0] ? "; " : "", range,
			row->key, row->fallback[0] ? " " : "", row->fallback);
	}
}

/* "default", "FILE:LINE", "WEFT_PORT", "--port". */
static void source_text(char *out, size_t size, const struct config *c, enum config_key key)
{
	char variable[CONFIG_VARIABLE_MAX];

	switch (c->values[key].source) {
	case FROM_DEFAULT:
		snprintf(out, size, "default");
		break;
	case FROM_FILE:
		snprintf(out, size, "%s:%u", c->file, c->values[key].line);
		break;
	case FROM_ENVIRONMENT:
		config_variable(variable, key);
		snprintf(out, size, "%s", variable);
		break;
	case FROM_OPTION:
		snprintf(out, size, "--%s", config_rows[key].key);
		break;
	}
}

static void explain_json(const struct config *c, const char *home, FILE *out)
{
	struct buf text = BUF_EMPTY, clean = BUF_EMPTY;
	struct jw w = jw_on(&text);
	char source[512];

	jw_object(&w);
	jw_member(&w, "home", bytes_str(home));
	for (int i = 0; i < CONFIG_KEYS; i++) {
		source_text(source, sizeof(source), c, (enum config_key)i);
		jw_key(&w, config_rows[i].key);
		jw_object(&w);
		jw_member(&w, "value", bytes_str(c->values[i].text));
		jw_member(&w, "from", bytes_str(source));
		jw_object_end(&w);
	}
	jw_object_end(&w);
	foreign_json(&clean, buf_bytes(&text));
	fprintf(out, "%s\n", buf_str(&clean));
	buf_release(&text);
	buf_release(&clean);
}

void config_explain(const struct config *c, const char *home, bool json, FILE *out)
{
	struct buf clean = BUF_EMPTY;
	char source[512];

	if (json) {
		explain_json(c, home, out);
		return;
	}
	fprintf(out, "home %s\nfile %s\n\n", home,
		c->file ? c->file : "none (weft config --sample shows what could be in it)");
	for (int i = 0; i < CONFIG_KEYS; i++) {
		source_text(source, sizeof(source), c, (enum config_key)i);
		buf_clear(&clean);
		foreign_text(&clean, bytes_str(c->values[i].text), (struct foreign){.one_line = true});
		fprintf(out, "%-16s %-24s %s\n", config_rows[i].key, clean.len ? buf_str(&clean) : "(empty)", source);
	}
	buf_release(&clean);
}

void config_man(void)
{
	char users[32], range[96], line[400], variable[CONFIG_VARIABLE_MAX];

	printf(".SH CONFIGURATION\n");
	help_man_text("A node is told what to do by options, by variables of the environment and by weft.conf in its "
		      "home (or --config FILE), which has lines `key = value` and comments that begin with #. A later "
		      "source wins: default, file, environment, option. A key that does not exist stops the start. "
		      "weft config --explain says what holds and where it came from.");
	for (int i = 0; i < CONFIG_KEYS; i++) {
		const struct config_row *row = &config_rows[i];
		users_text(users, row);
		range_text(range, row);
		config_variable(variable, (enum config_key)i);
		printf(".TP\n\\fB");
		snprintf(line, sizeof(line), "%s = %s", row->key, row->fallback);
		line[strcspn(line, "\n")] = 0;
		help_man_inline(line);
		printf("\\fR\n");
		snprintf(line, sizeof(line), "%s (%s; %s%s%s)", row->sentence, users, variable, range[0] ? "; " : "",
			 range);
		help_man_text(line);
	}
	printf(".SH FILES\n");
	help_man_text(
		"~/.weft is the home of a node and of the command line's wallet; WEFT_HOME or --home name another. In "
		"it "
		"are key.json (the node's key), wallet.json (yours), weft.conf, weft.log, cache (translated modules), "
		"and weave, su, cu, mu (what the units keep).");
}
