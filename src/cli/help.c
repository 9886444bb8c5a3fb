/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

void help_overview(const struct command_table *table)
{
	printf("weft %s: the ao computer\n\nusage: weft COMMAND [ARGUMENTS] [--options]\n", WEFT_VERSION);
	for (size_t g = 0; g < table->group_count; g++) {
		printf("\n%s\n", table->titles[g]);
		for (const struct command *command = table->groups[g]; command->name; command++) {
			char left[64];
			snprintf(left, sizeof(left), "%s %s", command->name,
				 command->arguments ? command->arguments : "");
			printf("  %-34s %s\n", left, command->summary);
		}
	}
	printf("\nweft COMMAND --help says more; weft help --man prints the manual page,\n"
	       "weft completion the completion for bash (source it in ~/.bashrc).\n");
}

static void print_options(const struct option *options)
{
	for (; options && options->name; options++) {
		char left[48];
		snprintf(left, sizeof(left), "--%s%s%s", options->name, options->value ? " " : "",
			 options->value ? options->value : "");
		printf("  %-26s %s\n", left, options->help);
	}
}

void help_command(const struct command *command)
{
	printf("usage: weft %s%s%s [--options]\n\n%s.\n", command->name, command->arguments ? " " : "",
	       command->arguments ? command->arguments : "", command->summary);
	if (command->text)
		printf("\n%s\n", command->text);
	printf("\noptions:\n");
	print_options(command->options);
	print_options(common_options);
}

/* ---- the manual page, in man(7) macros ---- */

/* A line that begins with a dot or a quote would be a request to troff. */
static void man_text(const char *text)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		if (*text == '\\' || *text == '-')
			putchar('\\');
		putchar(*text);
		line_start = *text == '\n';
	}
	putchar('\n');
}

static void man_options(const struct option *options)
{
	for (; options && options->name; options++) {
		printf(".TP\n\\fB\\-\\-%s\\fR%s\\fI%s\\fR\n", options->name, options->value ? " " : "",
		       options->value ? options->value : "");
		man_text(options->help);
	}
}

void help_man(const struct command_table *table)
{
	printf(".TH WEFT 1 \"\" \"weft %s\" \"User Commands\"\n.SH NAME\nweft \\- the ao computer\n"
	       ".SH SYNOPSIS\n.B weft\n.I COMMAND\n[ARGUMENTS] [\\-\\-options]\n",
	       WEFT_VERSION);
	for (size_t g = 0; g < table->group_count; g++) {
		printf(".SH \"");
		for (const char *p = table->titles[g]; *p; p++)
			putchar(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
		printf("\"\n");
		for (const struct command *command = table->groups[g]; command->name; command++) {
			printf(".SS \"weft %s", command->name);
			if (command->arguments)
				printf(" %s", command->arguments);
			printf("\"\n");
			man_text(command->summary);
			if (command->text) {
				printf(".PP\n");
				man_text(command->text);
			}
			man_options(command->options);
		}
	}
	printf(".SH \"OPTIONS OF EVERY COMMAND\"\n");
	man_options(common_options);
	printf(".SH \"EXIT STATUS\"\n0 done; 1 the process answered with an error; 2 the command or its input is "
	       "wrong; "
	       "3 not found; 4 exists already; 5 refused; 6 busy; 7 damaged or unreadable; 8 a unit could not be "
	       "reached.\n");
}

/* ---- bash completion ---- */

static void completion_options(const struct option *options)
{
	for (; options && options->name; options++)
		printf(" --%s", options->name);
}

void help_completion(const struct command_table *table)
{
	printf("# bash completion for weft, made by `weft completion`\n_weft() {\n"
	       "  local line=\" ${COMP_WORDS[*]:1:COMP_CWORD-1} \" cur=${COMP_WORDS[COMP_CWORD]} words=\"\"\n"
	       "  case \"$line\" in\n");
	for (size_t g = 0; g < table->group_count; g++) {
		for (const struct command *command = table->groups[g]; command->name; command++) {
			printf("  \" %s \"*) words=\"", command->name);
			completion_options(command->options);
			completion_options(common_options);
			printf("\" ;;\n");
		}
	}
	printf("  *) words=\"help completion");
	for (size_t g = 0; g < table->group_count; g++)
		for (const struct command *command = table->groups[g]; command->name; command++)
			printf(" %s", command->name);
	printf("\" ;;\n  esac\n  case \"$cur\" in -*|\"\") ;; *) [ \"$COMP_CWORD\" -gt 2 ] && words=\"\" ;; esac\n"
	       "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	       "  [ ${#COMPREPLY[@]} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n}\n"
	       "complete -F _weft weft\n");
}
