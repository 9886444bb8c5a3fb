/* SPDX-License-Identifier: MIT */
#include "engine/wasm/code.h"
#include "engine/wasm/artefact.h"
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* One object: where each of its sections went. */
struct object {
	const uint8_t *elf;
	size_t size;
	const Elf64_Shdr *sections;
	size_t count;
	uint8_t **placed; /* NULL: not loaded */
};

struct loader {
	struct wasm_code *code;
	const struct wasm_module *m;
	struct object *objects;
	size_t count;
	struct note *note;
};

static enum err bad(struct loader *l, const char *what)
{
	return note_err(l->note, E_CORRUPT, "the native code cannot be loaded: %s", what);
}

static bool wanted(const Elf64_Shdr *s)
{
	return (s->sh_flags & SHF_ALLOC) && (s->sh_type == SHT_PROGBITS || s->sh_type == SHT_NOBITS) && s->sh_size;
}

static bool inside(const struct object *o, uint64_t offset, uint64_t len)
{
	return offset <= o->size && len <= o->size - offset;
}

static enum err open_object(struct loader *l, struct object *o, struct bytes elf)
{
	o->elf = elf.ptr;
	o->size = elf.len;
	const Elf64_Ehdr *h = (const void *)elf.ptr;
	if (elf.len < sizeof *h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_machine != EM_X86_64 ||
	    h->e_type != ET_REL || h->e_shentsize != sizeof(Elf64_Shdr) ||
	    !inside(o, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)))
		return bad(l, "an object is no x86-64 ELF object");
	o->sections = (const void *)(elf.ptr + h->e_shoff);
	o->count = h->e_shnum;
	o->placed = calloc(o->count + 1, sizeof *o->placed);
	must(o->placed != NULL);
	for (size_t i = 0; i < o->count; i++)
		if (o->sections[i].sh_type != SHT_NOBITS &&
		    !inside(o, o->sections[i].sh_offset, o->sections[i].sh_size))
			return bad(l, "a section is cut off");
	return OK;
}

/* Executable sections first, then, from a new page, data. Called twice: to measure, then to place. */
static size_t place(struct loader *l, bool executable, size_t at, bool copy)
{
	for (size_t k = 0; k < l->count; k++) {
		struct object *o = &l->objects[k];
		for (size_t i = 0; i < o->count; i++) {
			const Elf64_Shdr *s = &o->sections[i];
			if (!wanted(s) || ((s->sh_flags & SHF_EXECINSTR) != 0) != executable)
				continue;
			size_t align = s->sh_addralign ? s->sh_addralign : 1;
			at = (at + align - 1) / align * align;
			if (copy) {
				o->placed[i] = l->code->base + at;
				if (s->sh_type == SHT_PROGBITS)
					memcpy(o->placed[i], o->elf + s->sh_offset, s->sh_size);
			}
			at += s->sh_size;
		}
	}
	return at;
}

/* f<N> or e<N>: the cell that holds its address. */
static void **cell(struct loader *l, const char *name)
{
	char *end;
	if ((name[0] != 'f' && name[0] != 'e') || name[1] < '0' || name[1] > '9')
		return NULL;
	unsigned long n = strtoul(name + 1, &end, 10);
	if (*end || n >= (name[0] == 'f' ? l->m->function_count : l->m->type_count))
		return NULL;
	return name[0] == 'f' ? &l->code->functions[n] : (void **)&l->code->entries[n];
}

static const Elf64_Sym *symbols_of(const struct object *o, size_t *count, const char **names, size_t *names_size)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->sections[i].sh_type == SHT_SYMTAB && o->sections[i].sh_link < o->count) {
			const Elf64_Shdr *strings = &o->sections[o->sections[i].sh_link];
			*count = o->sections[i].sh_size / sizeof(Elf64_Sym);
			*names = (const char *)o->elf + strings->sh_offset;
			*names_size = strings->sh_size;
			return (const void *)(o->elf + o->sections[i].sh_offset);
		}
	*count = 0;
	return NULL;
}

static const char *name_of(const Elf64_Sym *s, const char *names, size_t size)
{
	return s->st_name < size && memchr(names + s->st_name, 0, size - s->st_name) ? names + s->st_name : "";
}

static enum err define(struct loader *l, struct object *o)
{
	size_t count, size = 0;
	const char *names = NULL;
	const Elf64_Sym *s = symbols_of(o, &count, &names, &size);
	for (size_t i = 0; i < count; i++) {
		if (ELF64_ST_BIND(s[i].st_info) != STB_GLOBAL || s[i].st_shndx == SHN_UNDEF)
			continue;
		void **to = cell(l, name_of(&s[i], names, size));
		if (!to || s[i].st_shndx >= o->count || !o->placed[s[i].st_shndx])
			return bad(l, "an unknown symbol is defined");
		*to = o->placed[s[i].st_shndx] + s[i].st_value;
	}
	return OK;
}

