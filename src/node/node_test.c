/* SPDX-License-Identifier: MIT
 *
 * How settings are read, where they come from, that the table of parts gives an order, and when memory is given back.
 */
#include "node/config.h"
#include "node/memory.h"
#include "node/topology.h"
#include "test/test.h"

#include <stdlib.h>
#include <string.h>

/* ---- config ---- */

static struct config config;
static struct note note;

static enum err read_text(const char *text)
{
	config_release(&config);
	config_init(&config);
	note_reset(&note);
	return config_read_text(&config, "some/weft.conf", bytes_str(text), &note);
}

TEST(every_default_is_valid_and_every_row_has_its_words)
{
	config_init(&config); /* which checks the defaults */
	for (int i = 0; i < CONFIG_KEYS; i++) {
		const struct config_row *row = &config_rows[i];
		t_check(row->key[0] && row->sentence[0] && row->users[0]);
		t_check(row->users[strspn(row->users, "uwscm")] == 0);
		t_check(row->key[strspn(row->key, "abcdefghijklmnopqrstuvwxyz-")] == 0);
		t_check(!config_given(&config, (enum config_key)i));
	}
	t_u64(config_number(&config, CONFIG_PORT), 4000);
	t_u64(config_number(&config, CONFIG_MEMORY_MAX), (uint64_t)4 << 30);
	t_str(config_text(&config, CONFIG_LISTEN), "127.0.0.1");
}

TEST(a_file_is_lines_of_key_and_value)
{
	t_ok(read_text("# comment\n\n  port = 5000  \r\nlisten=0.0.0.0\nmemory-max = 512 MiB\n"
		       "public-url = https://su.example.org/\nkey = /a path/with = in it"));
	t_u64(config_number(&config, CONFIG_PORT), 5000);
	t_u64(config.values[CONFIG_PORT].line, 3);
	t_str(config_text(&config, CONFIG_LISTEN), "0.0.0.0");
	t_u64(config_number(&config, CONFIG_MEMORY_MAX), 512 << 20);
	t_str(config_text(&config, CONFIG_PUBLIC_URL), "https://su.example.org");
	t_str(config_text(&config, CONFIG_KEY), "/a path/with = in it");
	t_check(config_given(&config, CONFIG_PORT) && !config_given(&config, CONFIG_GAS_MAX));
	t_ok(read_text("stands-for =\n"));
	t_str(config_text(&config, CONFIG_STANDS_FOR), "");
	t_ok(read_text(""));
	t_ok(read_text("port = 1\nport = 2\n"));
	t_u64(config_number(&config, CONFIG_PORT), 2);
}

static void refused(const char *text, const char *where, const char *hint)
{
	t_err(read_text(text), E_ARGUMENT);
	if (!strstr(note.text, where) || (hint && !strstr(note.hint, hint)))
		t_fail("%s: said '%s' and '%s'", text, note.text, note.hint);
}

TEST(what_is_wrong_in_a_file_is_named_with_its_line)
{
	refused("\n# x\nprot = 5000", "some/weft.conf:3: there is no key 'prot'", "did you mean 'port'?");
	refused("frobnicate = 1", "weft.conf:1: there is no key 'frobnicate'", "weft config --sample");
	refused("port", "weft.conf:1: a line is `key = value`, not 'port'", NULL);
	refused("= 5", "there is no key ''", NULL);
	refused("port = many", "port wants a whole number from 1 to 65535, not 'many'", NULL);
	refused("port = 0", "not '0'", NULL);
	refused("port = 65536", "not '65536'", NULL);
	refused("port = -1", "not '-1'", NULL);
	refused("port =", "not ''", NULL);
	refused("port = 99999999999999999999999", "whole number", NULL);
	refused("memory-max = 1TiB", "memory-max wants a size", NULL);
	refused("memory-max = 99999999999GiB", "memory-max wants a size", NULL);
	refused("memory-max = 16", "memory-max wants a size", NULL);
	refused("log-level = loud", "log-level is trace", NULL);
	refused("listen =", "listen wants an address", NULL);
	refused("gateway = arweave.net", "gateway wants a URL", NULL);
	refused("gateway = http://", "gateway wants a URL", NULL);
	refused("gateway = http://a b", "gateway wants a URL", NULL);
	refused("stands-for = someone", "stands-for wants at most 16 addresses of 43 characters", NULL);
	refused("stands-for = TZ7o7SIZ06ZEJ14lXwVtng1EtSx60QkPy-kh-kdAXog,", "stands-for wants", NULL);
	refused("stands-for = TZ7o7SIZ06ZEJ14lXwVtng1EtSx60QkPy-kh-kdAXog,,", "stands-for wants", NULL);
	refused("PORT = 5000", "there is no key 'PORT'", NULL);
}

TEST(a_zero_byte_is_refused)
{
	config_init(&config);
	t_err(config_read_text(&config, "f", BYTES("key = /a\0b\n"), &note), E_ARGUMENT);
	t_err(config_read_text(&config, "f", BYTES("ke\0y = /a\n"), &note), E_ARGUMENT);
}

