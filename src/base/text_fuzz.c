/* SPDX-License-Identifier: MIT
 *
 * Any bytes as base64, base64url, hex, UTF-8 and numbers: what decodes encodes to the same text, mended text is
 * UTF-8, and text that was UTF-8 is left as it is.
 */
#include "base/arena.h"
#include "base/hash.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum err decoder(uint8_t *out, size_t cap, size_t *len, struct bytes text);
typedef void encoder(struct buf *out, struct bytes b);

static void round_trip(struct arena *a, struct bytes text, decoder *decode, encoder *encode, bool padded)
{
	uint8_t *out = arena_alloc(a, text.len + 1);
	struct buf again = BUF_EMPTY;
	size_t len;

	if (decode(out, text.len, &len, text) < 0)
		return;
	encode(&again, bytes_of(out, len));
	/* base64 without its padding is read too, but written with it. */
	must(bytes_eq(buf_bytes(&again), text) || (padded && again.len > text.len && again.len - text.len < 3));
	if (len)
		must(decode(out, len - 1, &len, text) == E_LIMIT);
	buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_of(data, size);
	struct arena a = ARENA_EMPTY;
	struct buf mended = BUF_EMPTY;
	uint64_t number;
	struct id id;

	round_trip(&a, text, b64url_decode, buf_put_b64url, false);
	round_trip(&a, text, b64_decode, buf_put_b64, true);
	buf_put_utf8_lossy(&mended, text);
	must(bytes_utf8(buf_bytes(&mended)));
	must(!bytes_utf8(text) || bytes_eq(buf_bytes(&mended), text));
	if (bytes_u64(text, &number))
		must(size > 0 && number <= UINT64_MAX);
	if (id_parse(&id, text) == OK)
		must(bytes_eq_str(text, id_text(id).s));
	buf_release(&mended);
	arena_release(&a);
	return 0;
}
