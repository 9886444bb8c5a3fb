/* SPDX-License-Identifier: MIT
 *
 * available: who may read what of the weave (ao-units 5.18).
 */
#include "cu/drive.h"
#include "flow/wait.h"

#include <string.h>

enum { ATTESTORS_MAX = 64, ATTESTATIONS_MAX = 100 };

static struct bytes last_tag(struct tags tags, const char *name)
{
	struct bytes value = bytes_of(NULL, 0);

	for (size_t i = 0; i < tags.count; i++)
		if (bytes_eq_str(tags.list[i].name, name))
			value = tags.list[i].value;
	return value;
}

static struct bytes mode_of(const struct live *p, const struct module *module)
{
	struct bytes value;

	if (tags_find(p->info.message.tags, "Availability-Type", &value) ||
	    tags_find(module->tags, "Availability-Type", &value))
		return value;
	return BYTES("Assignments");
}

/* What is not an address owns nothing on the weave; an index may refuse to look for it. */
static void add_attestor(struct bytes *list, size_t *count, struct bytes address)
{
	struct id id;

	if (*count < ATTESTORS_MAX && id_parse(&id, address) == OK)
		list[(*count)++] = address;
}

static size_t attestors_of(const struct live *p, struct bytes list[ATTESTORS_MAX])
{
	struct tags tags = p->info.message.tags;
	size_t count = 0;

	add_attestor(list, &count, last_tag(tags, "Scheduler"));
	for (size_t i = 0; i < tags.count; i++)
		if (bytes_eq_str(tags.list[i].name, "Attestor"))
			add_attestor(list, &count, tags.list[i].value);
	return count;
}

/* Whether one of them has such an item in a block up to `height`. The oldest come first, so that later ones change nothing. */
static enum err attested(const struct live *p, struct arena *a, const char *protocol, const char *type,
			 const char *name, struct bytes id, uint64_t height, bool *out, struct note *note)
{
	struct bytes owners[ATTESTORS_MAX], values[] = {bytes_str(protocol), bytes_str(type), id};
	struct weave_tag_filter tags[] = {{BYTES("Data-Protocol"), &values[0], 1},
					  {BYTES("Type"), &values[1], 1},
					  {bytes_str(name), &values[2], 1}};
	struct weave_query query = {.owners = owners,
				    .owner_count = attestors_of(p, owners),
				    .tags = tags,
				    .tag_count = 3,
				    .first = ATTESTATIONS_MAX,
				    .oldest_first = true};
	const struct weave_meta *list;
	size_t count = 0;
	enum err e;

	*out = false;
	if (query.owner_count == 0)
		return OK;
	e = weave_find_wait(&p->cu->options.weave, a, &query, &list, &count, note);
	for (size_t i = 0; e == OK && i < count; i++)
		*out |= list[i].mined && list[i].block_height <= height;
	return e;
}

enum err available(const struct live *p, const struct module *module, struct arena *a, struct bytes id, uint64_t height,
		   enum availability *out, struct note *note)
{
	struct bytes mode = mode_of(p, module);
	bool individual = bytes_eq_str(mode, "Individual"), found = false;
	enum err e;

	*out = WITHHELD;
	if (bytes_eq(last_tag(p->info.message.tags, "On-Boot"), id)) {
		*out = BOOT_ITEM;
		return OK;
	}
	if (bytes_eq_str(mode, "test")) {
		*out = AVAILABLE;
		return OK;
	}
	if (!tags_includes(p->info.message.tags, "Extension", "WeaveDrive") &&
	    !tags_includes(module->tags, "Extension", "WeaveDrive"))
		return OK;
	if (bytes_eq_str(mode, "Library")) {
		*out = NO_LIBRARY;
		return OK;
	}
	if (!individual && !bytes_eq_str(mode, "Assignments"))
		return OK;
	e = attested(p, a, "ao", "Attestation", "Message", id, height, &found, note);
	if (e == OK && !found && individual)
		e = attested(p, a, "WeaveDrive", "Available", "ID", id, height, &found, note);
	if (e == OK && found)
		*out = AVAILABLE;
	return e;
}
