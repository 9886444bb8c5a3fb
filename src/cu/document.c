/* SPDX-License-Identifier: MIT
 *
 * document: the JSON of a transaction as modules see it (ao-units 5.18).
 */
#include "base/text.h"
#include "cu/drive.h"

enum { OWNER_KEY_MAX = 4096 };

static struct bytes owner_address(struct arena *a, const struct json *json, struct bytes otherwise)
{
	struct bytes text = json_get_text(a, json, "owner");
	uint8_t key[OWNER_KEY_MAX];
	size_t len;

	if (text.len == 0 || b64url_decode(key, sizeof(key), &len, text) < 0 || len == 0)
		return otherwise;
	return arena_copy(a, bytes_str(id_text(id_of_sha256(bytes_of(key, len))).s));
}

enum err with_owner_address(struct buf *out, struct arena *a, struct bytes text, struct bytes otherwise,
			    struct note *note)
{
	struct jw w = jw_on(out);
	const struct json *json;
	enum err e = json_parse(&json, a, text, note);

	if (e < 0 || json->kind != JSON_OBJECT) {
		note_reset(note);
		return note_err(note, E_PEER, "the weave's document of a transaction is not a JSON object");
	}
	jw_object(&w);
	for (const struct json *m = json->first; m; m = m->next) {
		struct bytes key = json_text(a, &(struct json){.kind = JSON_STRING, .raw = m->key});
		if (bytes_eq_str(key, "ownerAddress"))
			continue;
		jw_key_bytes(&w, key);
		value_for_module(&w, a, m);
	}
	jw_member(&w, "ownerAddress", owner_address(a, json, otherwise));
	jw_object_end(&w);
	return OK;
}
