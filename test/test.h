/* SPDX-License-Identifier: MIT
 *
 * test: a test is a plain program beside the code that it tests.
 *
 *   #include "test/test.h"
 *   TEST(slot_follows_its_predecessor)
 *   {
 *           t_ok(chain_next(&slot, ...));
 *           t_bytes(got, want);
 *   }
 *   TEST_MAIN
 *
 * Check runs underneath: each test in its own process, with a time limit, so a crash or
 * a hang is one failed test and the rest go on. The last line printed is
 * "N passed, N failed"; the exit code is 0 when nothing failed.
 *   prog NAME...   runs only the tests whose names contain one of the words
 *   CK_FORK=no     runs in one process, for a debugger
 *   SEED=n         fixes t_seed(), which a random test prints when it fails
 */
#ifndef WEFT_TEST_TEST_H
#define WEFT_TEST_TEST_H

#include "base/bytes.h"
#include "base/err.h"

#include <check.h>
#include <stdlib.h>

typedef void test_body(void);
/* Called before main by TEST; the order is that of the file. */
void test_add(const char *name, test_body *body, double timeout_s, const char *file, int line);
int test_main(int argc, char **argv);

#define TEST_TIMEOUT(name, seconds)                                                   \
	static void name(void);                                                       \
	__attribute__((constructor(1000 + __COUNTER__))) static void add_##name(void) \
	{                                                                             \
		test_add(#name, name, seconds, __FILE__, __LINE__);                   \
	}                                                                             \
	static void name(void)
#define TEST(name) TEST_TIMEOUT(name, 60)
#define TEST_MAIN                             \
	int main(int argc, char **argv)       \
	{                                     \
		return test_main(argc, argv); \
	}

#define t_check(x) ck_assert(x)
#define t_ok(e) t_err_((e), OK, #e, __FILE__, __LINE__)
#define t_err(e, want) t_err_((e), (want), #e, __FILE__, __LINE__)
#define t_u64(got, want) ck_assert_uint_eq((got), (want))
#define t_str(got, want) ck_assert_str_eq((got), (want))
#define t_bytes(got, want) t_bytes_((got), (want), __FILE__, __LINE__)
#define t_text(got, want) t_bytes_((got), bytes_str(want), __FILE__, __LINE__)
#define t_fail(...) ck_abort_msg(__VA_ARGS__)

void t_err_(enum err got, enum err want, const char *what, const char *file, int line);
void t_bytes_(struct bytes got, struct bytes want, const char *file, int line);

/* t_seed is SEED from the environment or a fresh one; t_random walks from it (splitmix64). */
uint64_t t_seed(void);
uint64_t t_random(uint64_t *state);
/* t_dir makes a fresh directory that is removed when the test program ends. */
const char *t_dir(void);
/* t_data is the path of a file of the shared test data ("golden/process.json"), or NULL, after
 * printing that the test is skipped, where the data is absent. */
const char *t_data(const char *name);
/* t_file reads a whole file, or fails the test. The buf is the caller's. */
struct buf t_file(const char *path);

#endif
