/* SPDX-License-Identifier: MIT
 *
 * upgrade: a process goes on with another module (docs/formats/migration.md). What the command and the console share: the
 * owner's message, and what its result means.
 */
#ifndef WEFT_CLI_UPGRADE_H
#define WEFT_CLI_UPGRADE_H

#include "base/hash.h"
#include "cli/net.h"

/* upgrade asks the process to go on with `module` (NULL: module_default), and waits for the result: OK also when that is an
 * error of the process's. Before anything is sent, E_NOT_FOUND and E_FORMAT when the weave has no such module;
 * afterwards E_UNSUPPORTED when the message was taken like any other. *message is its id, empty when none was sent. */
struct upgrade {
	const char *module;
	struct id_text message;
	const struct json *result;
	struct bytes raw;
};
must_use enum err upgrade(struct net *net, struct id process, const char *module, struct upgrade *out);

#endif
