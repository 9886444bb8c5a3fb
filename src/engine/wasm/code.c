/* SPDX-License-Identifier: MIT */
#include "engine/wasm/code.h"
#include "engine/wasm/artefact.h"
#include "engine/wasm/blob.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Below 2^31, so that everything reaches everything with a 32-bit displacement. Pages that hold nothing cost nothing. */
enum { AREA = 1 << 30, STUB = 16, PAGE = 4096 };
enum { SEALS = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE };

struct code_head {
	char magic[8];
	uint32_t function_count, type_count;
	uint64_t text; /* where the stubs begin */
	_Atomic uint64_t generation;
	_Atomic uint32_t at[]; /* offsets of the functions, then of the entries by type; 0: none */
};

static const char magic[8] = "WEFTAREA";

static size_t text_of(uint64_t functions, uint64_t types)
{
	return (sizeof(struct code_head) + 4 * (functions + types) + PAGE - 1) / PAGE * PAGE;
}

static uint32_t stub_of(const struct code_head *h, uint32_t function, bool lazy)
{
	return (uint32_t)(h->text + (2 * (uint64_t)function + lazy) * STUB);
}

/* mov rax, [r13 + code]; jmp [rax + 8 N]     and     mov eax, N; jmp [r13 + lazy] */
static void write_stubs(uint8_t *area, const struct code_head *h, uint32_t function)
{
	uint8_t *call = area + stub_of(h, function, false), *lazy = area + stub_of(h, function, true);

	memset(call, 0xcc, 2 * STUB);
	memcpy(call, "\x49\x8b\x85", 3);
	set_u32le(call + 3, offsetof(struct vm, code));
	memcpy(call + 7, "\xff\xa0", 2);
	set_u32le(call + 9, 8 * function);
	lazy[0] = 0xb8;
	set_u32le(lazy + 1, function);
	memcpy(lazy + 5, "\x41\xff\xa5", 3);
	set_u32le(lazy + 8, offsetof(struct vm, lazy));
}

static enum err world(struct wasm_code *c, struct note *note, const char *what)
{
	enum err e = errno == EINVAL ? E_UNSUPPORTED : E_IO;

	note_err(note, e, "no memory for native code: %s: %s", what, strerror(errno));
	wasm_code_release(c);
	return e;
}

enum err wasm_code_new(struct wasm_code *out, uint32_t function_count, uint32_t type_count, struct note *note)
{
	struct code_head *h;

	*out = (struct wasm_code){.fd = -1};
	if (function_count > WASM_FUNCTIONS_MAX || type_count > WASM_TYPES_MAX)
		return note_err(note, E_LIMIT, "a module with %u functions", function_count);
	*out = (struct wasm_code){.fd = memfd_create("weft-code", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
	if (out->fd < 0 || ftruncate(out->fd, AREA) != 0)
		return world(out, note, "memfd");
	out->write = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, out->fd, 0);
	if (out->write == MAP_FAILED) {
		out->write = NULL;
		return world(out, note, "mmap");
	}
	if (fcntl(out->fd, F_ADD_SEALS, SEALS) != 0)
		return world(out, note, "F_SEAL_FUTURE_WRITE");
	h = (void *)out->write;
	out->head = h;
	memcpy(h->magic, magic, sizeof(magic));
	h->function_count = function_count;
	h->type_count = type_count;
	h->text = text_of(function_count, type_count);
	for (uint32_t i = 0; i < function_count; i++)
		write_stubs(out->write, h, i);
	out->used = stub_of(h, function_count, false);
	out->tiers = calloc(function_count + 1, 1);
	must(out->tiers != NULL);
	return OK;
}

static bool names_fit(const struct code_head *h, const struct blob *b)
{
	for (uint32_t i = 0; i < b->symbol_count; i++) {
		uint32_t name = get_u32le(b->symbols + 8 * i);
		if (name & BLOB_ENTRY ? (name & ~BLOB_ENTRY) >= h->type_count : name >= h->function_count)
			return false;
	}
	for (uint32_t i = 0; i < b->call_count; i++)
		if (get_u32le(b->calls + 8 * i + 4) >= h->function_count)
			return false;
	return true;
}

/* Points the blob's calls at the stubs, or at code that will not be replaced any more. */
static void bind(struct wasm_code *c, const struct blob *b, size_t at)
{
	for (uint32_t i = 0; i < b->call_count; i++) {
		size_t from = at + get_u32le(b->calls + 8 * i);
		uint32_t function = get_u32le(b->calls + 8 * i + 4);
		bool final = b->tier == WASM_TIER_1 && c->tiers[function] == 1 + WASM_TIER_1;
		uint32_t to = final ? atomic_load(&c->head->at[function]) : stub_of(c->head, function, false);
		set_u32le(c->write + from, to - (uint32_t)(from + 4));
	}
}

static void publish(struct wasm_code *c, const struct blob *b, size_t at)
{
	struct code_head *h = (void *)c->write;

	for (uint32_t i = 0; i < b->symbol_count; i++) {
		uint32_t name = get_u32le(b->symbols + 8 * i);
		uint32_t offset = (uint32_t)(at + get_u32le(b->symbols + 8 * i + 4));
		if (name & BLOB_ENTRY) {
			atomic_store(&h->at[h->function_count + (name & ~BLOB_ENTRY)], offset);
		} else if (c->tiers[name] < 1 + b->tier) {
			atomic_store(&h->at[name], offset);
			c->tiers[name] = (uint8_t)(1 + b->tier);
		}
	}
	atomic_fetch_add(&h->generation, 1);
}

enum err wasm_code_add(struct wasm_code *c, struct bytes bytes, struct note *note)
{
	struct blob b;
	size_t at = (c->used + BLOB_ALIGN - 1) / BLOB_ALIGN * BLOB_ALIGN;

