/* SPDX-License-Identifier: MIT
 *
 * read: what the history says to those who ask (ao-units 3.6, 3.7).
 */
#include "flow/nouns.h"
#include "msg/item.h"
#include "su/unit.h"

#define PAGE_BYTES_MAX ((size_t)64 << 20) /* a page ends early rather than grow past this */

static enum err not_found(struct note *note, const char *what, struct bytes id)
{
	return note_err(note, E_NOT_FOUND, "%s not found: %.*s", what, BYTES_FMT(id));
}

enum err read_assignment(struct su *su, struct arena *a, struct id process, struct bytes id, struct assignment *out,
			 struct note *note)
{
	struct su_record r;
	struct id wanted, owner;
	uint64_t nonce;
	enum err e = id_parse(&wanted, id);

	if (e == OK && id_eq(wanted, process)) {
		owner = process;
		nonce = 0;
	} else if (e == OK) {
		e = su_record_find(su->store, process, wanted, &owner, &nonce);
	}
	if (e == OK)
		e = su_record_get(su->store, a, owner, nonce, &r);
	if (e == E_NOT_FOUND || e == E_FORMAT)
		return not_found(note, "Message or Process", id);
	return e < 0 ? e : su_record_assignment(out, a, &r, note);
}

/* Turns the bounds of a page into nonces: first..last, with the process itself or without. */
static enum err page_bounds(struct su *su, struct id process, const struct page_ask *ask, uint64_t *first,
			    uint64_t *last, bool *with_process)
{
	int64_t after = ask->after, until;
	enum err e;

	*with_process = !ask->has_after || (!ask->by_time && ask->after < 0);
	*last = ask->last;
	if (ask->by_time && ask->has_after) {
		e = su_record_nonce_at(su->store, process, after < 0 ? 0 : (uint64_t)after, &after);
		if (e < 0)
			return e;
	}
	if (ask->by_time && ask->last != UINT64_MAX) {
		e = su_record_nonce_at(su->store, process, ask->last, &until);
		if (e < 0)
			return e;
		*last = until < 0 ? 0 : (uint64_t)until;
	}
	*first = *with_process || after < 0 ? 1 : (uint64_t)after + 1;
	return OK;
}

enum err read_page(struct su *su, struct arena *a, struct id process, const struct page_ask *ask, struct page *out,
		   struct note *note)
{
	struct assignment *list;
	struct su_record own, *records;
	uint64_t first = 1, last = 0;
	size_t count, n = 0;
	bool with_process = false, more;
	enum err e = su_record_get(su->store, a, process, 0, &own);

	*out = (struct page){0};
	if (e == E_NOT_FOUND)
		return not_found(note, "Message or Process", bytes_str(id_text(process).s));
	if (e == OK)
		e = page_bounds(su, process, ask, &first, &last, &with_process);
	if (e < 0 || ask->limit == 0)
		return e;
	e = su_record_list(su->store, a, process, first, last, ask->limit - with_process, PAGE_BYTES_MAX, &records,
			   &count, &more);
	if (e < 0)
		return e;
	list = arena_new_array(a, count + 1, struct assignment);
	if (with_process && (e = su_record_assignment(&list[n++], a, &own, note)) < 0)
		return e;
	for (size_t i = 0; i < count; i++)
		if ((e = su_record_assignment(&list[n++], a, &records[i], note)) < 0)
			return e;
	*out = (struct page){.list = list, .count = n, .more = more};
	return OK;
}

enum err read_latest(struct su *su, struct arena *a, struct id process, struct assignment *out, struct note *note)
{
	struct su_record r;
	enum err e = su_record_last(su->store, a, process, &r);

	if (e == E_NOT_FOUND)
		return not_found(note, "Process", bytes_str(id_text(process).s));
	return e < 0 ? e : su_record_assignment(out, a, &r, note);
}

enum err read_process(struct su *su, struct arena *a, struct id process, struct process_info *out, struct note *note)
{
	struct assignment assignment;
	struct su_record r;
	enum err e = su_record_get(su->store, a, process, 0, &r);

	if (e == OK)
		e = su_record_assignment(&assignment, a, &r, note);
	if (e == E_NOT_FOUND || (e == OK && !assignment.message))
		return not_found(note, "Process", bytes_str(id_text(process).s));
	if (e < 0)
		return e;
	*out = (struct process_info){.message = *assignment.message,
				     .block_height = assignment.block_height,
				     .timestamp_ms = assignment.timestamp_ms};
	return OK;
}
