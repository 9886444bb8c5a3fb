/* SPDX-License-Identifier: MIT */
#include "cu/stage.h"

#include "base/json.h"
#include "cu/unit.h"
#include "flow/wait.h"
#include "msg/item.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES_MAX = 2000, HISTORY_MAX = 20000, ITEMS_MAX = 4000, BLOCKS_MAX = 2000 };

struct history {
	struct id process;
	struct process_info info;
	struct assignment *list;
	size_t count, cap;
	bool withheld;
};

struct shelf_item {
	struct weave_meta meta;
	struct bytes data, raw;
};

struct stage stage = {.height = STAGE_HEIGHT};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct history *histories[PROCESSES_MAX];
static size_t history_count;
static struct shelf_item items[ITEMS_MAX];
static size_t item_count, put_count, put_items[ITEMS_MAX];
static struct weave_block blocks[BLOCKS_MAX];
static size_t block_count;
static uint64_t id_counter;
static struct arena put_arena; /* under `lock`: the unit's threads put */
static struct readers *readers;
static struct locate *locate;
static char *cache;

/* ---- making things up ---- */

static struct id fresh_id(void)
{
	uint8_t text[8];

	set_u64le(text, ++id_counter);
	return id_of_sha256(bytes_of(text, sizeof(text)));
}

static struct bytes text_of_id(struct id id)
{
	return arena_copy(&stage.arena, bytes_str(id_text(id).s));
}

static struct bytes owner(void)
{
	return text_of_id(id_of_sha256(BYTES("owner")));
}

static void add_all(struct tag_list *list, struct tags tags)
{
	for (size_t i = 0; i < tags.count; i++)
		tag_list_add(list, tags.list[i].name, tags.list[i].value);
}

struct tags stage_tags(const char *first, ...)
{
	struct tag_list list = tag_list_on(&stage.arena);
	const char *name = first;
	va_list args;

	va_start(args, first);
	while (name) {
		const char *value = va_arg(args, const char *);
		tag_list_add(&list, arena_copy(&stage.arena, bytes_str(name)),
			     arena_copy(&stage.arena, bytes_str(value)));
		name = va_arg(args, const char *);
	}
	va_end(args);
	return tag_list_tags(&list);
}

static struct id shelve(struct bytes data, struct tags tags)
{
	struct id id = fresh_id();

	must(item_count < ITEMS_MAX);
	pthread_mutex_lock(&lock);
	items[item_count++] = (struct shelf_item){.meta = {.id = text_of_id(id),
							   .signature = BYTES("c2ln"),
							   .owner_address = owner(),
							   .recipient = BYTES(""),
							   .tags = tags,
							   .block_height = STAGE_HEIGHT,
							   .mined = true,
							   .data_size = data.len},
						  .data = data};
	pthread_mutex_unlock(&lock);
	return id;
}

struct id stage_item(const char *by, struct bytes data, struct tags tags, uint64_t height)
{
	struct id id = shelve(data, tags);
	struct weave_meta *m = &items[item_count - 1].meta;

	if (by)
		m->owner_address = arena_copy(&stage.arena, bytes_str(by));
	m->block_height = height;
	m->mined = height > 0;
	return id;
}

struct bytes stage_owner(void)
{
	return owner();
}

void stage_forget(struct id id)
{
	struct bytes text = text_of_id(id);

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < item_count; i++)
		if (bytes_eq(items[i].meta.id, text))
			items[i].meta.id = BYTES("forgotten");
	pthread_mutex_unlock(&lock);
}

struct id stage_module_of(struct bytes wasm, struct tags tags)
{
	return shelve(wasm, tags);
}

