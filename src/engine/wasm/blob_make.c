/* SPDX-License-Identifier: MIT */
#include "engine/wasm/blob.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { SECTIONS_MAX = 65536 };

struct maker {
	struct bytes elf;
	const Elf64_Shdr *sections;
	size_t section_count;
	uint32_t *placed; /* by section: offset in the code; NOWHERE: not part of it */
	const Elf64_Sym *symbols;
	size_t symbol_count;
	struct bytes names;
	struct buf code, defined, calls;
	struct note *note;
};

#define NOWHERE UINT32_MAX

static enum err bad(struct maker *m, const char *what)
{
	return note_err(m->note, E_UNSUPPORTED, "LLVM's object cannot be used: %s", what);
}

static bool inside(struct bytes b, uint64_t offset, uint64_t len)
{
	return offset <= b.len && len <= b.len - offset;
}

static enum err open_object(struct maker *m)
{
	const Elf64_Ehdr *h = (const void *)m->elf.ptr;
	if (m->elf.len < sizeof *h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_machine != EM_X86_64 ||
	    h->e_type != ET_REL || h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shnum == 0 ||
	    !inside(m->elf, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)))
		return bad(m, "it is no x86-64 ELF object");
	m->sections = (const void *)(m->elf.ptr + h->e_shoff);
	m->section_count = h->e_shnum;
	m->placed = malloc(m->section_count * sizeof *m->placed);
	must(m->placed != NULL);
	for (size_t i = 0; i < m->section_count; i++) {
		const Elf64_Shdr *s = &m->sections[i];
		if (s->sh_type != SHT_NOBITS && !inside(m->elf, s->sh_offset, s->sh_size))
			return bad(m, "a section is cut off");
		if (s->sh_type == SHT_SYMTAB && s->sh_link < m->section_count) {
			const Elf64_Shdr *names = &m->sections[s->sh_link];
			m->symbols = (const void *)(m->elf.ptr + s->sh_offset);
			m->symbol_count = s->sh_size / sizeof *m->symbols;
			m->names = bytes_of(m->elf.ptr + names->sh_offset, names->sh_size);
		}
	}
	return OK;
}

/* Text and constants, in the order of the object. Nothing of the guest's is static data of ours, so none may be written. */
static enum err place(struct maker *m)
{
	for (size_t i = 0; i < m->section_count; i++) {
		const Elf64_Shdr *s = &m->sections[i];
		m->placed[i] = NOWHERE;
		if (!(s->sh_flags & SHF_ALLOC) || s->sh_size == 0)
			continue;
		if (s->sh_type != SHT_PROGBITS || (s->sh_flags & (SHF_WRITE | SHF_TLS)) || s->sh_addralign > BLOB_ALIGN)
			return bad(m, "it has data of an unknown kind");
		while (s->sh_addralign > 1 && m->code.len % s->sh_addralign)
			buf_put_u8(&m->code, 0xcc);
		m->placed[i] = (uint32_t)m->code.len;
		buf_put(&m->code, m->elf.ptr + s->sh_offset, s->sh_size);
		if (m->code.len > BLOB_MAX)
			return bad(m, "it is larger than 1 GiB");
	}
	return OK;
}

static const char *name_of(const struct maker *m, const Elf64_Sym *s)
{
	const char *at = (const char *)m->names.ptr + s->st_name;
	return s->st_name < m->names.len && memchr(at, 0, m->names.len - s->st_name) ? at : "";
}

/* f<N> or e<N>; false: neither. */
static bool parse_name(const char *name, uint32_t *out)
{
	uint64_t n;
	if ((name[0] != 'f' && name[0] != 'e') || !bytes_u64(bytes_str(name + 1), &n) || n >= BLOB_ENTRY)
		return false;
	*out = (uint32_t)n | (name[0] == 'e' ? BLOB_ENTRY : 0);
	return true;
}

static void put_pair(struct buf *out, uint32_t a, uint32_t b)
{
	uint8_t *p = buf_grow(out, 8);
	set_u32le(p, a);
	set_u32le(p + 4, b);
}

