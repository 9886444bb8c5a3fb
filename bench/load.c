/* SPDX-License-Identifier: MIT
 *
 * weft-load: asks a running network for something many times, and says how long it took.
 *
 *   weft-load append    SU COUNT CONCURRENCY PROCESS...  messages straight to the scheduler, spread over the processes
 *   weft-load round     MU CU COUNT PROCESS              one message at a time: POST to the MU, then its result
 *   weft-load dry-run   CU COUNT CONCURRENCY PROCESS...  distinct dry runs
 *   weft-load spawn     MU CU COUNT MODULE SCHEDULER     one process at a time: spawned, sent an Eval, and the answer had
 *
 * Tags follow after `--` as NAME=VALUE, in which % stands for the number of the message, and %500 for the rest of dividing it by
 * 500. Everything is signed before the clock starts, so the client's own work does not count: with one fresh ed25519 key, or
 * for `append` with the one that WEFT_LOAD_KEY names (a JWK). It prints one JSON
 * object: seconds, per_second, and p50, p99 and max of one ask in milliseconds, with the id of the last message of each
 * process. An answer that is not 2xx ends the run with exit code 1: a rate of refusals is no rate.
 */
#include "base/clock.h"
#include "base/json.h"
#include "http/http.h"
#include "msg/item.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAGS_MAX = 16, COUNT_MAX = 1000000, PROCESSES_MAX = 10000, TIMEOUT_MS = 600000 };

struct ask {
	struct bytes body;
	struct id id; /* of the message */
	const char *url;
	uint64_t start_ns, took_ns;
};

struct load {
	struct arena arena;
	struct http_client *client;
	const char *method;
	const char *const *headers;
	struct ask *asks;
	size_t count, concurrency;
	size_t next, done; /* under `lock` */
	bool failed;
	pthread_mutex_t lock;
	pthread_cond_t ended;
};

struct words {
	char *const *process;
	size_t process_count;
	char *const *tag;
	size_t tag_count;
};

/* ---- asking ---- */

static void ask_next(struct load *l);

struct flight {
	struct load *load;
	struct ask *ask;
};

static void on_answer(void *ctx, enum err e, const struct note *note, const struct http_reply *reply)
{
	struct flight *flight = ctx;
	struct load *l = flight->load;
	bool good = e == OK && reply->status >= 200 && reply->status < 300;

	flight->ask->took_ns = clock_ns() - flight->ask->start_ns;
	free(flight);
	pthread_mutex_lock(&l->lock);
	if (!good && !l->failed) {
		l->failed = true;
		if (e < 0)
			fprintf(stderr, "weft-load: %s\n", note_text(note, e));
		else
			fprintf(stderr, "weft-load: answered %d: %.*s\n", reply->status, BYTES_FMT(reply->body));
	}
	l->done++;
	if (l->done == l->next && (l->failed || l->done == l->count))
		pthread_cond_signal(&l->ended);
	pthread_mutex_unlock(&l->lock);
	ask_next(l);
}

static void ask_next(struct load *l)
{
	struct flight *flight;
	struct http_call call;

	pthread_mutex_lock(&l->lock);
	if (l->failed || l->next == l->count) {
		pthread_mutex_unlock(&l->lock);
		return;
	}
	flight = malloc(sizeof(*flight));
	must(flight != NULL);
	*flight = (struct flight){l, &l->asks[l->next++]};
	pthread_mutex_unlock(&l->lock);
	call = (struct http_call){
		.method = l->method, .url = flight->ask->url, .headers = l->headers, .body = flight->ask->body};
	flight->ask->start_ns = clock_ns();
	http_call(l->client, &call, on_answer, flight);
}

/* Runs all asks; the seconds that it took, or a negative number. */
static double run(struct load *l)
{
	uint64_t start = clock_ns();

	for (size_t i = 0; i < l->concurrency; i++)
		ask_next(l);
	pthread_mutex_lock(&l->lock);
	while (l->done < l->next || (!l->failed && l->done < l->count))
		pthread_cond_wait(&l->ended, &l->lock);
	pthread_mutex_unlock(&l->lock);
	return l->failed ? -1 : (double)(clock_ns() - start) / 1e9;
}