struct id stage_module(const char *path, struct tags more)
{
	struct tag_list list = tag_list_on(&stage.arena);
	uint8_t *at;
	off_t size;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	must(fd >= 0);
	size = lseek(fd, 0, SEEK_END);
	at = arena_alloc(&stage.arena, (size_t)size);
	must(pread(fd, at, (size_t)size, 0) == size);
	close(fd);
	add_all(&list, more); /* first, so that they win */
	add_all(&list, stage_tags("Data-Protocol", "ao", "Type", "Module", "Module-Format", STAGE_FORMAT,
				  "Input-Encoding", "JSON-1", "Output-Encoding", "JSON-1", "Memory-Limit", "64-mb",
				  "Compute-Limit", "1000000000", NULL));
	return shelve(bytes_of(at, (size_t)size), tag_list_tags(&list));
}

void stage_mine(struct id item, uint64_t height)
{
	struct bytes id = text_of_id(item);

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < item_count; i++)
		if (bytes_eq(items[i].meta.id, id)) {
			items[i].meta.mined = height > 0;
			items[i].meta.block_height = height;
		}
	pthread_mutex_unlock(&lock);
}

struct id stage_transaction(const char *data, struct tags tags)
{
	return shelve(arena_copy(&stage.arena, bytes_str(data)), tags);
}

void stage_block(uint64_t height, uint64_t timestamp_s)
{
	must(block_count < BLOCKS_MAX);
	blocks[block_count++] = (struct weave_block){
		.id = text_of_id(fresh_id()), .height = height, .timestamp = timestamp_s};
}

static struct history *history_of(struct id process)
{
	for (size_t i = 0; i < history_count; i++)
		if (id_eq(histories[i]->process, process))
			return histories[i];
	return NULL;
}

/* Under `lock`: the next place of a history. */
static struct assignment *append(struct history *h, uint64_t timestamp_ms)
{
	const struct assignment *last = h->count ? &h->list[h->count - 1] : NULL;
	struct assignment *a;

	if (h->count == h->cap) { /* readers hold pointers into the old one, which therefore stays */
		struct assignment *bigger;
		h->cap = h->cap ? 2 * h->cap : 64;
		must(h->cap <= HISTORY_MAX * 2);
		bigger = arena_new_array(&stage.arena, h->cap, struct assignment);
		if (h->count)
			memcpy(bigger, h->list, h->count * sizeof(*bigger));
		h->list = bigger;
		last = h->count ? &bigger[h->count - 1] : NULL;
	}
	a = &h->list[h->count++];
	*a = (struct assignment){.id = text_of_id(fresh_id()),
				 .process = h->process,
				 .nonce = h->count - 1,
				 .timestamp_ms = timestamp_ms,
				 .block_height = STAGE_HEIGHT,
				 .has_hash_chain = true};
	if (last) {
		uint8_t both[64];
		struct id id;
		must(id_parse(&id, last->id) == OK);
		memcpy(both, id.b, 32);
		memcpy(both + 32, last->hash_chain.b, 32);
		a->hash_chain = id_of_sha256(bytes_of(both, sizeof(both)));
		if (!timestamp_ms)
			a->timestamp_ms = last->timestamp_ms + 1000;
	} else {
		a->hash_chain = id_of_sha256(bytes_of(h->process.b, 32));
	}
	if (stage.now_ms <= a->timestamp_ms)
		stage.now_ms = a->timestamp_ms + 1;
	return a;
}

static struct message *make_message(struct id id, struct id target, const char *data, struct tags tags)
{
	struct message *m = arena_new(&stage.arena, struct message);

	*m = (struct message){.id = text_of_id(id),
			      .signature = BYTES("c2ln"),
			      .owner_address = owner(),
			      .target = text_of_id(target),
			      .tags = tags,
			      .data = arena_copy(&stage.arena, bytes_str(data)),
			      .has_data = true};
	return m;
}

struct id stage_spawn(struct id module, struct tags more, uint64_t timestamp_ms)
{
	struct tag_list list = tag_list_on(&stage.arena);
	struct history *h = calloc(1, sizeof(*h));
	struct assignment *a;

