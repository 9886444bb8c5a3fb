/* SPDX-License-Identifier: MIT */
#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/timer.h"
#include "test/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void hex_is(const uint8_t *got, size_t len, const char *want)
{
	char text[129];

	hex_encode(text, bytes_of(got, len));
	t_str(text, want);
}

TEST(buf_grows_and_keeps_what_it_has)
{
	struct buf b = BUF_EMPTY;

	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i % 10);
	t_u64(b.len, 2000);
	t_check(bytes_starts(buf_bytes(&b), "0,1,2,3,"));
	t_check(bytes_ends(buf_bytes(&b), "8,9,"));
	buf_release(&b);
	t_check(b.ptr == NULL && b.cap == 0);
}

TEST(numbers_are_read_strictly)
{
	uint64_t v = 7;

	t_check(bytes_u64(BYTES("18446744073709551615"), &v) && v == UINT64_MAX);
	t_check(!bytes_u64(BYTES("18446744073709551616"), &v));
	t_check(!bytes_u64(BYTES(""), &v));
	t_check(!bytes_u64(BYTES("+1"), &v));
	t_check(!bytes_u64(BYTES("1 "), &v));
	t_check(!bytes_u64(BYTES("-1"), &v));
}

TEST(a_piece_of_a_file_is_whole_or_not_there)
{
	char path[200], out[4];
	struct bytes content;
	int fd;

	snprintf(path, sizeof(path), "%s/piece", t_dir());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	t_check(fd >= 0 && !file_map(fd, &content));
	t_check(file_write_at(fd, BYTES("piece"), 2));
	t_check(file_read_at(fd, out, 4, 3) && memcmp(out, "iece", 4) == 0);
	t_check(!file_read_at(fd, out, 4, 4) && errno == 0);
	t_check(file_map(fd, &content));
	t_bytes(content, bytes_of("\0\0piece", 7));
	file_unmap(content);
	close(fd);
	t_check(!file_read_at(fd, out, 4, 0) && errno == EBADF);
}

/* Eight bytes of ASCII are one step; wherever the odd one is, it is seen. */
TEST(utf8_is_checked_at_every_place)
{
	for (size_t at = 0; at < 20; at++) {
		struct buf text = BUF_EMPTY, mended = BUF_EMPTY, want = BUF_EMPTY;

		for (size_t i = 0; i < 20; i++) {
			buf_put_str(&text, i == at ? "\xff" : "a");
			buf_put_str(&want, i == at ? "\xef\xbf\xbd" : "a");
		}
		t_check(!bytes_utf8(buf_bytes(&text)));
		t_check(bytes_utf8(buf_bytes(&want)));
		buf_put_utf8_lossy(&mended, buf_bytes(&text));
		t_bytes(buf_bytes(&mended), buf_bytes(&want));
		buf_release(&text);
		buf_release(&mended);
		buf_release(&want);
	}
}