/* ---- what is asked ---- */

/* `text` with the number in the place of each %, and of the digits behind it. */
static struct bytes with_number(struct arena *a, struct bytes text, size_t number)
{
	struct buf out = BUF_EMPTY;
	struct bytes copy;

	for (size_t j = 0; j < text.len;) {
		size_t rest = 0;

		if (text.ptr[j] != '%') {
			buf_put_u8(&out, text.ptr[j++]);
			continue;
		}
		while (++j < text.len && text.ptr[j] >= '0' && text.ptr[j] <= '9')
			rest = 10 * rest + (size_t)(text.ptr[j] - '0');
		buf_printf(&out, "%zu", rest ? number % rest : number);
	}
	copy = arena_copy(a, buf_bytes(&out));
	buf_release(&out);
	return copy;
}

static struct tags tags_of(struct arena *a, const struct words *words, size_t number)
{
	struct tag_list tags = tag_list_on(a);

	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Variant", "ao.TN.1");
	tag_list_add_str(&tags, "Type", "Message");
	for (size_t i = 0; i < words->tag_count; i++) {
		struct bytes value, name = bytes_cut(bytes_str(words->tag[i]), '=', &value);

		tag_list_add(&tags, name, with_number(a, value, number));
	}
	return tag_list_tags(&tags);
}

static struct key *load_key(void)
{
	const char *path = getenv("WEFT_LOAD_KEY");
	struct note note = {0};
	struct key *key;
	enum err e = path ? key_load(&key, path, &note) : key_new(&key, SIGN_ED25519, &note);

	if (e < 0) {
		fprintf(stderr, "weft-load: %s\n", note_text(&note, e));
		exit(2);
	}
	return key;
}

static void make_items(struct load *l, const struct words *words)
{
	struct key *key = load_key();

	for (size_t i = 0; i < l->count; i++) {
		struct id process;
		struct note note = {0};
		struct buf item = BUF_EMPTY;
		uint8_t anchor[32]; /* ed25519 signs the same thing the same way: this keeps the ids apart */
		struct item_fields fields = {.tags = tags_of(&l->arena, words, i), .data = BYTES(" ")};

		if (id_parse(&process, bytes_str(words->process[i % words->process_count])) < 0) {
			fprintf(stderr, "weft-load: '%s' is not a process id\n",
				words->process[i % words->process_count]);
			exit(2);
		}
		random_bytes(anchor, sizeof(anchor));
		fields.target = bytes_of(process.b, sizeof(process.b));
		fields.anchor = bytes_of(anchor, sizeof(anchor));
		must(item_create(&item, &l->asks[i].id, key, &fields, &note) == OK);
		l->asks[i].body = arena_copy(&l->arena, buf_bytes(&item));
		buf_release(&item);
	}
	key_free(key);
}

static void make_dry_runs(struct load *l, const char *cu, const struct words *words)
{
	for (size_t i = 0; i < l->count; i++) {
		const char *process = words->process[i % words->process_count];
		struct buf body = BUF_EMPTY;
		struct jw w = jw_on(&body);

		jw_object(&w);
		jw_member(&w, "Id", BYTES("1234"));
		jw_member(&w, "Target", bytes_str(process));
		jw_member(&w, "Owner", BYTES("1234"));
		jw_member(&w, "Anchor", BYTES("0"));
		jw_member(&w, "Data", arena_printf(&l->arena, "%zu", i));
		jw_key(&w, "Tags");
		tags_json(&w, tags_of(&l->arena, words, i));
		jw_object_end(&w);
		l->asks[i].body = arena_copy(&l->arena, buf_bytes(&body));
		l->asks[i].url = (const char *)arena_printf(&l->arena, "%s/dry-run?process-id=%s", cu, process).ptr;
		buf_release(&body);
	}
}

/* ---- the commands ---- */

