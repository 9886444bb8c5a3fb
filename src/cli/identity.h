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

/* identity_path is where the key is or would be, in the call's arena; *is_default tells whether it was not named. */
must_use enum err identity_path(struct call *c, const char **path, bool *is_default);
/* identity_open loads the key, making the default one if need be. The caller closes it. */
must_use enum err identity_open(struct key **key, struct call *c);
void identity_close(struct key *key);
/* identity_address is the address of the key, in the call's arena. */
must_use enum err identity_address(struct call *c, struct bytes *address);
/* identity_sign appends a signed item to `item`; `target` is 32 bytes or empty. */
must_use enum err identity_sign(struct buf *item, struct id *id, const struct key *key, struct bytes target,
				struct tags tags, struct bytes data, struct note *note);

#endif