	if (blob_open(&b, bytes) < 0 || !names_fit(c->head, &b))
		return note_err(note, E_CORRUPT, "the native code is damaged, or of another module");
	if (b.code.len > AREA - at)
		return note_err(note, E_LIMIT, "the module's native code is larger than 1 GiB");
	if (b.code.len) /* a module may have neither functions nor types */
		memcpy(c->write + at, b.code.ptr, b.code.len);
	c->used = at + b.code.len;
	bind(c, &b, at);
	publish(c, &b, at);
	return OK;
}

int wasm_code_tier(const struct wasm_code *c, uint32_t function)
{
	return c->tiers[function];
}

static bool sealed(int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &st) == 0 && st.st_size == AREA;
}

static enum err map(struct wasm_code *c, struct note *note)
{
	void *at = mmap(NULL, AREA, PROT_READ, MAP_SHARED, c->fd, 0);
	const struct code_head *h = at;

	if (at == MAP_FAILED)
		return world(c, note, "mmap");
	c->base = at;
	c->head = h;
	if (memcmp(h->magic, magic, sizeof(magic)) != 0 || h->text != text_of(h->function_count, h->type_count)) {
		wasm_code_release(c);
		return note_err(note, E_CORRUPT, "the area of native code is none");
	}
	if (mprotect((uint8_t *)at + h->text, AREA - h->text, PROT_READ | PROT_EXEC) != 0)
		return world(c, note, "mprotect");
	return OK;
}

enum err wasm_code_map(struct wasm_code *out, int fd, const struct wasm_module *m, struct note *note)
{
	enum err e;

	*out = (struct wasm_code){.fd = fd};
	if (!sealed(fd)) {
		wasm_code_release(out);
		return note_err(note, E_CORRUPT, "the area of native code is not sealed");
	}
	e = map(out, note);
	if (e == OK && (out->head->function_count != m->function_count || out->head->type_count != m->type_count)) {
		wasm_code_release(out);
		e = note_err(note, E_CORRUPT, "the native code is of another module");
	}
	return e;
}

void wasm_code_release(struct wasm_code *c)
{
	if (c->base)
		munmap((void *)(uintptr_t)c->base, AREA);
	if (c->write)
		munmap(c->write, AREA);
	if (c->fd > 0)
		close(c->fd);
	free(c->tiers);
	*c = (struct wasm_code){.fd = -1};
}

enum err wasm_code_load(struct wasm_code *out, struct bytes artefact, const struct wasm_module *m, struct note *note)
{
	struct artefact a;
	struct bytes blob;
	enum err e = artefact_open(&a, artefact);

	*out = (struct wasm_code){.fd = -1};
	if (e < 0)
		return note_err(note, e, "it is no artefact");
	e = wasm_code_new(out, m->function_count, m->type_count, note);
	while (e == OK && (e = artefact_next(&a, &blob)) == OK)
		e = wasm_code_add(out, blob, note);
	if (e == E_NOT_FOUND)
		e = map(out, note);
	if (e < 0)
		wasm_code_release(out);
	return e;
}

uint64_t wasm_code_generation(const struct wasm_code *c)
{
	return atomic_load(&c->head->generation);
}

void *wasm_code_of(const struct wasm_code *c, uint32_t function)
{
	uint32_t at = atomic_load(&c->head->at[function]);

	return (void *)(uintptr_t)(c->base + (at ? at : stub_of(c->head, function, true)));
}

bool wasm_code_present(const struct wasm_code *c, uint32_t function)
{
	return atomic_load(&c->head->at[function]) != 0;
}

wasm_entry *wasm_code_entry(const struct wasm_code *c, uint32_t type)
{
	uint32_t at = atomic_load(&c->head->at[c->head->function_count + type]);

	return at ? (wasm_entry *)(uintptr_t)(c->base + at) : NULL;
}

bool wasm_code_has(const struct wasm_code *c, uintptr_t address)
{
	return address >= (uintptr_t)c->base + c->head->text && address < (uintptr_t)c->base + AREA;
}