static int by_time(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void report(struct load *l, double seconds, size_t process_count)
{
	uint64_t *took = arena_new_array(&l->arena, l->count, uint64_t);
	size_t first_last = l->count > process_count ? l->count - process_count : 0;

	for (size_t i = 0; i < l->count; i++)
		took[i] = l->asks[i].took_ns;
	qsort(took, l->count, sizeof(*took), by_time);
	printf("{\"count\":%zu,\"concurrency\":%zu,\"seconds\":%.4f,\"per_second\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%."
	       "3f,"
	       "\"max_ms\":%.3f,\"last\":[",
	       l->count, l->concurrency, seconds, (double)l->count / seconds, (double)took[l->count / 2] / 1e6,
	       (double)took[l->count * 99 / 100] / 1e6, (double)took[l->count - 1] / 1e6);
	for (size_t i = first_last; i < l->count; i++)
		printf("%s\"%s\"", i > first_last ? "," : "", id_text(l->asks[i].id).s);
	printf("]}\n");
}

static int measure(struct load *l, size_t process_count)
{
	double seconds = run(l);

	if (seconds < 0)
		return 1;
	report(l, seconds, process_count);
	return 0;
}

static void post(struct load *l, struct arena *a, const char *mu, struct bytes item, struct http_reply *reply)
{
	struct http_call call = {.method = "POST", .url = mu, .headers = l->headers, .body = item};
	struct note note = {0};
	enum err e = http_wait(l->client, a, &call, reply, &note);

	if (e < 0 || reply->status != 202) {
		fprintf(stderr, "weft-load: the message unit: %s\n", e < 0 ? note_text(&note, e) : "refused");
		exit(1);
	}
}

static void get_result(struct load *l, struct arena *a, const char *cu, struct id message, const char *process,
		       struct http_reply *reply)
{
	struct http_call call = {
		.method = "GET",
		.url = (const char *)arena_printf(a, "%s/result/%s?process-id=%s", cu, id_text(message).s, process)
			       .ptr};
	struct note note = {0};
	enum err e = http_wait(l->client, a, &call, reply, &note);

	if (e < 0 || reply->status != 200) {
		fprintf(stderr, "weft-load: the compute unit: %s\n", e < 0 ? note_text(&note, e) : "refused");
		exit(1);
	}
}

/* One message all the way: what its sender waits for. */
static int measure_round(struct load *l, const char *cu, const struct words *words)
{
	uint64_t all = clock_ns();

	for (size_t i = 0; i < l->count; i++) {
		struct arena a = ARENA_EMPTY;
		struct http_reply reply;
		uint64_t start = clock_ns();

		post(l, &a, l->asks[i].url, l->asks[i].body, &reply);
		get_result(l, &a, cu, l->asks[i].id, words->process[0], &reply);
		l->asks[i].took_ns = clock_ns() - start;
		arena_release(&a);
	}
	report(l, (double)(clock_ns() - all) / 1e9, 1);
	return 0;
}

/* What `weft spawn` and `weft eval` send: a process of its own scheduler's authority, and its owner's first word. */
static void make_birth(struct arena *a, struct key *key, const char *module, const char *scheduler, struct buf *process,
		       struct buf *message, struct id ids[2])
{
	struct tag_list born = tag_list_on(a), asked = tag_list_on(a);
	struct item_fields spawn = {.data = BYTES(" ")}, eval = {.data = BYTES("return 6 * 7")};
	uint8_t anchor[32];
	struct note note = {0};

	tag_list_add_str(&born, "Data-Protocol", "ao");
	tag_list_add_str(&born, "Variant", "ao.TN.1");
	tag_list_add_str(&born, "Type", "Process");
	tag_list_add_str(&born, "Module", module);
	tag_list_add_str(&born, "Scheduler", scheduler);
	tag_list_add_str(&born, "Authority", scheduler);
	random_bytes(anchor, sizeof(anchor));
	spawn.tags = tag_list_tags(&born);
	spawn.anchor = eval.anchor = bytes_of(anchor, sizeof(anchor));
	must(item_create(process, &ids[0], key, &spawn, &note) == OK);
	tag_list_add_str(&asked, "Data-Protocol", "ao");
	tag_list_add_str(&asked, "Variant", "ao.TN.1");
	tag_list_add_str(&asked, "Type", "Message");
	tag_list_add_str(&asked, "Action", "Eval");
	eval.tags = tag_list_tags(&asked);
	eval.target = bytes_of(ids[0].b, sizeof(ids[0].b));
	must(item_create(message, &ids[1], key, &eval, &note) == OK);
}

static int measure_spawn(struct load *l, const char *mu, const char *cu, const char *module, const char *scheduler)
{
	struct key *key;
	struct note note = {0};
	uint64_t all = clock_ns();

	must(key_new(&key, SIGN_ED25519, &note) == OK);
	for (size_t i = 0; i < l->count; i++) {
		struct buf process = BUF_EMPTY, message = BUF_EMPTY;
		struct arena a = ARENA_EMPTY;
		struct http_reply reply;
		struct id ids[2];
		uint64_t start;

		make_birth(&a, key, module, scheduler, &process, &message, ids);
		start = clock_ns();
		post(l, &a, mu, buf_bytes(&process), &reply);
		post(l, &a, mu, buf_bytes(&message), &reply);
		get_result(l, &a, cu, ids[1], id_text(ids[0]).s, &reply);
		l->asks[i].took_ns = clock_ns() - start;
		l->asks[i].id = ids[1];
		if (!memmem(reply.body.ptr, reply.body.len, "42", 2)) {
			fprintf(stderr, "weft-load: 6 * 7 is not %.*s\n", BYTES_FMT(reply.body));
			return 1;
		}
		buf_release(&process);
		buf_release(&message);
		arena_release(&a);
	}
	key_free(key);
	report(l, (double)(clock_ns() - all) / 1e9, 1);
	return 0;
}

static size_t number(const char *text, size_t max)
{
	uint64_t n;

	if (!bytes_u64(bytes_str(text), &n) || n == 0 || n > max) {
		fprintf(stderr, "weft-load: '%s' should be a number from 1 to %zu\n", text, max);
		exit(2);
	}
	return (size_t)n;
}

static int usage(void)
{
	fputs("usage: weft-load append SU COUNT CONCURRENCY PROCESS... [-- NAME=VALUE...]\n"
	      "       weft-load round MU CU COUNT PROCESS [-- NAME=VALUE...]\n"
	      "       weft-load dry-run CU COUNT CONCURRENCY PROCESS... [-- NAME=VALUE...]\n"
	      "       weft-load spawn MU CU COUNT MODULE SCHEDULER\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const char *const item_headers[] = {"Content-Type: application/octet-stream", NULL};
	static const char *const json_headers[] = {"Content-Type: application/json", NULL};
	struct load l = {.method = "POST", .headers = item_headers, .concurrency = 1};
	struct words words = {0};
	const char *command = argc > 1 ? argv[1] : "";
	bool round = strcmp(command, "round") == 0, dry = strcmp(command, "dry-run") == 0,
	     spawn = strcmp(command, "spawn") == 0;
	int code, end = argc;

	if (argc < 6 || (spawn && argc != 7) || (!round && !dry && !spawn && strcmp(command, "append") != 0))
		return usage();
	for (int i = 5; i < argc && end == argc; i++)
		if (strcmp(argv[i], "--") == 0)
			end = i;
	words = (struct words){argv + 5, (size_t)(end - 5), argv + end + 1, end < argc ? (size_t)(argc - end - 1) : 0};
	if (words.process_count == 0 || words.process_count > PROCESSES_MAX || words.tag_count > TAGS_MAX)
		return usage();
	l.count = number(argv[round || spawn ? 4 : 3], COUNT_MAX);
	if (!round && !spawn)
		l.concurrency = number(argv[4], 10000);
	pthread_mutex_init(&l.lock, NULL);
	pthread_cond_init(&l.ended, NULL);
	l.client = http_client_open(TIMEOUT_MS, NULL);
	l.asks = arena_new_array(&l.arena, l.count, struct ask);
	if (dry) {
		l.headers = json_headers;
		make_dry_runs(&l, argv[2], &words);
	} else if (!spawn) {
		make_items(&l, &words);
		for (size_t i = 0; i < l.count; i++)
			l.asks[i].url = argv[2];
	}
	code = spawn   ? measure_spawn(&l, argv[2], argv[3], argv[5], argv[6])
	       : round ? measure_round(&l, argv[3], &words)
		       : measure(&l, words.process_count);
	http_client_close(l.client);
	arena_release(&l.arena);
	return code;
}
