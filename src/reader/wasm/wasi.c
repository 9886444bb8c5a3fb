/* SPDX-License-Identifier: MIT */
#include "reader/wasm/host.h"

#include <string.h>

/* WASI preview 1 (witx/wasi_snapshot_preview1.witx): functions give an errno, results go to memory. What there is:
 * standard input, which is at its end, output and error; a clock; random numbers. */
enum {
	WASI_SUCCESS = 0,
	WASI_BADF = 8,
	WASI_INVAL = 28,
	WASI_NOSYS = 52,
	WASI_NOTSUP = 58,
	WASI_SPIPE = 70,
	WASI_NOTCAPABLE = 76,
};

enum { STREAMS = 3, CHARACTER_DEVICE = 2, CLOCKS = 4, CLOCK_MONOTONIC = 1, NS_EACH = 1000 };

static bool is_stream(struct call *c)
{
	return call_u32(c, 0) < STREAMS;
}

/* ---- arguments and variables: none ---- */

static uint64_t sizes_get(struct call *c)
{
	call_put(c, call_pointer(c, 0), 0);
	call_put(c, call_pointer(c, 1), 0);
	return WASI_SUCCESS;
}

static uint64_t success(struct call *c)
{
	(void)c;
	return WASI_SUCCESS;
}

/* ---- time ---- */

static uint64_t clock_res_get(struct call *c)
{
	if (call_u32(c, 0) >= CLOCKS)
		return WASI_INVAL;
	set_u64le(call_range(c, call_pointer(c, 1), 8), NS_EACH);
	return WASI_SUCCESS;
}

/* Real and monotonic time are the message's, processor time begins with the turn; all go on with every question, so
 * that who waits for a time to pass waits for as many. */
static uint64_t clock_time_get(struct call *c)
{
	uint32_t id = call_u32(c, 0);
	uint64_t base = id <= CLOCK_MONOTONIC ? c->h->time_ns : 0;

	if (id >= CLOCKS)
		return WASI_INVAL;
	set_u64le(call_range(c, call_pointer(c, 2), 8), base + NS_EACH * c->h->time_asked++);
	return WASI_SUCCESS;
}

/* ---- randomness: SHA-256 of the seed and a counter ---- */

static uint64_t random_get(struct call *c)
{
	uint64_t len = call_pointer(c, 1);
	uint8_t *to = call_range(c, call_pointer(c, 0), len), input[SHA256_SIZE + 8], block[SHA256_SIZE];

	call_charge(c, len);
	memcpy(input, c->h->seed, SHA256_SIZE);
	while (len) {
		size_t n = len < sizeof(block) ? (size_t)len : sizeof(block);

		set_u64le(input + SHA256_SIZE, c->h->random_block++);
		sha256(block, bytes_of(input, sizeof(input)));
		memcpy(to, block, n);
		to += n;
		len -= n;
	}
	return WASI_SUCCESS;
}

/* ---- descriptors ---- */

static uint64_t fd_simple(struct call *c)
{
	return is_stream(c) ? WASI_SUCCESS : WASI_BADF;
}

static uint64_t fd_refused(struct call *c)
{
	return is_stream(c) ? WASI_NOTSUP : WASI_BADF;
}

static uint64_t fd_seek(struct call *c)
{
	return is_stream(c) ? WASI_SPIPE : WASI_BADF;
}

static uint64_t fd_fdstat_get(struct call *c)
{
	enum { RIGHT_READ = 1 << 1, RIGHT_WRITE = 1 << 6 };
	uint8_t *p;

	if (!is_stream(c))
		return WASI_BADF;
	p = call_range(c, call_pointer(c, 1), 24);
	memset(p, 0, 24);
	p[0] = CHARACTER_DEVICE;
	set_u64le(p + 8, call_u32(c, 0) == 0 ? RIGHT_READ : RIGHT_WRITE);
	return WASI_SUCCESS;
}

static uint64_t fd_filestat_get(struct call *c)
{
	uint8_t *p;

	if (!is_stream(c))
		return WASI_BADF;
	p = call_range(c, call_pointer(c, 1), 64);
	memset(p, 0, 64);
	p[16] = CHARACTER_DEVICE;
	p[24] = 1; /* one link */
	return WASI_SUCCESS;
}

static uint64_t fd_read(struct call *c)
{
	if (call_u32(c, 0) != 0)
		return is_stream(c) ? WASI_NOTCAPABLE : WASI_BADF;
	call_put(c, call_pointer(c, 3), 0);
	return WASI_SUCCESS;
}

static void keep(struct buf *b, const uint8_t *p, size_t len)
{
	size_t room = b->len < HOST_OUTPUT_MAX ? HOST_OUTPUT_MAX - b->len : 0;

	buf_put(b, p, len < room ? len : room);
}