	must(h != NULL && history_count < PROCESSES_MAX);
	h->process = fresh_id();
	add_all(&list, stage_tags("Data-Protocol", "ao", "Type", "Process", "Module", id_text(module).s, "Scheduler",
				  "S", NULL));
	add_all(&list, more);
	pthread_mutex_lock(&lock);
	histories[history_count++] = h;
	h->info.message = *make_message(h->process, (struct id){{0}}, "process", tag_list_tags(&list));
	h->info.message.target = bytes_of(NULL, 0);
	a = append(h, timestamp_ms ? timestamp_ms : STAGE_T0);
	a->message = &h->info.message;
	h->info.timestamp_ms = a->timestamp_ms;
	h->info.block_height = a->block_height;
	pthread_mutex_unlock(&lock);
	return h->process;
}

struct id stage_send_at(struct id process, const char *data, struct tags more, uint64_t timestamp_ms)
{
	struct tag_list list = tag_list_on(&stage.arena);
	struct id id = fresh_id();
	struct history *h;
	struct assignment *a;

	add_all(&list, stage_tags("Data-Protocol", "ao", "Type", "Message", NULL));
	add_all(&list, more);
	pthread_mutex_lock(&lock);
	h = history_of(process);
	must(h != NULL);
	a = append(h, timestamp_ms);
	a->message = make_message(id, process, data, tag_list_tags(&list));
	a->message_id = a->message->id;
	pthread_mutex_unlock(&lock);
	return id;
}

struct id stage_send(struct id process, const char *data, struct tags more)
{
	return stage_send_at(process, data, more, 0);
}

struct id stage_assign(struct id process, struct id message, struct tags exclude)
{
	struct assignment *a;
	struct id id;

	pthread_mutex_lock(&lock);
	a = append(history_of(process), 0);
	a->message_id = text_of_id(message);
	a->tags = exclude;
	must(id_parse(&id, a->id) == OK);
	pthread_mutex_unlock(&lock);
	return id;
}

struct assignment *stage_last(struct id process)
{
	struct history *h = history_of(process);

	return &h->list[h->count - 1];
}

void stage_withhold(struct id process)
{
	history_of(process)->withheld = true;
}

struct process_info *stage_info(struct id process)
{
	return &history_of(process)->info;
}

/* ---- the scheduler ---- */

static bool away(struct note *note)
{
	if (stage.scheduler_away)
		note_err(note, E_PEER, "the scheduler is away");
	return stage.scheduler_away;
}

static void find_assignment(void *self, struct id process, struct bytes id, assignment_done *done, void *ctx)
{
	const struct assignment *found = NULL;
	struct note note = {0};
	struct assignment copy;

	stage.assignments++;
	if (away(&note)) {
		done(ctx, E_PEER, &note, NULL);
		return;
	}
	pthread_mutex_lock(&lock);
	for (size_t k = 0; k < history_count && !found; k++)
		for (size_t i = 0; i < histories[k]->count && !found; i++) {
			const struct assignment *a = &histories[k]->list[i];
			if (bytes_eq(a->id, id) || (a->message && bytes_eq(a->message->id, id)))
				found = a;
		}
	if (found)
		copy = *found;
	pthread_mutex_unlock(&lock);
	if (found) {
		done(ctx, OK, NULL, &copy);
		return;
	}
	note_err(&note, E_NOT_FOUND, "Message or Process not found: %.*s", BYTES_FMT(id));
	done(ctx, E_NOT_FOUND, &note, NULL);
}

static void give_page(void *self, struct id process, struct range range, page_done *done, void *ctx)
{
	struct page page = {0};
	struct note note = {0};
	struct history *h;
	size_t first;

	stage.pages++;
	if (away(&note)) {
		done(ctx, E_PEER, &note, NULL);
		return;
	}
	pthread_mutex_lock(&lock);
	h = history_of(process);
	first = (size_t)(range.nonce_after + 1);
	if (h && h->withheld && first == 0)
		first = 1;
	if (h && first < h->count) {
		size_t last = range.nonce_last < h->count - 1 ? (size_t)range.nonce_last : h->count - 1;
		page.count = last + 1 > first ? last + 1 - first : 0;
		if (page.count > range.limit) {
			page.count = range.limit;
			page.more = true;
		}
		page.list = h->list + first;
	}
	pthread_mutex_unlock(&lock);
	done(ctx, OK, NULL, &page);
}

