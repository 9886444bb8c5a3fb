/* SPDX-License-Identifier: MIT
 *
 * weft: the command. Everything that it can be told is a row in one of two tables: what runs a network
 * (node/commands.c) and what talks to one (cli/table.c).
 */
#include "cli/command.h"
#include "node/commands.h"

int main(int argc, char **argv)
{
	const struct command *const groups[] = {node_commands(), cli_commands};
	const char *const titles[] = {"running a network", "talking to it"};
	const struct command_table table = {groups, titles, 2, config_man};

	return command_main(&table, argc, argv);
}
