/* SPDX-License-Identifier: MIT */
#include "base/sandbox.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COMPILE_BYTES_MAX ((rlim_t)12 << 30)
enum { COMPILE_SECONDS_MAX = 900 };

/* All kinds: memory, what they hold open, threads that exist, the end. mmap and mprotect have rules of their own. */
static const int always[] = {
	SCMP_SYS(read),         SCMP_SYS(write),
	SCMP_SYS(pread64),      SCMP_SYS(pwrite64),
	SCMP_SYS(recvfrom),     SCMP_SYS(sendto),
	SCMP_SYS(close),        SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),   SCMP_SYS(lseek),
	SCMP_SYS(munmap),       SCMP_SYS(mremap),
	SCMP_SYS(madvise),      SCMP_SYS(brk),
	SCMP_SYS(ftruncate),    SCMP_SYS(futex),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(getpid),       SCMP_SYS(gettid),
	SCMP_SYS(tgkill),       SCMP_SYS(clock_gettime),
	SCMP_SYS(getrandom),    SCMP_SYS(sched_yield),
	SCMP_SYS(poll),         SCMP_SYS(exit),
	SCMP_SYS(exit_group),   SCMP_SYS(restart_syscall),
#ifdef __SANITIZE_ADDRESS__
	SCMP_SYS(prctl),        SCMP_SYS(readlink),
	SCMP_SYS(prlimit64),    SCMP_SYS(sched_getaffinity),
#endif
};

/* Also before guests come: the loader, threads, the next sandbox, descriptors that are passed. */
static const int preparing[] = {
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(fcntl),
	SCMP_SYS(memfd_create),
	SCMP_SYS(fallocate),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(prlimit64),
	SCMP_SYS(ppoll),
	SCMP_SYS(membarrier),
	SCMP_SYS(prctl),
	SCMP_SYS(arch_prctl),
	SCMP_SYS(sysinfo),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(readlink),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(wait4),
};

/* PAGEMAP_SCAN of kernel 6.7: which pages of its own memory are private. */
#define PAGEMAP_SCAN 0xc0606610

static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return r;
}

/* mmap and mprotect: never writable and executable at once, and in a worker never executable at all. */
static int allow_mapping(scmp_filter_ctx filter, bool executable)
{
	static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
		if (r == 0 && executable)
			r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1,
					     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC));
	}
	return r;
}

/* Files may be opened for reading only; Landlock says which. */
static int allow_reading(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
}

/* Only below /proc anything may be read. Kernels without Landlock leave it at seccomp's rule. */
static bool close_files(void)
{
	struct landlock_ruleset_attr all = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				     LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR};
	struct landlock_path_beneath_attr proc = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	bool closed;

	if (ruleset < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP;
	proc.parent_fd = open("/proc", O_PATH | O_CLOEXEC);
	closed = proc.parent_fd >= 0 &&
		 syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &proc, 0) == 0 &&
		 syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	if (proc.parent_fd >= 0)
		close(proc.parent_fd);
	close(ruleset);
	return closed;
}

static void limit(int resource, rlim_t most)
{
	struct rlimit r = {most, most};

	(void)setrlimit((__rlimit_resource_t)resource, &r);
}

#ifdef __SANITIZE_ADDRESS__
static bool entered;

int __lsan_is_turned_off(void);
/* LeakSanitizer stops the process with ptrace when it ends; in the sandbox its tracer dies and it waits for ever. */
int __lsan_is_turned_off(void)
{
	return entered;
}
#endif

enum err sandbox_enter(enum sandbox kind, struct note *note)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = filter ? 0 : -ENOMEM;

#ifdef __SANITIZE_ADDRESS__
	entered = true;
#endif
	limit(RLIMIT_CORE, 0);
	if (kind == SANDBOX_COMPILE) {
		limit(RLIMIT_CPU, COMPILE_SECONDS_MAX);
#ifndef __SANITIZE_ADDRESS__
		limit(RLIMIT_AS, COMPILE_BYTES_MAX);
#endif
	}
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		r = -errno;
	if (r == 0 && kind != SANDBOX_WORKER && !close_files())
		r = -errno;
	if (r == 0)
		r = allow(filter, always, sizeof(always) / sizeof(always[0]));
	if (r == 0) /* gs, where the processor does not let programs set it: see engine/wasm/instance.c */
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(arch_prctl), 1,
				     SCMP_A0(SCMP_CMP_EQ, ARCH_SET_GS));
	if (r == 0)
		r = allow_mapping(filter, kind == SANDBOX_NURSERY);
	if (r == 0 && kind != SANDBOX_WORKER)
		r = allow(filter, preparing, sizeof(preparing) / sizeof(preparing[0]));
	if (r == 0 && kind != SANDBOX_WORKER)
		r = allow_reading(filter);
	if (r == 0 && kind != SANDBOX_COMPILE)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, PAGEMAP_SCAN));
	if (r == 0 && kind == SANDBOX_NURSERY) /* its workers enter a sandbox of their own */
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(seccomp), 0);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	if (r != 0)
		return note_err(note, E_UNSUPPORTED, "the kernel refuses the sandbox (seccomp): %s", strerror(-r));
	return OK;
}