static void give_process(void *self, struct id process, process_done *done, void *ctx)
{
	struct note note = {0};
	struct history *h;

	stage.processes++;
	if (away(&note)) {
		done(ctx, E_PEER, &note, NULL);
		return;
	}
	pthread_mutex_lock(&lock);
	h = history_of(process);
	pthread_mutex_unlock(&lock);
	if (h) {
		done(ctx, OK, NULL, &h->info);
		return;
	}
	note_err(&note, E_NOT_FOUND, "Process not found: %s", id_text(process).s);
	done(ctx, E_NOT_FOUND, &note, NULL);
}

static void give_now(void *self, struct id process, now_done *done, void *ctx)
{
	done(ctx, OK, NULL, stage.now_ms, STAGE_HEIGHT);
}

/* ---- the weave ---- */

static bool weave_away(struct note *note)
{
	if (stage.weave_away)
		note_err(note, E_PEER, "the weave is away");
	return stage.weave_away;
}

static bool among(struct bytes what, const struct bytes *list, size_t count)
{
	bool found = count == 0;

	for (size_t i = 0; i < count && !found; i++)
		found = bytes_eq(what, list[i]);
	return found;
}

static bool tagged(struct tags tags, const struct weave_tag_filter *filter)
{
	for (size_t i = 0; i < tags.count; i++)
		if (bytes_eq(tags.list[i].name, filter->name) &&
		    among(tags.list[i].value, filter->values, filter->value_count))
			return true;
	return false;
}

static void find(void *self, const struct weave_query *query, weave_find_done *done, void *ctx)
{
	struct weave_meta *list = calloc(ITEMS_MAX, sizeof(*list));
	struct id_text hidden = id_text(stage.hidden);
	struct note note = {0};
	size_t count = 0;

	must(list != NULL);
	stage.finds++;
	if (weave_away(&note)) {
		done(ctx, E_PEER, &note, NULL, 0);
		free(list);
		return;
	}
	pthread_mutex_lock(&lock);
	for (size_t k = 0; k < item_count && count < query->first; k++) {
		const struct weave_meta *m = &items[query->oldest_first ? k : item_count - 1 - k].meta;
		bool fits = among(m->id, query->ids, query->id_count) && !bytes_eq_str(m->id, hidden.s) &&
			    among(m->owner_address, query->owners, query->owner_count);
		for (size_t i = 0; fits && i < query->tag_count; i++)
			fits = tagged(m->tags, &query->tags[i]);
		if (fits)
			list[count++] = *m;
	}
	pthread_mutex_unlock(&lock);
	done(ctx, OK, NULL, list, count);
	free(list);
}

static void data(void *self, struct bytes id, weave_data_done *done, void *ctx)
{
	struct note note = {0};
	struct bytes found = bytes_of(NULL, 0);
	bool has = false;

	stage.datas++;
	if (stage.on_data)
		stage.on_data();
	if (weave_away(&note)) {
		done(ctx, E_PEER, &note, found);
		return;
	}
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < item_count; i++)
		if (bytes_eq(items[i].meta.id, id)) {
			found = items[i].data;
			has = true;
		}
	for (size_t i = 0; i < history_count; i++)
		if (bytes_eq(histories[i]->info.message.id, id)) {
			found = histories[i]->info.message.data;
			has = true;
		}
	pthread_mutex_unlock(&lock);
	if (!has)
		note_err(&note, E_NOT_FOUND, "Transaction %.*s was not found on the weave", BYTES_FMT(id));
	done(ctx, has ? OK : E_NOT_FOUND, &note, found);
}

struct bytes stage_put(struct bytes raw)
{
	struct note note = {0};
	struct item *item;
	struct bytes id;