/* Where a symbol of the object itself is. */
static bool locate(const struct maker *m, const Elf64_Sym *s, uint64_t *out)
{
	if (s->st_shndx == SHN_UNDEF || s->st_shndx >= m->section_count || m->placed[s->st_shndx] == NOWHERE ||
	    s->st_value > m->sections[s->st_shndx].sh_size)
		return false;
	*out = m->placed[s->st_shndx] + s->st_value;
	return true;
}

static enum err define(struct maker *m)
{
	for (size_t i = 0; i < m->symbol_count; i++) {
		const Elf64_Sym *s = &m->symbols[i];
		uint64_t at;
		uint32_t name;
		if (ELF64_ST_BIND(s->st_info) != STB_GLOBAL || s->st_shndx == SHN_UNDEF)
			continue;
		if (!parse_name(name_of(m, s), &name) || !locate(m, s, &at))
			return bad(m, "it defines an unknown symbol");
		put_pair(&m->defined, name, (uint32_t)at);
	}
	return OK;
}

static enum err relocate_one(struct maker *m, uint64_t base, uint64_t limit, const Elf64_Rela *r)
{
	size_t index = ELF64_R_SYM(r->r_info);
	uint32_t kind = ELF64_R_TYPE(r->r_info), name;
	uint64_t target;
	if (kind != R_X86_64_PC32 && kind != R_X86_64_PLT32)
		return note_err(m->note, E_UNSUPPORTED, "LLVM's object has a relocation of unknown kind %u", kind);
	if (index >= m->symbol_count || limit < 4 || r->r_offset > limit - 4)
		return bad(m, "a relocation is damaged");
	uint64_t at = base + r->r_offset;
	if (locate(m, &m->symbols[index], &target)) {
		set_u32le(m->code.ptr + at, (uint32_t)(target + (uint64_t)r->r_addend - at));
		return OK;
	}
	if (!parse_name(name_of(m, &m->symbols[index]), &name) || (name & BLOB_ENTRY) || r->r_addend != -4)
		return note_err(m->note, E_UNSUPPORTED, "LLVM's object needs an unknown symbol: %.100s",
				name_of(m, &m->symbols[index]));
	put_pair(&m->calls, (uint32_t)at, name);
	return OK;
}

static enum err relocate(struct maker *m)
{
	enum err e = OK;
	for (size_t i = 0; !e && i < m->section_count; i++) {
		const Elf64_Shdr *rela = &m->sections[i];
		if (rela->sh_type != SHT_RELA || rela->sh_info >= m->section_count ||
		    m->placed[rela->sh_info] == NOWHERE)
			continue;
		const Elf64_Rela *r = (const void *)(m->elf.ptr + rela->sh_offset);
		for (size_t k = 0; !e && k < rela->sh_size / sizeof *r; k++)
			e = relocate_one(m, m->placed[rela->sh_info], m->sections[rela->sh_info].sh_size, &r[k]);
	}
	return e;
}

enum err blob_make(struct buf *out, enum wasm_tier tier, struct bytes elf, struct note *note)
{
	struct maker m = {.elf = elf, .note = note};
	enum err e = open_object(&m);
	if (!e)
		e = place(&m);
	if (!e)
		e = define(&m);
	if (!e)
		e = relocate(&m);
	if (!e) {
		uint8_t *head = buf_grow(out, BLOB_HEADER);
		set_u32le(head, (uint32_t)tier);
		set_u32le(head + 4, (uint32_t)m.code.len);
		set_u32le(head + 8, (uint32_t)(m.defined.len / 8));
		set_u32le(head + 12, (uint32_t)(m.calls.len / 8));
		buf_put_bytes(out, buf_bytes(&m.defined));
		buf_put_bytes(out, buf_bytes(&m.calls));
		buf_put_bytes(out, buf_bytes(&m.code));
	}
	free(m.placed);
	buf_release(&m.code);
	buf_release(&m.defined);
	buf_release(&m.calls);
	return e;
}
