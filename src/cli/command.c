/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include "cli/print.h"

#include <stdio.h>
#include <string.h>

const struct option common_options[] = {
	{"json", NULL, "print one JSON document instead of text for people"},
	{"help", NULL, "say what the command does and which options it has"},
	{NULL, NULL, NULL},
};

static const struct option *find_option(const struct option *options, struct bytes name)
{
	for (; options && options->name; options++)
		if (bytes_eq_str(name, options->name))
			return options;
	return NULL;
}

static const struct option *option_of(const struct command *command, struct bytes name)
{
	const struct option *own = find_option(command->options, name);

	return own ? own : find_option(common_options, name);
}

const char *call_option(const struct call *c, const char *name)
{
	for (size_t i = c->option_count; i-- > 0;)
		if (strcmp(c->given[i].name, name) == 0)
			return c->given[i].value;
	return NULL;
}

bool call_has(const struct call *c, const char *name)
{
	return call_option(c, name) != NULL;
}

const char *call_next(const struct call *c, const char *name, size_t *at)
{
	while (*at < c->option_count) {
		size_t i = (*at)++;
		if (strcmp(c->given[i].name, name) == 0)
			return c->given[i].value;
	}
	return NULL;
}

enum err call_number(struct call *c, const char *name, uint64_t low, uint64_t high, uint64_t fallback, uint64_t *out)
{
	const char *text = call_option(c, name);

	*out = fallback;
	if (!text || (bytes_u64(bytes_str(text), out) && *out >= low && *out <= high))
		return OK;
	return note_err(&c->note, E_ARGUMENT, "--%s wants a whole number from %llu to %llu, not '%s'", name,
			(unsigned long long)low, (unsigned long long)high, text);
}

static void fail_json(const char *text, enum err e, const char *hint)
{
	struct buf out = BUF_EMPTY, clean = BUF_EMPTY;
	struct jw w = jw_on(&out);

	jw_object(&w);
	jw_member(&w, "error", bytes_str(text));
	jw_member(&w, "code", bytes_str(err_name(e)));
	if (hint[0])
		jw_member(&w, "hint", bytes_str(hint));
	jw_object_end(&w);
	foreign_json(&clean, buf_bytes(&out));
	fprintf(stderr, "%s\n", buf_str(&clean));
	buf_release(&clean);
	buf_release(&out);
}

/* What went wrong may be told in a stranger's words, so both lines are cleaned. */
int call_fail(struct call *c, enum err e)
{
	struct buf out = BUF_EMPTY;

	fflush(stdout);
	if (call_has(c, "json")) {
		fail_json(note_text(&c->note, e), e, c->note.hint);
		return err_exit_code(e);
	}
	buf_put_str(&out, "weft: ");
	foreign_text(&out, bytes_str(note_text(&c->note, e)), (struct foreign){.one_line = true});
	if (c->note.hint[0]) {
		buf_put_str(&out, "\n      ");
		foreign_text(&out, bytes_str(c->note.hint), (struct foreign){.one_line = true});
	}
	fprintf(stderr, "%s\n", buf_str(&out));
	buf_release(&out);
	return err_exit_code(e);
}

/* How many of the words are the command's name; 0 when it is another command. */
static int name_matches(const struct command *command, int argc, char **argv)
{
	struct bytes rest = bytes_str(command->name);
	int n = 0;

	while (rest.len) {
		struct bytes word = bytes_cut(rest, ' ', &rest);
		if (n >= argc || !bytes_eq_str(word, argv[n]))
			return 0;
		n++;
	}
	return n;
}

static const struct command *find_command(const struct command_table *table, int argc, char **argv, int *words)
{
	const struct command *found = NULL;

	*words = 0;
	for (size_t g = 0; g < table->group_count; g++) {
		for (const struct command *command = table->groups[g]; command->name; command++) {
			int n = name_matches(command, argc, argv);
			if (n > *words) {
				*words = n;
				found = command;
			}
		}
	}
	return found;
}

static enum err no_such_option(struct call *c, struct bytes name)
{
	struct nearest near = {.word = name};

	for (const struct option *o = c->command->options; o && o->name; o++)
		nearest_offer(&near, o->name);
	for (const struct option *o = common_options; o->name; o++)
		nearest_offer(&near, o->name);
	note_err(&c->note, E_ARGUMENT, "weft %s has no option --%.*s", c->command->name, BYTES_FMT(name));
	if (near.best)
		note_hint(&c->note, "did you mean --%s?", near.best);
	else
		note_hint(&c->note, "weft %s --help lists its options", c->command->name);
	return E_ARGUMENT;
}

static enum err take_option(struct call *c, int argc, char **argv, int *i)
{
	struct bytes value, name = bytes_cut(bytes_str(argv[*i] + 2), '=', &value);
	const struct option *option = option_of(c->command, name);
	bool has_value = strchr(argv[*i], '=') != NULL;

	if (!option)
		return no_such_option(c, name);
	if (!option->value && has_value)
		return note_err(&c->note, E_ARGUMENT, "--%s takes no value", option->name);
	if (option->value && !has_value && *i + 1 >= argc)
		return note_err(&c->note, E_ARGUMENT, "--%s wants a value: %s", option->name, option->value);
	if (c->option_count == OPTIONS_MAX)
		return note_err(&c->note, E_LIMIT, "more than %d options", OPTIONS_MAX);
	c->given[c->option_count].name = option->name;
	c->given[c->option_count].value = !option->value ? "" : has_value ? strchr(argv[*i], '=') + 1 : argv[++*i];
	c->option_count++;
	return OK;
}