	pthread_mutex_lock(&lock);
	item = arena_new(&put_arena, struct item);
	raw = arena_copy(&put_arena, raw);
	must(item_count < ITEMS_MAX);
	must(item_parse(item, &put_arena, raw, &note) == OK && item_verify(item, &note) == OK);
	put_items[put_count++] = item_count;
	items[item_count++] = (struct shelf_item){
		.meta = {.id = arena_copy(&put_arena, bytes_str(id_text(item->id).s)),
			 .owner_address = arena_copy(&put_arena, bytes_str(id_text(id_of_sha256(item->owner)).s)),
			 .owner_key = item->owner,
			 .tags = item->tags,
			 .data_size = item->data.len},
		.data = item->data,
		.raw = raw,
	};
	id = items[item_count - 1].meta.id;
	pthread_mutex_unlock(&lock);
	return id;
}

static void put(void *self, struct bytes raw, weave_put_done *done, void *ctx)
{
	done(ctx, OK, NULL, stage_put(raw));
}

size_t stage_shelf(void)
{
	size_t n;

	pthread_mutex_lock(&lock);
	n = put_count;
	pthread_mutex_unlock(&lock);
	return n;
}

struct bytes stage_shelf_at(size_t i)
{
	return items[put_items[i]].raw;
}

static void give_height(void *self, weave_height_done *done, void *ctx)
{
	struct note note = {0};

	if (weave_away(&note))
		done(ctx, E_PEER, &note, 0);
	else
		done(ctx, OK, NULL, stage.height);
}

static void give_blocks(void *self, uint64_t height_first, size_t limit, weave_blocks_done *done, void *ctx)
{
	size_t first = 0, count;

	stage.blocks_asked++;
	while (first < block_count && blocks[first].height < height_first)
		first++;
	count = block_count - first < limit ? block_count - first : limit;
	done(ctx, OK, NULL, blocks + first, count);
}

/* Documents as short as they may be. */
static void give_transaction(void *self, struct bytes id, weave_data_done *done, void *ctx)
{
	struct note note = {0};
	char text[200];

	if (weave_away(&note)) {
		done(ctx, E_PEER, &note, bytes_of(NULL, 0));
		return;
	}
	snprintf(text, sizeof(text), "{\"format\": 2, \"id\":\"%.*s\",\"owner\":\"AQAB\"}", BYTES_FMT(id));
	done(ctx, OK, NULL, bytes_str(text));
}

static void give_block(void *self, uint64_t height, weave_data_done *done, void *ctx)
{
	struct note note = {0};
	char text[100];
	bool there = false;

	for (size_t i = 0; i < block_count; i++)
		there |= blocks[i].height == height;
	if (weave_away(&note) || !there) {
		done(ctx, note.text[0] ? E_PEER : E_NOT_FOUND, &note, bytes_of(NULL, 0));
		return;
	}
	snprintf(text, sizeof(text), "{\"height\":%" PRIu64 "}", height);
	done(ctx, OK, NULL, bytes_str(text));
}

static const struct scheduler scheduler = {
	.self = &stage,
	.assignment = find_assignment,
	.page = give_page,
	.process = give_process,
	.now = give_now,
};
static const struct weave weave = {.self = &stage,
				   .put = put,
				   .find = find,
				   .data = data,
				   .height = give_height,
				   .blocks = give_blocks,
				   .transaction = give_transaction,
				   .block = give_block};

/* ---- life ---- */

void stage_start(void)
{
	struct note note = {0};

	stage.options.store = stage.store;
	stage.options.weave = weave;
	stage.options.locate = locate;
	stage.options.readers = readers;
	stage.options.key = stage.key;
	must(cu_open(&stage.cu, &stage.options, &note) == OK);
	stage.port = cu_port(stage.cu);
}

void stage_stop(void)
{
	cu_close(stage.cu);
	stage.cu = NULL;
}

