/* SPDX-License-Identifier: MIT
 *
 * history: a window on the assignments of a process. The scheduler is asked for a page at a time; what a
 * page holds beyond what is wanted now stays for the next ask, so that those who ask for one result after the
 * other do not make it read its history again and again. While a page is evaluated the next one comes.
 */
#include "cu/unit.h"
#include "flow/wait.h"

enum { PAGE = 1000, IDLE_BYTES_MAX = 256 << 10 };

static const struct assignment *at_window(struct live *p)
{
	struct window *w = &p->window;

	while (w->at < w->page.count && p->tip.nonce >= 0 && w->page.list[w->at].nonce <= (uint64_t)p->tip.nonce)
		w->at++;
	return w->at < w->page.count ? &w->page.list[w->at] : NULL;
}

static enum err fill(struct live *p, struct note *note)
{
	struct range range = {p->tip.nonce, UINT64_MAX, PAGE};
	struct window *w = &p->window;
	enum err e;

	w->page = (struct page){0};
	w->at = 0;
	arena_reset(&w->arena);
	e = page_wait(&p->scheduler, &w->arena, p->process, range, &w->page, note);
	if (e < 0)
		w->page = (struct page){0};
	return e;
}

void history_ahead(struct live *p, uint64_t nonce)
{
	const struct page *page = &p->window.page;
	struct upcoming *c = &p->coming;

	if (c->asked || !page->more || page->count == 0 || page->list[page->count - 1].nonce >= nonce)
		return;
	c->asked = true;
	c->nonce_after = (int64_t)page->list[page->count - 1].nonce;
	page_begin(&c->wait, &p->scheduler, &c->window.arena, p->process,
		   (struct range){c->nonce_after, UINT64_MAX, PAGE}, &c->window.page, NULL);
}

/* What was asked for ahead becomes the window, if it follows the tip. When it could not be had, it is asked for again. */
static void take_coming(struct live *p)
{
	struct upcoming *c = &p->coming;
	struct window old = p->window;

	if (!c->asked)
		return;
	c->asked = false;
	if (page_end(&c->wait) == OK && c->nonce_after == p->tip.nonce) {
		p->window = c->window;
		c->window = old;
	}
	c->window.page = (struct page){0};
	c->window.at = 0;
	arena_reset(&c->window.arena);
}

enum err history_next(struct live *p, bool *fresh, const struct assignment **out, struct note *note)
{
	enum err e;

	*out = at_window(p);
	if (!*out) {
		take_coming(p);
		*out = at_window(p);
	}
	if (*out || !(*fresh || p->window.page.more))
		return OK;
	e = fill(p, note);
	*fresh = false;
	*out = e == OK ? at_window(p) : NULL;
	return e;
}

const struct assignment *history_after(const struct live *p)
{
	const struct window *w = &p->window;

	return w->page.count - w->at > 1 ? &w->page.list[w->at + 1] : NULL;
}

static bool find_in_window(struct live *p, struct bytes id, uint64_t *nonce)
{
	const struct window *w = &p->window;

	for (size_t i = w->at; i < w->page.count; i++) {
		const struct assignment *a = &w->page.list[i];
		if (bytes_eq(a->id, id) || bytes_eq(a->message_id, id) ||
		    (a->message && bytes_eq(a->message->id, id))) {
			*nonce = a->nonce;
			return id_eq(a->process, p->process);
		}
	}
	return false;
}

enum err history_find(struct live *p, const char *id, uint64_t *nonce, struct note *note)
{
	struct bytes text = bytes_str(id);
	struct arena a = ARENA_EMPTY;
	struct assignment assignment;
	enum err e = OK;

	if (find_in_window(p, text, nonce))
		return OK;
	/* What is asked for is mostly what came last. */
	if (!at_window(p) && (e = fill(p, note)) < 0)
		return e;
	if (find_in_window(p, text, nonce))
		return OK;
	e = assignment_wait(&p->scheduler, &a, p->process, text, &assignment, note);
	if (e == OK && !id_eq(assignment.process, p->process))
		e = note_err(note, E_NOT_FOUND, "the message %s belongs to the process %s, not to %s", id,
			     id_text(assignment.process).s, id_text(p->process).s);
	if (e == OK)
		*nonce = assignment.nonce;
	arena_release(&a);
	return e;
}

void history_reset(struct live *p)
{
	struct window *w = &p->window;

	take_coming(p);
	w->page = (struct page){0};
	w->at = 0;
	arena_release(&w->arena);
	arena_release(&p->coming.window.arena);
}

void history_forget(struct live *p, bool idle)
{
	bool large = p->window.arena.total > IDLE_BYTES_MAX;

	if (large && (idle || !at_window(p)))
		history_reset(p);
}
