/* SPDX-License-Identifier: MIT */
#include "weave/transaction.h"

#include "base/text.h"
#include "msg/deephash.h"
#include "msg/key.h"
#include "weave/merkle.h"

#include <ctype.h>

enum { RSA_4096_SIZE = 512, ANCHOR_MAX = 48 };

/* ---- fields ---- */

static enum err read_bytes(struct bytes *out, struct arena *a, const struct json *tx, const char *key, size_t max,
			   struct note *note)
{
	struct bytes text = json_get_text(a, tx, key);
	uint8_t *bytes;
	size_t len;

	if (text.len / 4 * 3 > max + 3)
		return note_err(note, E_LIMIT, "the transaction's %s is larger than %zu bytes", key, max);
	bytes = arena_alloc(a, text.len);
	if (b64url_decode(bytes, text.len, &len, text) < 0)
		return note_err(note, E_FORMAT, "the transaction's %s is not base64url", key);
	if (len > max)
		return note_err(note, E_LIMIT, "the transaction's %s is larger than %zu bytes", key, max);
	*out = bytes_of(bytes, len);
	return OK;
}

static enum err read_amount(struct bytes *out, struct arena *a, const struct json *tx, const char *key,
			    struct note *note)
{
	struct bytes text = json_get_text(a, tx, key);
	size_t digits = 0;

	while (digits < text.len && isdigit(text.ptr[digits]))
		digits++;
	if (text.len == 0 || digits < text.len || text.len > TRANSACTION_DIGITS_MAX)
		return note_err(note, E_FORMAT, "the transaction's %s is not a text of at most %d digits", key,
				TRANSACTION_DIGITS_MAX);
	*out = text;
	return OK;
}

static enum err read_tags(struct tags *out, struct arena *a, const struct json *tx, struct note *note)
{
	const struct json *list = json_get(tx, "tags");
	struct tag_list tags = tag_list_on(a);
	size_t bytes = 0;

	if (list && list->kind != JSON_ARRAY)
		return note_err(note, E_FORMAT, "the transaction's tags are not a list");
	for (const struct json *t = list ? list->first : NULL; t; t = t->next) {
		struct bytes name, value;
		enum err e = read_bytes(&name, a, t, "name", TRANSACTION_TAGS_MAX, note);
		if (e == OK)
			e = read_bytes(&value, a, t, "value", TRANSACTION_TAGS_MAX, note);
		if (e < 0)
			return e;
		bytes += name.len + value.len;
		if (bytes > TRANSACTION_TAGS_MAX || tags.count == TRANSACTION_TAGS_MAX)
			return note_err(note, E_LIMIT, "the transaction's tags take more than %d bytes",
					TRANSACTION_TAGS_MAX);
		tag_list_add(&tags, name, value);
	}
	*out = tag_list_tags(&tags);
	return OK;
}

static enum err check_format(struct arena *a, const struct json *tx, struct note *note)
{
	const struct json *format = json_get(tx, "format"), *denomination = json_get(tx, "denomination");
	struct bytes text = format && format->kind == JSON_NUMBER ? format->raw : json_text(a, format);

	if (!bytes_eq_str(text, "2")) {
		note_err(note, E_UNSUPPORTED, "this weave takes transactions of format 2 only");
		note_hint(note, "set \"format\": 2, as every current client does");
		return E_UNSUPPORTED;
	}
	if (json_truthy(denomination))
		return note_err(note, E_UNSUPPORTED, "this weave knows no denominations");
	return OK;
}

static enum err check_data(const struct transaction *t, struct note *note)
{
	struct id root;
	uint64_t size;