/* Required and allowed arguments, read off the row: "A B", "A [B]", "A [B...]". */
static void count_arguments(const char *synopsis, size_t *least, size_t *most)
{
	struct bytes rest = bytes_str(synopsis);

	*least = *most = 0;
	while (rest.len) {
		struct bytes word = bytes_cut(rest, ' ', &rest);
		if (word.ptr[0] != '[')
			++*least;
		++*most;
		if (bytes_ends(word, "...") || bytes_ends(word, "...]"))
			*most = ARGUMENTS_MAX;
	}
}

enum err call_parse(struct call *c, int argc, char **argv)
{
	bool options_over = false;
	size_t least, most;
	enum err e;

	for (int i = 0; i < argc; i++) {
		if (!options_over && strcmp(argv[i], "--") == 0) {
			options_over = true;
		} else if (!options_over && strcmp(argv[i], "-h") == 0 && c->option_count < OPTIONS_MAX) {
			c->given[c->option_count].name = "help";
			c->given[c->option_count++].value = "";
		} else if (!options_over && strncmp(argv[i], "--", 2) == 0) {
			e = take_option(c, argc, argv, &i);
			if (e < 0)
				return e;
		} else if (c->argument_count == ARGUMENTS_MAX) {
			return note_err(&c->note, E_LIMIT, "more than %d arguments", ARGUMENTS_MAX);
		} else {
			c->arguments[c->argument_count++] = argv[i];
		}
	}
	count_arguments(c->command->arguments, &least, &most);
	if (call_has(c, "help") || (c->argument_count >= least && c->argument_count <= most))
		return OK;
	note_err(&c->note, E_ARGUMENT, "weft %s wants %s%s, and got %zu argument%s", c->command->name,
		 most ? "" : "no arguments", most ? c->command->arguments : "", c->argument_count,
		 c->argument_count == 1 ? "" : "s");
	note_hint(&c->note, "weft %s --help says more", c->command->name);
	return E_ARGUMENT;
}

/* ---- words that are no command ---- */

/* The first half of a command of two words: says what its second half can be. */
static bool list_second_words(const struct command_table *table, const char *word, FILE *to)
{
	bool any = false;

	for (size_t g = 0; g < table->group_count; g++) {
		for (const struct command *command = table->groups[g]; command->name; command++) {
			struct bytes second, first = bytes_cut(bytes_str(command->name), ' ', &second);
			if (second.len == 0 || !bytes_eq_str(first, word))
				continue;
			fprintf(to, "%s  weft %s %s\n", any ? "" : "there are:\n", command->name,
				command->arguments ? command->arguments : "");
			any = true;
		}
	}
	return any;
}

static int unknown(const struct command_table *table, int argc, char **argv)
{
	struct nearest near = {.word = bytes_str(argv[0])};
	struct buf two = BUF_EMPTY;
	struct call c = {0};
	int code;

	if (argc > 1 && strcmp(argv[1], "--help") == 0 && list_second_words(table, argv[0], stdout))
		return 0;
	if (list_second_words(table, argv[0], stderr))
		return err_exit_code(E_ARGUMENT);
	for (size_t g = 0; g < table->group_count; g++)
		for (const struct command *command = table->groups[g]; command->name; command++)
			nearest_offer(&near, command->name);
	if (!near.best && argc > 1) { /* "walet new" */
		buf_printf(&two, "%s %s", argv[0], argv[1]);
		near.word = buf_bytes(&two);
		for (size_t g = 0; g < table->group_count; g++)
			for (const struct command *command = table->groups[g]; command->name; command++)
				nearest_offer(&near, command->name);
	}
	note_err(&c.note, E_ARGUMENT, "there is no command '%s'", argv[0]);
	if (near.best)
		note_hint(&c.note, "did you mean weft %s?", near.best);
	else
		note_hint(&c.note, "weft --help lists them");
	code = call_fail(&c, E_ARGUMENT);
	buf_release(&two);
	return code;
}

static int help(const struct command_table *table, int argc, char **argv)
{
	const struct command *command;
	int words;

	if (argc == 0) {
		help_overview(table);
		return 0;
	}
	if (strcmp(argv[0], "--man") == 0) {
		help_man(table);
		return 0;
	}
	if (strcmp(argv[0], "--completion") == 0) {
		help_completion(table);
		return 0;
	}
	command = find_command(table, argc, argv, &words);
	if (!command)
		return list_second_words(table, argv[0], stdout) ? 0 : unknown(table, argc, argv);
	help_command(command);
	return 0;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct call c = {.command = command};
	enum err e = call_parse(&c, argc, argv);
	int code = 0;

	if (e < 0)
		code = call_fail(&c, e);
	else if (call_has(&c, "help"))
		help_command(command);
	else
		code = command->run(&c);
	arena_release(&c.arena);
	return code;
}

int command_main(const struct command_table *table, int argc, char **argv)
{
	const struct command *command;
	int words;

	if (argc < 2) {
		help_overview(table);
		return err_exit_code(E_ARGUMENT);
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(table, argc - 2, argv + 2);
	if (strcmp(argv[1], "--version") == 0) {
		printf("weft %s\n", WEFT_VERSION);
		return 0;
	}
	command = find_command(table, argc - 1, argv + 1, &words);
	if (!command)
		return unknown(table, argc - 1, argv + 1);
	return run(command, argc - 1 - words, argv + 1 + words);
}
