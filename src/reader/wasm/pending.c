/* SPDX-License-Identifier: MIT */
#include "reader/wasm/pending.h"

enum { TEXT_KEPT = 64 << 10 };

struct bytes pending_message(const struct pending *p, size_t k)
{
	return bytes_of(p->text.ptr + p->turns[k].message, p->turns[k].message_len);
}

struct bytes pending_environment(const struct pending *p, size_t k)
{
	return bytes_of(p->text.ptr + p->turns[k].environment, p->turns[k].environment_len);
}

void pending_begin(struct pending *p, struct bytes message, struct bytes environment, uint64_t gas_limit)
{
	struct pending_turn *t = &p->turns[p->count];

	p->text.len = p->end;
	*t = (struct pending_turn){gas_limit, p->end, message.len, p->end + message.len, environment.len};
	buf_put_bytes(&p->text, message);
	/* The environment is the process and its module: the same every time. */
	if (p->count && bytes_eq(pending_environment(p, p->count - 1), environment))
		t->environment = t[-1].environment;
	else
		buf_put_bytes(&p->text, environment);
}

static bool full(const struct pending *p, size_t count, uint64_t gas, size_t end)
{
	return count >= PENDING_TURNS_MAX || (p->most && count >= p->most) || gas > PENDING_GAS_MAX ||
	       end > PENDING_BYTES_MAX;
}

bool pending_room(const struct pending *p)
{
	return !full(p, p->count + 1, p->gas + p->gas_last, p->text.len);
}

bool pending_add(struct pending *p, uint64_t gas_used)
{
	p->count++;
	p->end = p->text.len;
	p->gas += gas_used;
	p->gas_last = gas_used;
	return full(p, p->count, p->gas, p->end);
}

void pending_settled(struct pending *p)
{
	if (p->failed)
		p->most = 1;
	else if (p->most && p->count >= p->most)
		p->most = p->most < PENDING_TURNS_MAX ? 2 * p->most : 0;
	p->failed = false;
	p->count = p->end = 0;
	p->gas = 0;
	if (p->text.cap > TEXT_KEPT)
		buf_release(&p->text);
}

void pending_failed(struct pending *p)
{
	p->failed = true;
}

void pending_release(struct pending *p)
{
	buf_release(&p->text);
	*p = (struct pending){0};
}
