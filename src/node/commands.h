/* SPDX-License-Identifier: MIT
 *
 * commands: what the node adds to the command line: `weft up`, `weft weave|su|cu|mu`, and
 * `weft config`. Their options are the keys of config.def, each command those that it reads.
 */
#ifndef WEFT_NODE_COMMANDS_H
#define WEFT_NODE_COMMANDS_H

#include "cli/command.h"
#include "node/config.h"

/* node_commands makes the rows, at first use; they live as long as the program. */
const struct command *node_commands(void);

/* settings_read gathers all sources of the configuration for a call: the file of --config, or
 * HOME/weft.conf where there is one; the environment; the options. *home is in the call's arena. */
must_use enum err settings_read(struct call *c, struct config *config, const char **home);

int command_up(struct call *c);
int command_weave(struct call *c);
int command_su(struct call *c);
int command_cu(struct call *c);
int command_mu(struct call *c);

#endif
