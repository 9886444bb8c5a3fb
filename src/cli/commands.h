/* SPDX-License-Identifier: MIT
 *
 * commands: what the rows of the table run, and the few things that they share.
 * Private to the folder.
 */
#ifndef WEFT_CLI_COMMANDS_H
#define WEFT_CLI_COMMANDS_H

#include "base/hash.h"
#include "base/json.h"
#include "cli/command.h"

int command_wallet_new(struct call *c);
int command_wallet_address(struct call *c);
int command_module_publish(struct call *c);
int command_spawn(struct call *c);
int command_send(struct call *c);
int command_eval(struct call *c);
int command_result(struct call *c);
int command_results(struct call *c);
int command_dry_run(struct call *c);
int command_console(struct call *c);
int command_info(struct call *c);
int command_upgrade(struct call *c);

/* check_id: E_ARGUMENT, saying what was expected, unless the text is an id. */
must_use enum err check_id(struct call *c, const char *what, const char *text, struct id *id);
/* read_file reads a whole file ("-": standard input) into the call's arena. E_LIMIT above `max` bytes. */
must_use enum err read_file(struct call *c, const char *path, size_t max, struct bytes *content);
/* print_id prints an id alone on its line, so that $(weft spawn ...) works; with --json {"<what>":id}. Returns 0. */
int print_id(struct call *c, const char *what, struct id id);

#endif