static enum err relocate(struct loader *l, struct object *o, const Elf64_Shdr *rela)
{
	size_t count, size = 0;
	const char *names = NULL;
	const Elf64_Sym *symbols = symbols_of(o, &count, &names, &size);
	if (rela->sh_info >= o->count || !o->placed[rela->sh_info])
		return OK; /* of a section that is not loaded */
	uint8_t *base = o->placed[rela->sh_info];
	size_t limit = o->sections[rela->sh_info].sh_size;
	const Elf64_Rela *r = (const void *)(o->elf + rela->sh_offset);
	for (size_t i = 0; i < rela->sh_size / sizeof *r; i++, r++) {
		size_t index = ELF64_R_SYM(r->r_info);
		if (index >= count)
			return bad(l, "a relocation names no symbol");
		const Elf64_Sym *s = &symbols[index];
		uint8_t *target;
		if (s->st_shndx != SHN_UNDEF && s->st_shndx < o->count && o->placed[s->st_shndx])
			target = o->placed[s->st_shndx] + s->st_value;
		else {
			void **from = cell(l, name_of(s, names, size));
			if (!from || !*from)
				return note_err(l->note, E_CORRUPT, "the native code needs an unknown symbol: %s",
						name_of(s, names, size));
			target = *from;
		}
		uint32_t kind = ELF64_R_TYPE(r->r_info);
		size_t width = kind == R_X86_64_64 ? 8 : 4;
		if (r->r_offset > limit || width > limit - r->r_offset)
			return bad(l, "a relocation lies outside its section");
		uint8_t *place_at = base + r->r_offset;
		uint64_t value = (uint64_t)(uintptr_t)target + (uint64_t)r->r_addend;
		if (kind == R_X86_64_64)
			set_u64le(place_at, value);
		else if (kind == R_X86_64_PC32 || kind == R_X86_64_PLT32)
			set_u32le(place_at, (uint32_t)(value - (uint64_t)(uintptr_t)place_at));
		else
			return note_err(l->note, E_CORRUPT, "the native code has a relocation of unknown kind %u",
					kind);
	}
	return OK;
}

static enum err link_all(struct loader *l)
{
	enum err e = OK;
	for (size_t k = 0; !e && k < l->count; k++)
		e = define(l, &l->objects[k]);
	for (size_t k = 0; !e && k < l->count; k++)
		for (size_t i = 0; !e && i < l->objects[k].count; i++)
			if (l->objects[k].sections[i].sh_type == SHT_RELA)
				e = relocate(l, &l->objects[k], &l->objects[k].sections[i]);
	for (uint32_t i = 0; !e && i < l->m->function_count; i++)
		if (!l->code->functions[i])
			e = bad(l, "a function is missing");
	return e;
}

enum err wasm_code_load(struct wasm_code *out, struct bytes artefact, const struct wasm_module *m, struct note *note)
{
	*out = (struct wasm_code){0};
	struct loader l = {.code = out, .m = m, .note = note};
	uint64_t count = artefact.len >= ARTEFACT_HEADER + 32 ? get_u64le(artefact.ptr + 48) : 0;
	if (count == 0 || count > artefact.len / 16)
		return bad(&l, "it is no artefact");
	out->functions = calloc(m->function_count + 1, sizeof *out->functions);
	out->entries = calloc(m->type_count + 1, sizeof *out->entries);
	l.objects = calloc(count, sizeof *l.objects);
	must(out->functions && out->entries && l.objects);
	size_t at = ARTEFACT_HEADER, end = artefact.len - 32;
	enum err e = OK;
	for (; !e && l.count < count; l.count++) {
		uint64_t len = at + 8 <= end ? get_u64le(artefact.ptr + at) : UINT64_MAX;
		if (at + 8 > end || len > end - at - 8) {
			e = bad(&l, "an object is cut off");
			break;
		}
		e = open_object(&l, &l.objects[l.count], bytes_of(artefact.ptr + at + 8, len));
		at += 8 + len;
		while (at % 16 != 8)
			at++;
	}
	if (!e) {
		size_t text = (place(&l, true, 0, false) + 4095) & ~(size_t)4095;
		size_t total = (place(&l, false, text, false) + 4095) & ~(size_t)4095;
		out->size = total ? total : 4096;
		out->base = mmap(NULL, out->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(out->base != MAP_FAILED);
		place(&l, true, 0, true);
		place(&l, false, text, true);
		e = link_all(&l);
		if (text)
			must(mprotect(out->base, text, PROT_READ | PROT_EXEC) == 0);
		if (out->size > text)
			must(mprotect(out->base + text, out->size - text, PROT_READ) == 0);
	}
	for (size_t k = 0; k < count; k++)
		free(l.objects[k].placed);
	free(l.objects);
	if (e)
		wasm_code_release(out);
	return e;
}

void wasm_code_release(struct wasm_code *c)
{
	if (c->base)
		munmap(c->base, c->size);
	free(c->functions);
	free(c->entries);
	*c = (struct wasm_code){0};
}
