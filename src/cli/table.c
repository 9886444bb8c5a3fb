/* SPDX-License-Identifier: MIT
 *
 * table: every command that talks to a network, as --help shows them.
 */
#include "cli/commands.h"
#include "cli/identity.h"
#include "cli/net.h"

#define TAG_OPTION                                                        \
	{                                                                 \
		"tag", "NAME=VALUE", "a tag of the item; may be repeated" \
	}
#define DATA_OPTION                                                                                            \
	{                                                                                                      \
		"data", "TEXT", "the data: the text itself, @FILE, or - for standard input (default: a blank)" \
	}
#define END                      \
	{                        \
		NULL, NULL, NULL \
	}

static const struct option wallet_new_options[] = {
	{"type", "TYPE", "rsa (Arweave, default), ed25519, or secp256k1 (Ethereum)"},
	{"out", "FILE", "where to write it (default: ~/.weft/wallet.json, or WEFT_WALLET)"},
	END,
};

static const struct option wallet_options[] = {WALLET_OPTION, END};

static const struct option publish_options[] = {
	{"format", "FORMAT", "the Module-Format, e.g. wasm64-unknown-emscripten-draft_2024_02_15"},
	{"memory-limit", "SIZE", "the most memory a process of it may use (default 1-gb)"},
	{"compute-limit", "N", "the most a message may compute (default 9000000000000)"},
	TAG_OPTION,
	WALLET_OPTION,
	NETWORK_OPTIONS,
	END,
};

static const struct option spawn_options[] = {TAG_OPTION, DATA_OPTION, WALLET_OPTION, NETWORK_OPTIONS, END};

static const struct option send_options[] = {
	{"action", "ACTION", "short for --tag Action=ACTION"},
	TAG_OPTION,
	DATA_OPTION,
	{"no-wait", NULL, "print the message's id and do not wait for its result"},
	WALLET_OPTION,
	NETWORK_OPTIONS,
	END,
};

static const struct option eval_options[] = {
	TAG_OPTION,    {"no-wait", NULL, "print the message's id and do not wait for its result"},
	WALLET_OPTION, NETWORK_OPTIONS,
	END,
};

static const struct option network_options[] = {NETWORK_OPTIONS, END};

static const struct option results_options[] = {
	{"follow", NULL, "go on showing results as they come, until Ctrl-C"},
	{"newest-first", NULL, "begin with the newest"},
	{"limit", "N", "how many at a time (default 25, at most 1000)"},
	{"from", "CURSOR", "go on after this cursor (--json shows them)"},
	NETWORK_OPTIONS,
	END,
};

static const struct option dry_run_options[] = {
	{"action", "ACTION", "short for --tag Action=ACTION"},
	TAG_OPTION,
	DATA_OPTION,
	{"as-me", NULL, "ask as the owner of the wallet instead of as nobody"},
	WALLET_OPTION,
	NETWORK_OPTIONS,
	END,
};

static const struct option console_options[] = {
	{"run", "CODE", "evaluate this, print what it gives, and end"},
	{"load", "FILE", "evaluate a file, with those that it requires, first; may be repeated"},
	{"watch", "FILE", "load a file, and again whenever it, or one that it requires, is saved; may be repeated"},
	{"dry-run", NULL, "evaluate without changing the process"},
	{"module", "ID", "what to spawn from (default: the network's aos, or WEFT_MODULE)"},
	TAG_OPTION,
	WALLET_OPTION,
	NETWORK_OPTIONS,
	END,
};

static const struct option upgrade_options[] = {WALLET_OPTION, NETWORK_OPTIONS, END};

static const struct option info_options[] = {WALLET_OPTION, NETWORK_OPTIONS, END};

const struct command cli_commands[] = {
	{"console", "[NAME|PROCESS]", "live in a process: find it by name or spawn it, and talk to it",
	 "Without a terminal, standard input is evaluated: echo 'return 1' | weft console NAME.\n"
	 "NAME is looked up among the processes of the wallet; there is one named 'default'.",
	 console_options, command_console},
	{"spawn", "[MODULE]", "start a process of a module and print its id",
	 "Without MODULE it is WEFT_MODULE, or the newest module aos of this network's node or the wallet.\n"
	 "The process names this network's scheduler, and trusts what its message unit pushes\n"
	 "(the Authority tag) unless --tag Authority=... says otherwise.",
	 spawn_options, command_spawn},
	{"eval", "PROCESS CODE", "run Lua in an aos process and print what it answers",
	 "CODE is the code itself, @FILE, or - for standard input. Only the owner of a process may.", eval_options,
	 command_eval},
	{"send", "PROCESS", "send a message to a process and print its result", NULL, send_options, command_send},
	{"dry-run", "PROCESS", "ask a process without changing it", NULL, dry_run_options, command_dry_run},
	{"result", "PROCESS MESSAGE", "print the result of a message", NULL, network_options, command_result},
	{"results", "PROCESS", "print the results of a process in order", NULL, results_options, command_results},
	{"upgrade", "PROCESS [MODULE]", "let a process go on with another module, in place",
	 "The process keeps its id, its history and its state; when anything fails, it goes on as it was.\n"
	 "Without MODULE it is the one that weft spawn would take. Only the owner may, and only where both\n"
	 "modules know of it, as weft's aos does. Whether the state can move is told by\n"
	 "weft dry-run PROCESS --as-me --action Migrate.Module.",
	 upgrade_options, command_upgrade},
	{"module publish", "FILE", "put a module on the weave and print its id", NULL, publish_options,
	 command_module_publish},
	{"wallet new", NULL, "make a key",
	 "Never overwrites a key that exists. RSA keys are Arweave wallets, which every ao tool reads.",
	 wallet_new_options, command_wallet_new},
	{"wallet address", NULL, "print the address of the key", NULL, wallet_options, command_wallet_address},
	{"info", "[ID]", "say what the network, or a process or message, is", NULL, info_options, command_info},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};
