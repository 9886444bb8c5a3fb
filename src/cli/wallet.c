/* SPDX-License-Identifier: MIT
 *
 * wallet: the commands that make a key and name its address.
 *
 * What stands on stdout is the address that the scheduler and the weave use. Processes know the
 * owner of a secp256k1 key by its Ethereum address instead (msg/address.h), so that one is said too.
 */
#include "cli/commands.h"
#include "cli/identity.h"
#include "msg/address.h"

#include <stdio.h>
#include <string.h>

static void print_address(struct call *c, const struct key *key, const char *path)
{
	struct id_text address = id_text(key_address(key));
	char ethereum[ETHEREUM_ADDRESS_LEN + 1] = "";
	struct buf out = BUF_EMPTY;
	struct jw w = jw_on(&out);

	if (key_type(key) == SIGN_ETHEREUM)
		address_ethereum(ethereum, key_owner(key));
	jw_object(&w);
	jw_member(&w, "address", bytes_str(address.s));
	if (ethereum[0])
		jw_member(&w, "ethereum", bytes_str(ethereum));
	jw_member(&w, "file", bytes_str(path));
	jw_object_end(&w);
	printf("%s\n", call_has(c, "json") ? buf_str(&out) : address.s);
	if (ethereum[0] && !call_has(c, "json"))
		fprintf(stderr, "processes see it as %s\n", ethereum);
	buf_release(&out);
}

static enum err type_option(struct call *c, enum signature_type *type)
{
	const char *text = call_option(c, "type");

	*type = SIGN_ARWEAVE;
	if (!text || strcmp(text, "rsa") == 0)
		return OK;
	*type = strcmp(text, "ed25519") == 0 ? SIGN_ED25519 : SIGN_ETHEREUM;
	if (*type == SIGN_ED25519 || strcmp(text, "secp256k1") == 0)
		return OK;
	return note_err(&c->note, E_ARGUMENT, "--type is rsa, ed25519 or secp256k1, not '%s'", text);
}

int command_wallet_new(struct call *c)
{
	const char *path = call_option(c, "out");
	enum signature_type type;
	struct key *key = NULL;
	bool is_default;
	enum err e = type_option(c, &type);

	if (e == OK && !path)
		e = identity_path(c, &path, &is_default);
	if (e == OK)
		e = identity_make(&key, c, type, path);
	if (e == E_EXISTS)
		note_hint(&c->note, "weft wallet address shows its address; --out FILE writes the new one elsewhere");
	if (e < 0)
		return call_fail(c, e);
	print_address(c, key, path);
	if (!call_has(c, "json"))
		fprintf(stderr, "made a wallet: %s\n", path);
	identity_close(key);
	return 0;
}

int command_wallet_address(struct call *c)
{
	struct key *key = NULL;
	const char *path;
	bool is_default;
	enum err e = identity_path(c, &path, &is_default);

	if (e == OK)
		e = identity_open(&key, c);
	if (e < 0)
		return call_fail(c, e);
	print_address(c, key, path);
	identity_close(key);
	return 0;
}
