/* SPDX-License-Identifier: MIT
 *
 * wasm-random SEED COUNT [DIR]: makes random modules from SEED on, and runs each on both tiers. Results, traps, globals, the
 * whole memory and gas have to be the same. With DIR, modules that V8 can run are left there, each with a transcript of
 * what happened, for wasm_random.mjs to repeat and compare. What differs is reported as the command that shows
 * it again; ends with `N passed, N failed`. */
#include "base/hash.h"
#include "base/text.h"
#include "test/machine.h"
#include "test/random_module.h"
#include "test/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLS = 6, FUEL = 400, GAS = 20000000 };

/* What one tier did: the same text on both, gas included; `for_v8` is without it. */
struct trace {
	struct buf all, for_v8;
};

struct job {
	const struct random_module *random;
	struct machine *machine;
	uint64_t seed;
	struct trace trace;
};

static void note_line(struct job *j, const char *line)
{
	buf_printf(&j->trace.all, "%s\n", line);
	buf_printf(&j->trace.for_v8, "%s\n", line);
}

/* NaNs look alike to JavaScript, and there they are let alone. */
static void value_text(char *out, size_t size, char type, struct vm_slot s)
{
	uint32_t low = get_u32le(s.b);
	uint64_t whole = get_u64le(s.b);

	switch (type) {
	case 'i':
		snprintf(out, size, " i:%d", (int32_t)low);
		break;
	case 'l':
		snprintf(out, size, " l:%lld", (long long)whole);
		break;
	case 'f':
		if ((low & 0x7fffffff) > 0x7f800000)
			snprintf(out, size, " f:nan");
		else
			snprintf(out, size, " f:%u", low);
		break;
	default:
		if ((whole & INT64_MAX) > 0x7ff0000000000000)
			snprintf(out, size, " d:nan");
		else
			snprintf(out, size, " d:%llu", (unsigned long long)whole);
	}
}

static struct vm_slot argument(uint64_t *seed, char type)
{
	struct vm_slot s = {{0}};
	double d = (double)(int64_t)t_random(seed) / 1048576.0;
	float f = (float)d;

	switch (type) {
	case 'i':
	case 'l':
		set_u64le(s.b, t_random(seed) >> (t_random(seed) % 64));
		break;
	case 'f':
		memcpy(s.b, &f, 4);
		break;
	default:
		memcpy(s.b, &d, 8);
	}
	return s;
}

static void note_state(struct job *j)
{
	struct vm *vm = wasm_vm(j->machine->instance);
	static const char types[RANDOM_GLOBALS] = {'l', 'i', 'i', 'l', 'f', 'd'};
	char line[400] = "state", hex[65];
	uint8_t sum[32];

	for (int k = 1; k < RANDOM_GLOBALS; k++)
		value_text(line + strlen(line), sizeof(line) - strlen(line), types[k], vm->globals[k]);
	sha256(sum, bytes_of(vm->memory, vm->memory_size));
	hex_encode(hex, bytes_of(sum, 32));
	snprintf(line + strlen(line), sizeof(line) - strlen(line), " pages:%llu %s",
		 (unsigned long long)vm->memory_size / WASM_PAGE, hex);
	note_line(j, line);
}

static void call(struct job *j, uint32_t function, uint64_t *seed)
{
	const struct random_function *f = &j->random->functions[function];
	struct vm *vm = wasm_vm(j->machine->instance);
	struct vm_slot slots[RANDOM_PARAMS_MAX] = {{{0}}};
	enum vm_trap trap;
	char line[400];

	snprintf(line, sizeof(line), "call run%u", function);
	for (int k = 0; f->params[k]; k++) {
		slots[k] = argument(seed, f->params[k]);
		value_text(line + strlen(line), sizeof(line) - strlen(line), f->params[k], slots[k]);
	}
	note_line(j, line);
	set_u64le(vm->globals[RANDOM_FUEL].b, FUEL);
	vm->gas = GAS;
	trap = wasm_call(j->machine->instance, function, slots);
	snprintf(line, sizeof(line), "%s %s", trap ? "trap" : "gives", wasm_trap_text(trap));
	for (int k = 0; !trap && f->results[k]; k++)
		value_text(line + strlen(line), sizeof(line) - strlen(line), f->results[k], slots[k]);
	note_line(j, line);
	buf_printf(&j->trace.all, "gas %lld\n", (long long)vm->gas);
	note_state(j);
}