static uint64_t fd_write(struct call *c)
{
	uint32_t fd = call_u32(c, 0), count = call_u32(c, 2);
	uint64_t vectors = call_pointer(c, 1), total = 0;

	if (fd == 0 || fd >= STREAMS)
		return fd ? WASI_BADF : WASI_NOTCAPABLE;
	for (uint64_t k = 0; k < count; k++) {
		const uint8_t *v = call_range(c, vectors + 8 * k, 8);
		uint32_t len = get_u32le(v + 4);

		call_charge(c, 1 + len / 64);
		keep(fd == 1 ? &c->h->out : &c->h->err, call_range(c, get_u32le(v), len), len);
		total += len;
	}
	call_put(c, call_pointer(c, 3), total);
	return WASI_SUCCESS;
}

/* ---- files, sockets, events: none ---- */

/* No directory was opened beforehand: descriptors from 3 on are bad. */
static uint64_t bad_fd(struct call *c)
{
	(void)c;
	return WASI_BADF;
}

static uint64_t no_system(struct call *c)
{
	(void)c;
	return WASI_NOSYS;
}

/* ---- ending ---- */

static uint64_t proc_exit(struct call *c)
{
	call_exit(c, (int32_t)call_u32(c, 0));
}

static uint64_t proc_raise(struct call *c)
{
	call_exit(c, 128 + (int32_t)(call_u32(c, 0) & 127));
}

static const struct host_row rows[] = {
	{"args_get", "i:pp", NULL, success},
	{"args_sizes_get", "i:pp", NULL, sizes_get},
	{"environ_get", "i:pp", NULL, success},
	{"environ_sizes_get", "i:pp", NULL, sizes_get},
	{"clock_res_get", "i:ip", NULL, clock_res_get},
	{"clock_time_get", "i:ilp", NULL, clock_time_get},
	{"random_get", "i:pp", NULL, random_get},
	{"fd_advise", "i:illi", NULL, fd_refused},
	{"fd_allocate", "i:ill", NULL, fd_refused},
	{"fd_close", "i:i", NULL, fd_simple},
	{"fd_datasync", "i:i", NULL, fd_simple},
	{"fd_sync", "i:i", NULL, fd_simple},
	{"fd_fdstat_get", "i:ip", NULL, fd_fdstat_get},
	{"fd_fdstat_set_flags", "i:ii", NULL, fd_simple},
	{"fd_fdstat_set_rights", "i:ill", NULL, fd_simple},
	{"fd_filestat_get", "i:ip", NULL, fd_filestat_get},
	{"fd_filestat_set_size", "i:il", NULL, fd_refused},
	{"fd_filestat_set_times", "i:illi", NULL, fd_refused},
	{"fd_pread", "i:ipplp", NULL, fd_seek},
	{"fd_prestat_get", "i:ip", NULL, bad_fd},
	{"fd_prestat_dir_name", "i:ipp", NULL, bad_fd},
	{"fd_pwrite", "i:ipplp", NULL, fd_seek},
	{"fd_read", "i:ippp", NULL, fd_read},
	{"fd_readdir", "i:ipplp", NULL, bad_fd},
	{"fd_renumber", "i:ii", NULL, bad_fd},
	{"fd_seek", "i:ilip", NULL, fd_seek},
	{"fd_tell", "i:ip", NULL, fd_seek},
	{"fd_write", "i:ippp", NULL, fd_write},
	{"path_create_directory", "i:ipp", NULL, bad_fd},
	{"path_filestat_get", "i:iippp", NULL, bad_fd},
	{"path_filestat_set_times", "i:iipplli", NULL, bad_fd},
	{"path_link", "i:iippipp", NULL, bad_fd},
	{"path_open", "i:iippillip", NULL, bad_fd},
	{"path_readlink", "i:ippppp", NULL, bad_fd},
	{"path_remove_directory", "i:ipp", NULL, bad_fd},
	{"path_rename", "i:ippipp", NULL, bad_fd},
	{"path_symlink", "i:ppipp", NULL, bad_fd},
	{"path_unlink_file", "i:ipp", NULL, bad_fd},
	{"poll_oneoff", "i:pppp", NULL, no_system},
	{"proc_exit", ":i", NULL, proc_exit},
	{"proc_raise", "i:i", NULL, proc_raise},
	{"sched_yield", "i:", NULL, success},
	{"sock_accept", "i:iip", NULL, bad_fd},
	{"sock_recv", "i:ippipp", NULL, bad_fd},
	{"sock_send", "i:ippip", NULL, bad_fd},
	{"sock_shutdown", "i:ii", NULL, bad_fd},
};

const struct host_table wasi_table = {rows, sizeof(rows) / sizeof(*rows)};