TEST(utf8_follows_table_3_7)
{
	struct buf mended = BUF_EMPTY;

	t_check(bytes_utf8(BYTES("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80")));
	t_check(!bytes_utf8(BYTES("\xc0\x80")));
	t_check(!bytes_utf8(BYTES("\xed\xa0\x80")));
	t_check(!bytes_utf8(BYTES("\xf4\x90\x80\x80")));
	t_check(!bytes_utf8(BYTES("\xe2\x82")));
	/* The example of Unicode 15, section 3.9, table 3-8. */
	buf_put_utf8_lossy(&mended, BYTES("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"));
	t_text(buf_bytes(&mended),
	       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\x41");
	buf_clear(&mended);
	buf_put_utf8_lossy(&mended, BYTES("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"));
	t_text(buf_bytes(&mended), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\x41");
	buf_release(&mended);
}

TEST(arena_memory_is_zeroed_and_reused)
{
	struct arena a = ARENA_EMPTY;
	uint8_t *first = arena_alloc(&a, 100), *again;

	memset(first, 0xff, 100);
	for (int i = 0; i < 100; i++)
		t_check(((uintptr_t)arena_alloc(&a, 1000) & 15) == 0);
	arena_reset(&a);
	again = arena_alloc(&a, 100);
	t_check(again == first && again[0] == 0 && again[99] == 0);
	t_text(arena_printf(&a, "%s-%d", "x", 5), "x-5");
	/* Around the sizes at which a text is formatted a second time. */
	for (size_t len = 0; len < 600; len++) {
		struct buf b = BUF_EMPTY;
		struct bytes text = arena_printf(&a, "%*s", (int)len, "");
		t_u64(text.len, len);
		t_check(text.ptr[len] == 0 && (len == 0 || text.ptr[len - 1] == ' '));
		buf_put_str(&b, "<");
		buf_printf(&b, "%*s>", (int)len, "");
		t_u64(b.len, len + 2);
		t_check(b.ptr[0] == '<' && b.ptr[len + 1] == '>');
		buf_release(&b);
	}
	arena_release(&a);
	t_u64(a.total, 0);
}

/* FIPS 180-4 examples; Keccak from the Keccak team's known answers; RFC 3720 B.4. */
TEST(digests_match_their_published_examples)
{
	uint8_t d[64], zeros[32] = {0};
	struct hasher *h;

	sha256(d, BYTES("abc"));
	hex_is(d, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha384(d, BYTES("abc"));
	hex_is(d, 48,
	       "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
	h = sha256_open();
	hasher_add(h, "a", 1);
	hasher_add(h, "bc", 2);
	hasher_end(h, d);
	hex_is(d, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	keccak256(d, BYTES(""));
	hex_is(d, 32, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
	keccak256(d, BYTES("abc"));
	hex_is(d, 32, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
	t_u64(crc32c(0, zeros, 32), 0x8a9136aau);
	t_u64(crc32c(crc32c(0, "12345", 5), "6789", 4), 0xe3069283u);
	for (size_t cut = 0; cut <= 9; cut++)
		t_u64(crc32c(crc32c(0, "123456789", cut), "123456789" + cut, 9 - cut), 0xe3069283u);
}

TEST(base64_has_one_spelling_for_each_value)
{
	uint64_t seed = t_seed();
	uint8_t raw[64], back[64];
	char text[96];
	size_t len;

	for (size_t n = 0; n <= sizeof(raw); n++) {
		for (size_t i = 0; i < n; i++)
			raw[i] = (uint8_t)t_random(&seed);
		b64url_encode(text, bytes_of(raw, n));
		t_u64(strlen(text), b64url_len(n));
		t_ok(b64url_decode(back, sizeof(back), &len, bytes_str(text)));
		t_bytes(bytes_of(back, len), bytes_of(raw, n));
		b64_encode(text, bytes_of(raw, n));
		t_u64(strlen(text), b64_len(n));
		t_ok(b64_decode(back, sizeof(back), &len, bytes_str(text)));
		t_bytes(bytes_of(back, len), bytes_of(raw, n));
	}
	t_err(b64url_decode(back, sizeof(back), &len, BYTES("A")), E_FORMAT);
	t_err(b64url_decode(back, sizeof(back), &len, BYTES("AB")), E_FORMAT); /* stray bits */
	t_err(b64url_decode(back, sizeof(back), &len, BYTES("AA==")), E_FORMAT);
	t_err(b64url_decode(back, sizeof(back), &len, BYTES("A A")), E_FORMAT);
	t_err(b64url_decode(back, 2, &len, BYTES("AAAA")), E_LIMIT);
	t_err(hex_decode(back, sizeof(back), &len, BYTES("0g")), E_FORMAT);
}

TEST(ids_are_forty_three_characters)
{
	struct id id;

	t_ok(id_parse(&id, BYTES("pfjrWnL7_h336J42rT2pS3zexrrhJsf3RvOxfIOZiSE")));
	t_str(id_text(id).s, "pfjrWnL7_h336J42rT2pS3zexrrhJsf3RvOxfIOZiSE");
	t_err(id_parse(&id, BYTES("pfjrWnL7_h336J42rT2pS3zexrrhJsf3RvOxfIOZiS")), E_FORMAT);
	t_err(id_parse(&id, BYTES("pfjrWnL7_h336J42rT2pS3zexrrhJsf3RvOxfIOZiSF")), E_FORMAT);
}

static atomic_int done;
static void count(void *ctx)
{
	atomic_fetch_add(&done, *(int *)ctx);
}

static atomic_bool gate;
static void wait_for_gate(void *ctx)
{
	(void)ctx;
	while (!atomic_load(&gate))
		;
}

TEST(pool_runs_all_and_refuses_when_full)
{
	struct pool *p = pool_open("test", 2, 4);
	int one = 1;

	t_ok(pool_put(p, wait_for_gate, NULL));
	t_ok(pool_put(p, wait_for_gate, NULL));
	while (pool_queued(p))
		;
	for (int i = 0; i < 4; i++)
		t_ok(pool_put(p, count, &one));
	t_err(pool_put(p, count, &one), E_BUSY);
	t_ok(pool_put_always(p, count, &one));
	atomic_store(&gate, true);
	pool_close(p);
	t_u64(atomic_load(&done), 5);
}

static struct timer *timer;
static int order[8];
static atomic_int ran, ran_closing;
static void ring(void *ctx, bool closing)
{
	if (closing)
		atomic_fetch_add(&ran_closing, 1);
	order[atomic_fetch_add(&ran, 1)] = *(int *)ctx;
}

TEST(timers_run_in_the_order_of_their_times)
{
	static int n[] = {0, 1, 2, 3, 4};

	timer = timer_open("test");
	timer_after(timer, 30, ring, &n[2]);
	timer_after(timer, 10, ring, &n[0]);
	timer_after(timer, 20, ring, &n[1]);
	timer_after(timer, 30, ring, &n[3]);
	timer_after(timer, 3600000, ring, &n[4]);
	while (atomic_load(&ran) < 4)
		;
	t_u64(atomic_load(&ran_closing), 0);
	timer_close(timer);
	t_u64(atomic_load(&ran_closing), 1);
	for (int i = 0; i < 5; i++)
		t_u64(order[i], i);
}

TEST(notes_keep_the_deepest_cause)
{
	struct note note = {0};

	t_err(note_err(&note, E_FORMAT, "tag %d has no name", 3), E_FORMAT);
	t_err(note_err(&note, E_IO, "could not load"), E_IO);
	t_str(note.text, "tag 3 has no name");
	note_reset(&note);
	t_str(note_text(&note, E_BUSY), "too much is going on, try again later");
	t_u64(err_http_status(E_LIMIT), 413);
}

static struct bytes read_pipe(int fd, char *text, size_t size)
{
	ssize_t n = read(fd, text, size - 1);

	t_check(n >= 0);
	text[n] = 0;
	return bytes_of(text, (size_t)n);
}

TEST(log_writes_what_is_important_enough_and_remembers_the_newest)
{
	int file[2], terminal[2], crash[2];
	char text[65536];
	struct bytes got;
	struct log *log;

	t_check(pipe(file) == 0 && pipe(terminal) == 0 && pipe(crash) == 0);
	log = log_open(file[1], LOG_INFO);
	log_also(log, terminal[1], LOG_BROKEN);
	for (int i = 0; i < LOG_LINES_KEPT + 3; i++)
		log_event(log, LOG_INFO, "test.count", "i=%d", i);
	log_event(log, LOG_DEBUG, "test.quiet", "i=%d", 0);
	log_event(log, LOG_BROKEN, "test.broken", "text=\"%300d\"", 1);
	got = read_pipe(terminal[0], text, sizeof(text));
	t_check(got.len > 300 && strstr(text, "broken test.broken text=") != NULL);
	read_pipe(file[0], text, sizeof(text));
	t_check(strstr(text, "test.count i=0\n") != NULL && strstr(text, "test.quiet") == NULL);
	log_newest(log, crash[1]);
	close(crash[1]);
	for (got.len = 0; got.len < sizeof(text) - 1;) {
		ssize_t n = read(crash[0], text + got.len, sizeof(text) - 1 - got.len);
		if (n <= 0)
			break;
		got.len += (size_t)n;
	}
	text[got.len] = 0;
	t_check(strstr(text, "i=3\n") == NULL); /* the 17th from the end */
	t_check(strstr(text, "i=4\n") != NULL && strstr(text, "i=4\n") < strstr(text, "i=18\n"));
	t_check(strstr(text, "test.broken") != NULL && text[got.len - 1] == '\n');
	log_close(log);
}

TEST_MAIN