void stage_open(struct store *store, const char *directory)
{
	const char *compile = getenv("WEFT_COMPILE"), *worker = getenv("WEFT_WORKER");
	struct note note = {0};

	if (!compile || !worker) {
		fprintf(stderr, "WEFT_COMPILE and WEFT_WORKER name the programs to test with\n");
		abort();
	}
	cache = (char *)(uintptr_t)arena_cstr(&stage.arena, arena_printf(&stage.arena, "%s/cache", directory));
	must(readers_open(&readers, &(struct readers_options){.compile = compile, .worker = worker, .cache = cache},
			  &note) == OK);
	must(key_new(&stage.key, SIGN_ED25519, &note) == OK);
	locate = locate_open(&(struct locate_options){.weave = weave, .home = scheduler});
	stage.store = store;
	stage_start();
}

void stage_restart_empty(void)
{
	stage_stop();
	store_close(stage.store);
	stage.store = store_open_memory();
	stage_start();
}

static bool count_one(void *ctx, struct bytes key, struct bytes value)
{
	(void)key;
	(void)value;
	++*(size_t *)ctx;
	return true;
}

size_t stage_evaluated(struct id process)
{
	uint8_t end[32];
	struct store_range range = {.from = bytes_of(process.b, 32),
				    .to = store_prefix_end(end, bytes_of(process.b, 32))};
	size_t n = 0;

	must(store_scan(stage.store, TABLE_RESULT, &range, count_one, &n) == OK);
	return n;
}

void stage_close(void)
{
	if (stage.cu)
		stage_stop();
	store_close(stage.store);
	locate_close(locate);
	readers_close(readers);
	key_free(stage.key);
}

/* ---- workers ---- */

static bool is_worker(pid_t pid)
{
	char path[100], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%31s", name) != 1)
		name[0] = 0;
	fclose(f);
	return strcmp(name, "weft-worker") == 0;
}

/* Other children compile. */
pid_t stage_worker_of(pid_t process, pid_t thread)
{
	char path[100];
	pid_t found = 0;
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", process, thread);
	f = fopen(path, "r");
	if (!f)
		return 0;
	while (!found && fscanf(f, "%d", &pid) == 1)
		if (is_worker(pid))
			found = pid;
	fclose(f);
	return found;
}

pid_t stage_nursery(void)
{
	pid_t found = 0;
	char path[100];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", getpid());
	dir = opendir(path);
	must(dir != NULL);
	while (!found && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			found = stage_worker_of(getpid(), (pid_t)strtol(d->d_name, NULL, 10));
	closedir(dir);
	return found;
}

/* ---- asking ---- */

enum err stage_result(struct id process, struct id id, struct bytes *json, struct note *note)
{
	*json = bytes_of(NULL, 0);
	note_reset(note);
	return result_wait(&stage.port, &stage.arena, process, bytes_str(id_text(id).s), json, note);
}

struct bytes stage_output(struct id process, struct id id)
{
	const struct json *json;
	struct note note = {0};
	struct bytes text;

	if (stage_result(process, id, &text, &note) < 0) {
		fprintf(stderr, "no result: %s\n", note.text);
		abort();
	}
	must(json_parse(&json, &stage.arena, text, NULL) == OK);
	return json_get_text(&stage.arena, json, "Output");
}

enum err stage_dry_run(struct id process, const char *message, struct bytes *json, struct note *note)
{
	*json = bytes_of(NULL, 0);
	note_reset(note);
	return dry_run_wait(&stage.port, &stage.arena, process, bytes_str(message), json, note);
}

struct state {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	struct id sum;
};

static void on_state(void *ctx, enum err e, const struct note *note, struct live *p)
{
	struct state *s = ctx;
	struct bytes content;

	pthread_mutex_lock(&s->lock);
	if (e < 0) {
		fprintf(stderr, "no state: %s\n", note_text(note, e));
	} else {
		must(image_map(p->image, &content, NULL) == OK);
		s->sum = id_of_sha256(content);
		image_unmap(p->image, content);
	}
	s->done = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

struct id stage_state(struct id process)
{
	struct state s = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

	ask_state(stage.cu, process, UINT64_MAX, on_state, &s);
	pthread_mutex_lock(&s.lock);
	while (!s.done)
		pthread_cond_wait(&s.wake, &s.lock);
	pthread_mutex_unlock(&s.lock);
	return s.sum;
}