static void run(void *ctx)
{
	struct job *j = ctx;
	uint64_t seed = j->seed;

	for (int k = 0; k < CALLS; k++) {
		uint32_t function = (uint32_t)(t_random(&seed) % RANDOM_FUNCTIONS);

		while (!j->random->exported[function])
			function = (function + 1) % RANDOM_FUNCTIONS;
		call(j, function, &seed);
	}
}

static struct buf copy_of(const struct buf *b)
{
	struct buf copy = BUF_EMPTY;

	buf_put_bytes(&copy, buf_bytes(b));
	return copy;
}

static void file_write(const char *directory, uint64_t seed, const char *suffix, struct bytes content)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%llu.%s", directory, (unsigned long long)seed, suffix);
	f = fopen(path, "w");
	must(f != NULL && fwrite(content.ptr, 1, content.len, f) == content.len && fclose(f) == 0);
}

static bool same_on_both(uint64_t seed, const struct random_module *random, const struct buf *wasm,
			 struct trace traces[2])
{
	for (int tier = 0; tier < 2; tier++) {
		struct job j = {.random = random, .seed = seed};
		struct note note = {0};

		if (machine_open(&j.machine, copy_of(wasm), (enum wasm_tier)tier, &note) != OK) {
			printf("seed %llu: tier %d: %s\n", (unsigned long long)seed, tier, note.text);
			return false;
		}
		wasm_run_deep(run, &j);
		machine_close(j.machine);
		traces[tier] = j.trace;
	}
	if (bytes_eq(buf_bytes(&traces[0].all), buf_bytes(&traces[1].all)))
		return true;
	printf("seed %llu: the tiers differ\n--- T0\n%s--- T1\n%s", (unsigned long long)seed, buf_str(&traces[0].all),
	       buf_str(&traces[1].all));
	return false;
}

static bool try_seed(uint64_t seed, const char *directory)
{
	struct trace traces[2] = {{BUF_EMPTY, BUF_EMPTY}, {BUF_EMPTY, BUF_EMPTY}};
	struct random_module random;
	struct buf wasm = BUF_EMPTY;
	bool good;

	random_module_make(&random, seed, &wasm);
	if (directory)
		file_write(directory, seed, "wasm", buf_bytes(&wasm));
	good = same_on_both(seed, &random, &wasm, traces);
	if (good && directory && random.portable)
		file_write(directory, seed, "txt", buf_bytes(&traces[0].for_v8));
	for (int tier = 0; tier < 2; tier++) {
		buf_release(&traces[tier].all);
		buf_release(&traces[tier].for_v8);
	}
	buf_release(&wasm);
	return good;
}

int main(int argc, char **argv)
{
	unsigned long passed = 0, failed = 0;
	uint64_t first, count;

	if (argc < 3 || !bytes_u64(bytes_str(argv[1]), &first) || !bytes_u64(bytes_str(argv[2]), &count)) {
		fprintf(stderr, "usage: wasm-random SEED COUNT [DIR]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (uint64_t seed = first; seed < first + count; seed++) {
		if (try_seed(seed, argc > 3 ? argv[3] : NULL)) {
			passed++;
			continue;
		}
		printf("repeat with: %s %llu 1\n", argv[0], (unsigned long long)seed);
		failed++;
	}
	printf("%lu passed, %lu failed\n", passed, failed);
	return failed != 0;
}
