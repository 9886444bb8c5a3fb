/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LINE_WIDTH = 80, COMMAND_WIDTH = 24, OPTION_WIDTH = 20 };

/* ---- for people ---- */

void help_overview(const struct command_table *table)
{
	printf("weft %s: the ao computer\n\nusage: weft COMMAND [ARGUMENTS] [--options]\n", WEFT_VERSION);
	for (size_t g = 0; g < table->group_count; g++) {
		printf("\n%s\n", table->titles[g]);
		for (const struct command *command = table->groups[g]; command->name; command++) {
			char left[64];
			snprintf(left, sizeof(left), "%s %s", command->name,
				 command->arguments ? command->arguments : "");
			printf("  %-*s %s\n", COMMAND_WIDTH, left, command->summary);
		}
	}
	printf("\nmore\n"
	       "  weft COMMAND --help      what a command does, and its options\n"
	       "  weft help --man          the manual page: weft help --man | man -l -\n"
	       "  weft help --completion   for bash: source <(weft help --completion)\n"
	       "  weft --version           which weft this is\n");
}

/* Words in lines of at most LINE_WIDTH, each line but the first after `indent` blanks. */
static void print_wrapped(const char *text, int indent)
{
	struct bytes rest = bytes_str(text);
	int column = indent;

	while (rest.len) {
		struct bytes word = bytes_cut(rest, ' ', &rest);
		if (column > indent && column + 1 + (int)word.len > LINE_WIDTH) {
			printf("\n%*s", indent, "");
			column = indent;
		}
		column += printf("%s%.*s", column > indent ? " " : "", BYTES_FMT(word));
	}
	putchar('\n');
}

static void print_options(const struct option *options)
{
	for (; options && options->name; options++) {
		char left[48];
		snprintf(left, sizeof(left), "--%s%s%s", options->name, options->value ? " " : "",
			 options->value ? options->value : "");
		printf("  %-*s ", OPTION_WIDTH, left);
		print_wrapped(options->help, OPTION_WIDTH + 3);
	}
}

void help_command(const struct command *command)
{
	printf("usage: weft %s%s%s [--options]\n\n%c%s.\n", command->name, command->arguments ? " " : "",
	       command->arguments ? command->arguments : "", toupper(command->summary[0]), command->summary + 1);
	if (command->text)
		printf("\n%s\n", command->text);
	printf("\noptions:\n");
	print_options(command->options);
	print_options(common_options);
}

/* ---- the manual page, in man(7) macros ---- */

/* A line that begins with a dot or a quote would be a request to troff. */
static void man_text(const char *text, bool line_start)
{
	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '~')
			fputs("\\(ti", stdout);
		else
			putchar(*text);
		line_start = *text == '\n';
	}
}

void help_man_text(const char *text)
{
	man_text(text, true);
	putchar('\n');
}

void help_man_inline(const char *text)
{
	man_text(text, false);
}

static void man_options(const struct option *options)
{
	for (; options && options->name; options++) {
		printf(".TP\n\\fB\\-\\-");
		help_man_inline(options->name);
		printf("\\fR%s\\fI%s\\fR\n", options->value ? " " : "", options->value ? options->value : "");
		help_man_text(options->help);
	}
}

static void man_command(const struct command *command)
{
	printf(".SS weft ");
	help_man_inline(command->name);
	printf(" %s\n", command->arguments ? command->arguments : "");
	help_man_text(command->summary);
	if (command->text) {
		printf(".PP\n");
		help_man_text(command->text);
	}
	man_options(command->options);
}

void help_man(const struct command_table *table)
{
	printf(".TH WEFT 1 \"\" \"weft %s\" \"User Commands\"\n.SH NAME\nweft \\- the ao computer\n"
	       ".SH SYNOPSIS\n.B weft\n.I COMMAND\n[ARGUMENTS] [\\-\\-options]\n",
	       WEFT_VERSION);
	for (size_t g = 0; g < table->group_count; g++) {
		printf(".SH \"");
		for (const char *p = table->titles[g]; *p; p++)
			putchar(toupper(*p));
		printf("\"\n");
		for (const struct command *command = table->groups[g]; command->name; command++)
			man_command(command);
	}
	printf(".SH \"OPTIONS OF EVERY COMMAND\"\n");
	man_options(common_options);
	if (table->man_more)
		table->man_more();
	printf(".SH \"EXIT STATUS\"\n");
	help_man_text("0 done; 1 the process answered with an error; 2 the command or its input is wrong; 3 not found; "
		      "4 exists already; 5 refused; 6 busy; 7 damaged or unreadable; 8 a unit could not be reached.");
}

