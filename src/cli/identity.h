/* SPDX-License-Identifier: MIT
 *
 * identity: who the command line signs as.
 *
 * The key is --wallet FILE, else $WEFT_WALLET, else wallet.json in ~/.weft (or $WEFT_HOME).
 * The default one is made at first use, an Arweave wallet that other ao tools read
 * too; a file that was named must exist. Key files are readable by their owner alone.
 */
#ifndef WEFT_CLI_IDENTITY_H
#define WEFT_CLI_IDENTITY_H

#include "cli/command.h"
#include "msg/item.h"
#include "msg/key.h"

#define WALLET_OPTION                                                                                 \
	{                                                                                             \
		"wallet", "FILE", "the key that signs (default: ~/.weft/wallet.json, or WEFT_WALLET)" \
	}

/* home_directory is $WEFT_HOME or ~/.weft, in `a`. It need not exist. E_ARGUMENT for a user without a home. */
must_use enum err home_directory(struct arena *a, const char **path, struct note *note);
/* directory_make makes a directory, and those above it, for its owner alone. OK when it is there. */
must_use enum err directory_make(const char *path, struct note *note);

/* key_load_named is key_load, with the file's name before what is wrong in it. */
must_use enum err key_load_named(struct key **key, const char *path, struct note *note);

/* identity_path is where the key is or would be, in the call's arena; *is_default tells whether it was not named. */
must_use enum err identity_path(struct call *c, const char **path, bool *is_default);
/* identity_open loads the key, making the default one if need be. The caller closes it. */
must_use enum err identity_open(struct key **key, struct call *c);
void identity_close(struct key *key);
/* identity_make makes a key and writes it, the directory of the default one too; E_EXISTS rather than overwrite. */
must_use enum err identity_make(struct key **key, struct call *c, enum signature_type type, const char *path);
/* identity_address is the owner of the key as processes see it, in the call's arena. */
must_use enum err identity_address(struct call *c, struct bytes *address);
/* identity_sign appends a signed item to `item`; `target` is 32 bytes or empty. Its anchor is random, so that
 * the same words said twice are two messages. */
must_use enum err identity_sign(struct buf *item, struct id *id, const struct key *key, struct bytes target,
				struct tags tags, struct bytes data, struct note *note);

#endif
