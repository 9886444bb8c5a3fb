/* SPDX-License-Identifier: MIT */
#include "reader/wasm/wire.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What is written at once wakes the other side once. */
enum { TOGETHER_MAX = 16 << 10 };

/* Waits until there is something to read. */
static bool wait_until(int fd, uint64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t now;
	int n;

	do {
		now = clock_ns();
		if (now >= deadline)
			return false;
		uint64_t ms = (deadline - now) / 1000000 + 1;
		n = poll(&p, 1, ms < 1000000 ? (int)ms : 1000000);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n > 0;
}

bool wire_read_until(int fd, void *out, size_t len, uint64_t deadline)
{
	uint8_t *at = out;

	while (len) {
		ssize_t n = recv(fd, at, len, deadline == UINT64_MAX ? 0 : MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && wait_until(fd, deadline))
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool wire_read(int fd, void *out, size_t len)
{
	return wire_read_until(fd, out, len, UINT64_MAX);
}

bool wire_write(int fd, const void *in, size_t len)
{
	const uint8_t *at = in;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool wire_write_parts(int fd, const struct bytes *parts, size_t count)
{
	uint8_t together[TOGETHER_MAX];
	size_t len = 0;

	for (size_t k = 0; k < count; k++) {
		if (parts[k].len > sizeof(together) - len) {
			if (!wire_write(fd, together, len))
				return false;
			len = 0;
		}
		if (parts[k].len > sizeof(together)) {
			if (!wire_write(fd, parts[k].ptr, parts[k].len))
				return false;
			continue;
		}
		if (parts[k].len)
			memcpy(together + len, parts[k].ptr, parts[k].len);
		len += parts[k].len;
	}
	return wire_write(fd, together, len);
}

bool wire_pair(int pair[2])
{
	int on = 1, room = 2 * WIRE_AHEAD_MAX;

	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 &&
	       setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0 &&
	       setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0;
}

bool wire_greet(int fd)
{
	return wire_write(fd, "w", 1);
}

int wire_meet(int fd, uint64_t deadline, pid_t *pid)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control = {0};
	char byte;
	struct iovec body = {&byte, 1};
	struct msghdr m = {
		.msg_iov = &body, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	struct ucred from;
	int off = 0;

	if (!wait_until(fd, deadline) || recvmsg(fd, &m, 0) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_CREDENTIALS || c->cmsg_len != CMSG_LEN(sizeof(from)))
		return -1;
	memcpy(&from, CMSG_DATA(c), sizeof(from));
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &off, sizeof(off));
	*pid = from.pid;
	return from.pid > 0 ? (int)syscall(SYS_pidfd_open, from.pid, 0) : -1;
}

union control {
	struct cmsghdr head;
	char space[CMSG_SPACE(OPEN_FDS * sizeof(int))];
};

bool wire_ask_open(int fd, const struct wire_ask *ask, const int fds[OPEN_FDS])
{
	union control control = {0};
	struct wire_ask copy = *ask;
	struct iovec body = {&copy, sizeof(copy)};
	struct msghdr m = {
		.msg_iov = &body, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(OPEN_FDS * sizeof(int));
	memcpy(CMSG_DATA(c), fds, OPEN_FDS * sizeof(int));
	do
		n = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == sizeof(copy);
}

bool wire_take_open(int fd, struct wire_ask *ask, int fds[OPEN_FDS])
{
	union control control = {0};
	struct iovec body = {ask, sizeof(*ask)};
	struct msghdr m = {
		.msg_iov = &body, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(fd, &m, MSG_WAITALL | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = CMSG_FIRSTHDR(&m);
	if (n != sizeof(*ask) || !c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(OPEN_FDS * sizeof(int)))
		return false;
	memcpy(fds, CMSG_DATA(c), OPEN_FDS * sizeof(int));
	return true;
}