TEST(later_sources_win_and_say_where_they_are)
{
	char *text = NULL;
	size_t len;
	FILE *out;

	t_ok(read_text("port = 5000\nlive-max = 7\nblock-ms = 100\n"));
	setenv("WEFT_PORT", "6000", 1);
	setenv("WEFT_LIVE_MAX", "8", 1);
	setenv("WEFT_GAS_MAX", "", 1); /* empty: not said */
	t_ok(config_read_environment(&config, &note));
	t_ok(config_set(&config, BYTES("port"), BYTES("7000"), FROM_OPTION, 0, &note));
	t_u64(config_number(&config, CONFIG_PORT), 7000);
	t_u64(config_number(&config, CONFIG_LIVE_MAX), 8);
	t_u64(config_number(&config, CONFIG_BLOCK_MS), 100);
	out = open_memstream(&text, &len);
	config_explain(&config, "/home/me", false, out);
	fclose(out);
	t_check(strstr(text, "--port\n") && strstr(text, "WEFT_LIVE_MAX\n") && strstr(text, "some/weft.conf:3\n") &&
		strstr(text, "default\n"));
	free(text);
	setenv("WEFT_LIVE_MAX", "none", 1);
	t_err(config_read_environment(&config, &note), E_ARGUMENT);
	t_check(strstr(note.text, "WEFT_LIVE_MAX in the environment") != NULL);
}

/* The sample is the table: all of it can be read back, when its comments are taken away. */
TEST(the_sample_can_be_read_back)
{
	char *text = NULL;
	struct buf plain = BUF_EMPTY;
	struct bytes rest, line;
	size_t len, keys = 0;
	FILE *out = open_memstream(&text, &len);

	config_sample(out);
	fclose(out);
	t_ok(read_text(text));
	for (int i = 0; i < CONFIG_KEYS; i++)
		t_check(!config_given(&config, (enum config_key)i));
	for (rest = bytes_str(text); rest.len;) {
		line = bytes_cut(rest, '\n', &rest);
		for (int i = 0; i < CONFIG_KEYS; i++) {
			char start[64];
			snprintf(start, sizeof(start), "# %s =", config_rows[i].key);
			if (bytes_starts(line, start)) {
				buf_put_bytes(&plain, bytes_from(line, 2));
				buf_put_u8(&plain, '\n');
				keys++;
			}
		}
	}
	t_u64(keys, CONFIG_KEYS);
	t_ok(read_text(buf_str(&plain)));
	buf_release(&plain);
	free(text);
}

TEST(a_file_that_is_not_there_or_not_a_file)
{
	config_init(&config);
	t_err(config_read(&config, "/nowhere/weft.conf", &note), E_NOT_FOUND);
	note_reset(&note);
	t_err(config_read(&config, "/", &note), E_IO);
}

/* ---- topology ---- */

static size_t place_of(const enum part *order, size_t count, enum part part)
{
	for (size_t i = 0; i < count; i++)
		if (order[i] == part)
			return i;
	t_fail("%s does not start", topology[part].name);
	return 0;
}

TEST(parts_start_after_what_they_need)
{
	enum part order[PARTS];
	size_t count = topology_start(order, PARTS_ALL);

	t_u64(count, PARTS);
	for (int part = 0; part < PARTS; part++)
		for (int need = 0; need < PARTS; need++)
			if (topology[part].needs & PART_BIT(need))
				t_check(place_of(order, count, (enum part)need) <
					place_of(order, count, (enum part)part));
}

TEST(a_unit_alone_starts_only_what_it_needs)
{
	enum part order[PARTS];

	t_u64(topology_start(order, PART_BIT(PART_WEAVE)), 1);
	t_u64(order[0], PART_WEAVE);
	t_u64(topology_start(order, PART_BIT(PART_SU) | PART_BIT(PART_LOCATION)), 3);
	t_u64(order[0], PART_WEAVE);
	t_u64(order[1], PART_SU);
	/* The MU needs the CU, which is elsewhere: what a CU needs is not started for it. */
	t_u64(topology_start(order, PART_BIT(PART_MU)), 5);
	t_u64(order[4], PART_MU);
	t_u64(topology_start(order, PART_BIT(PART_CU)), 4);
	t_u64(order[3], PART_CU);
}

TEST(the_picture_shows_every_need)
{
	struct buf out = BUF_EMPTY;

	topology_picture(&out, PARTS_ALL);
	t_check(strstr(buf_str(&out), "\n  1  weave     o                          items") != NULL);
	t_check(strstr(buf_str(&out), "\n  2  su        +---o                      each") != NULL);
	t_check(strstr(buf_str(&out), "\n  5  cu        +-----------+---o          results") != NULL);
	t_check(strstr(buf_str(&out), "\n  6  mu        +-----------+---+---o      the way in") != NULL);
	buf_release(&out);
}

/* ---- memory ---- */

TEST(memory_is_given_back_once_a_burst_is_over)
{
	struct memory_watch w = {.now_ms = 1000};

	t_check(!memory_is_due(&w, 6000, 200));   /* calm, and nothing has happened yet */
	t_check(!memory_is_due(&w, 11000, 4000)); /* busy */
	t_check(!memory_is_due(&w, 16000, 4300));
	t_check(memory_is_due(&w, 21000, 4400));
	t_check(!memory_is_due(&w, 26000, 4500)); /* nothing more to give */
	t_check(!memory_is_due(&w, 31000, 4700));
	t_check(memory_is_due(&w, 36000, 4900)); /* many small things are a burst too */
}

TEST_MAIN