	if (!bytes_u64(t->data_size, &size))
		return note_err(note, E_FORMAT, "the transaction's data_size is too large");
	if ((size == 0) != (t->data_root.len == 0))
		return note_err(note, E_FORMAT, "the transaction has a data_root without data, or data without one");
	if (size && t->data.len == 0) {
		note_err(note, E_UNSUPPORTED, "this weave does not take data in chunks");
		note_hint(note, "send the data in the transaction, or as a data item");
		return E_UNSUPPORTED;
	}
	if (size != t->data.len)
		return note_err(note, E_FORMAT, "the transaction's data_size is not that of its data");
	if (size == 0)
		return OK;
	root = merkle_root(t->data, MERKLE_CLIENT);
	if (!bytes_eq(bytes_of(root.b, 32), t->data_root)) {
		root = merkle_root(t->data, MERKLE_PLAIN);
		if (!bytes_eq(bytes_of(root.b, 32), t->data_root))
			return note_err(note, E_FORMAT, "The attached data is split in an unknown way.");
	}
	return OK;
}

enum err transaction_parse(struct transaction *out, struct arena *a, struct bytes body, struct note *note)
{
	const struct json *tx;
	struct id id;
	enum err e;

	*out = (struct transaction){0};
	if (body.len > TRANSACTION_BODY_MAX)
		return note_err(note, E_LIMIT, "Payload too large: a transaction is at most %d bytes",
				TRANSACTION_BODY_MAX);
	if ((e = json_parse(&tx, a, body, note)) < 0 || (e = check_format(a, tx, note)) < 0 ||
	    (e = read_bytes(&out->owner, a, tx, "owner", RSA_4096_SIZE, note)) < 0 ||
	    (e = read_bytes(&out->signature, a, tx, "signature", RSA_4096_SIZE, note)) < 0 ||
	    (e = read_bytes(&out->target, a, tx, "target", 32, note)) < 0 ||
	    (e = read_bytes(&out->anchor, a, tx, "last_tx", ANCHOR_MAX, note)) < 0 ||
	    (e = read_bytes(&out->data_root, a, tx, "data_root", 32, note)) < 0 ||
	    (e = read_bytes(&out->data, a, tx, "data", TRANSACTION_BODY_MAX, note)) < 0 ||
	    (e = read_amount(&out->quantity, a, tx, "quantity", note)) < 0 ||
	    (e = read_amount(&out->reward, a, tx, "reward", note)) < 0 ||
	    (e = read_amount(&out->data_size, a, tx, "data_size", note)) < 0 ||
	    (e = read_tags(&out->tags, a, tx, note)) < 0)
		return e;
	if (out->owner.len != RSA_4096_SIZE || out->signature.len != RSA_4096_SIZE)
		return note_err(note, E_UNSUPPORTED, "this weave takes transactions under RSA-4096 keys only");
	if (out->target.len != 0 && out->target.len != 32)
		return note_err(note, E_FORMAT, "the transaction's target is not 32 bytes");
	out->id = id_of_sha256(out->signature);
	if (id_parse(&id, json_get_text(a, tx, "id")) < 0 || !id_eq(id, out->id))
		return note_err(note, E_FORMAT, "Invalid hash: the transaction's id is not that of its signature");
	return check_data(out, note);
}

enum err transaction_verify(const struct transaction *t, struct note *note)
{
	struct deephash list = deephash_list(9), tags = deephash_list(t->tags.count);
	enum err e;

	for (size_t i = 0; i < t->tags.count; i++) {
		struct deephash tag = deephash_list(2);
		deephash_add_blob(&tag, t->tags.list[i].name);
		deephash_add_blob(&tag, t->tags.list[i].value);
		deephash_add(&tags, tag);
	}
	deephash_add_blob(&list, BYTES("2"));
	deephash_add_blob(&list, t->owner);
	deephash_add_blob(&list, t->target);
	deephash_add_blob(&list, t->quantity);
	deephash_add_blob(&list, t->reward);
	deephash_add_blob(&list, t->anchor);
	deephash_add(&list, tags);
	deephash_add_blob(&list, t->data_size);
	deephash_add_blob(&list, t->data_root);
	e = signature_verify(SIGN_ARWEAVE, t->owner, t->signature, list.b, NULL);
	return e < 0 ? note_err(note, e, "Transaction verification failed.") : OK;
}