/* ---- bash completion ---- */

static void completion_options(const struct option *options)
{
	for (; options && options->name; options++)
		printf(" --%s", options->name);
}

static void completion_of_options(const struct command *command)
{
	printf("  \" %s \"*) words=\"", command->name);
	completion_options(command->options);
	completion_options(common_options);
	printf("\" ;;\n");
}

/* The rows that have a name of two words, as one case for each first word. */
static void completion_of_second_words(const struct command_table *table)
{
	struct bytes before = {0};

	for (size_t g = 0; g < table->group_count; g++) {
		for (const struct command *command = table->groups[g]; command->name; command++) {
			struct bytes second, first = bytes_cut(bytes_str(command->name), ' ', &second);
			if (second.len == 0)
				continue;
			if (bytes_eq(first, before)) {
				printf(" %.*s", BYTES_FMT(second));
				continue;
			}
			printf("%s  \" %.*s \") words=\"%.*s", before.len ? "\" ;;\n" : "", BYTES_FMT(first),
			       BYTES_FMT(second));
			before = first;
		}
	}
	printf("%s", before.len ? "\" ;;\n" : "");
}

/* Each first word once: rows with the same one stand together. */
static void completion_first_words(const struct command_table *table)
{
	struct bytes before = {0};

	for (size_t g = 0; g < table->group_count; g++) {
		for (const struct command *command = table->groups[g]; command->name; command++) {
			struct bytes first = bytes_cut(bytes_str(command->name), ' ', NULL);
			if (!bytes_eq(first, before))
				printf(" %.*s", BYTES_FMT(first));
			before = first;
		}
	}
}

/* Whether an option of this name stands in an earlier row. */
static bool seen_before(const struct command_table *table, const struct option *option)
{
	for (size_t g = 0; g < table->group_count; g++)
		for (const struct command *command = table->groups[g]; command->name; command++)
			for (const struct option *o = command->options; o && o->name; o++)
				if (o == option || strcmp(o->name, option->name) == 0)
					return o != option;
	return false;
}

/* What follows an option with a value is a file when its value is called FILE or DIR, else nothing is known. */
static void completion_of_values(const struct command_table *table)
{
	printf("  case \"$prev\" in\n");
	for (size_t g = 0; g < table->group_count; g++) {
		for (const struct command *command = table->groups[g]; command->name; command++) {
			for (const struct option *o = command->options; o && o->name; o++) {
				if (!o->value || seen_before(table, o))
					continue;
				bool file = strcmp(o->value, "FILE") == 0 || strcmp(o->value, "DIR") == 0;
				printf("  --%s) %s ;;\n", o->name,
				       file ? "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return" : "return");
			}
		}
	}
	printf("  esac\n");
}

void help_completion(const struct command_table *table)
{
	printf("# bash completion for weft, made by `weft help --completion`\n_weft() {\n"
	       "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\"\"\n"
	       "  local line=\" ${COMP_WORDS[*]:1:COMP_CWORD-1} \"\n  COMPREPLY=()\n");
	completion_of_values(table);
	printf("  case \"$line\" in\n  \"  \") words=\"help --help --version");
	completion_first_words(table);
	printf("\" ;;\n  \" help \") words=\"--man --completion");
	completion_first_words(table);
	printf("\" ;;\n");
	completion_of_second_words(table);
	for (size_t g = 0; g < table->group_count; g++)
		for (const struct command *command = table->groups[g]; command->name; command++)
			completion_of_options(command);
	printf("  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	       "  [[ ${#COMPREPLY[@]} -gt 0 || $cur == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n}\n"
	       "complete -o filenames -F _weft weft\n");
}
