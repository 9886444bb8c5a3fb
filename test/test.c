/* SPDX-License-Identifier: MIT */
#include "test/test.h"

#include "base/clock.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct test {
	const char *name;
	test_body *body;
	double timeout_s;
	const char *file;
	int line;
};

static struct test tests[512];
static size_t test_count;
static char directory[64];
static pid_t directory_owner;

void test_add(const char *name, test_body *body, double timeout_s, const char *file, int line)
{
	must(test_count < sizeof(tests) / sizeof(tests[0]));
	tests[test_count++] = (struct test){name, body, timeout_s, file, line};
}

static void test_run(int i)
{
	tests[i].body();
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

static bool selected(const char *name, int argc, char **argv)
{
	if (argc < 2)
		return true;
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return false;
}

int test_main(int argc, char **argv)
{
	Suite *suite = suite_create(argv[0]);
	SRunner *runner = srunner_create(suite);
	TTest *check_tests = calloc(test_count + 1, sizeof(TTest));
	int failed, run;

	must(check_tests != NULL);
	snprintf(directory, sizeof(directory), "/tmp/weft-test-XXXXXX");
	must(mkdtemp(directory) != NULL);
	directory_owner = getpid();
	for (size_t i = 0; i < test_count; i++) {
		TCase *test_case;

		if (!selected(tests[i].name, argc, argv))
			continue;
		check_tests[i] = (TTest){tests[i].name, test_run, tests[i].file, tests[i].line};
		test_case = tcase_create(tests[i].name);
		tcase_set_timeout(test_case, tests[i].timeout_s);
		tcase_add_loop_test(test_case, &check_tests[i], (int)i, (int)i + 1);
		suite_add_tcase(suite, test_case);
	}
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	run = srunner_ntests_run(runner);
	srunner_free(runner);
	free(check_tests);
	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	printf("%d passed, %d failed\n", run - failed, failed);
	return failed ? 1 : 0;
}

void t_err_(enum err got, enum err want, const char *what, const char *file, int line)
{
	if (got != want)
		_ck_assert_failed(file, line, what, "%s is %s, wanted %s", what, err_name(got), err_name(want));
	mark_point();
}

static void dump(char *out, size_t cap, struct bytes b, size_t from)
{
	size_t n = 0;

	for (size_t i = from; i < b.len && i < from + 16; i++)
		n += (size_t)snprintf(out + n, cap - n, "%02x ", b.ptr[i]);
	n += (size_t)snprintf(out + n, cap - n, " ");
	for (size_t i = from; i < b.len && i < from + 16; i++)
		n += (size_t)snprintf(out + n, cap - n, "%c", b.ptr[i] >= 32 && b.ptr[i] < 127 ? b.ptr[i] : '.');
}

void t_bytes_(struct bytes got, struct bytes want, const char *file, int line)
{
	char got_row[128] = "", want_row[128] = "";
	size_t at = 0;

	mark_point();
	if (bytes_eq(got, want))
		return;
	while (at < got.len && at < want.len && got.ptr[at] == want.ptr[at])
		at++;
	at &= ~(size_t)15;
	dump(got_row, sizeof(got_row), got, at);
	dump(want_row, sizeof(want_row), want, at);
	_ck_assert_failed(file, line, "bytes differ", "from byte %zu of %zu (wanted %zu):\n  got  %s\n  want %s", at,
			  got.len, want.len, got_row, want_row);
}

uint64_t t_seed(void)
{
	const char *given = getenv("SEED");
	uint64_t seed;

	if (given) {
		seed = strtoull(given, NULL, 0);
	} else {
		random_bytes(&seed, sizeof(seed));
	}
	printf("repeat with: SEED=0x%llx\n", (unsigned long long)seed);
	return seed;
}

uint64_t t_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* One directory a program, one sub-directory a call: tests never meet. */
const char *t_dir(void)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/XXXXXX", directory);
	must(mkdtemp(path) != NULL);
	return path;
}

const char *t_data(const char *name)
{
	static char path[4096];
	const char *root = getenv("WEFT_TESTDATA");

	snprintf(path, sizeof(path), "%s/%s", root ? root : WEFT_SOURCE_ROOT "/../shared", name);
	if (access(path, R_OK) == 0)
		return path;
	printf("skipped: %s is absent (set WEFT_TESTDATA to the folder of test data)\n", name);
	return NULL;
}

struct buf t_file(const char *path)
{
	struct buf content = BUF_EMPTY;
	FILE *file = fopen(path, "rb");
	size_t n;

	if (!file)
		t_fail("cannot open %s", path);
	do {
		buf_reserve(&content, 65536);
		n = fread(content.ptr + content.len, 1, 65536, file);
		content.len += n;
	} while (n);
	fclose(file);
	return content;
}
