/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

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

int call_fail(struct call *c, enum err e)
{
	fprintf(stderr, "weft: %s\n", note_text(&c->note, e));
	if (c->note.hint[0])
		fprintf(stderr, "      %s\n", c->note.hint);
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

static enum err take_option(struct call *c, int argc, char **argv, int *i)
{
	struct bytes value, name = bytes_cut(bytes_str(argv[*i] + 2), '=', &value);
	const struct option *option = option_of(c->command, name);
	bool has_value = strchr(argv[*i], '=') != NULL;

	if (!option) {
		note_err(&c->note, E_ARGUMENT, "%s has no option --%.*s", c->command->name, BYTES_FMT(name));
		note_hint(&c->note, "weft %s --help lists its options", c->command->name);
		return E_ARGUMENT;
	}
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

static enum err parse(struct call *c, int argc, char **argv)
{
	bool options_over = false;
	size_t least, most;
	enum err e;

	for (int i = 0; i < argc; i++) {
		if (!options_over && strcmp(argv[i], "--") == 0) {
			options_over = true;
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
	note_err(&c->note, E_ARGUMENT, "usage: weft %s%s%s", c->command->name, c->command->arguments ? " " : "",
		 c->command->arguments ? c->command->arguments : "");
	note_hint(&c->note, "weft %s --help says more", c->command->name);
	return E_ARGUMENT;
}

static int unknown(const char *word)
{
	fprintf(stderr, "weft: there is no command '%s'\n      weft --help lists them\n", word);
	return err_exit_code(E_ARGUMENT);
}

int command_main(const struct command_table *table, int argc, char **argv)
{
	struct call c = {0};
	int words, code;
	enum err e;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		if (argc > 2 && strcmp(argv[2], "--man") == 0) {
			help_man(table);
			return 0;
		}
		if (argc > 2 && (c.command = find_command(table, argc - 2, argv + 2, &words)) != NULL) {
			help_command(c.command);
			return 0;
		}
		if (argc > 2)
			return unknown(argv[2]);
		help_overview(table);
		return argc < 2 ? err_exit_code(E_ARGUMENT) : 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("weft %s\n", WEFT_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "completion") == 0) {
		help_completion(table);
		return 0;
	}
	c.command = find_command(table, argc - 1, argv + 1, &words);
	if (!c.command)
		return unknown(argv[1]);
	e = parse(&c, argc - 1 - words, argv + 1 + words);
	if (e < 0) {
		code = call_fail(&c, e);
	} else if (call_has(&c, "help")) {
		help_command(c.command);
		code = 0;
	} else {
		code = c.command->run(&c);
	}
	arena_release(&c.arena);
	return code;
}
