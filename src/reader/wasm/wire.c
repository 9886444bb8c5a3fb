/* SPDX-License-Identifier: MIT */
#include "reader/wasm/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

bool wire_read(int fd, void *out, size_t len)
{
	uint8_t *at = out;

	while (len) {
		ssize_t n = recv(fd, at, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
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

union control {
	struct cmsghdr head;
	char space[CMSG_SPACE(2 * sizeof(int))];
};

bool wire_ask_open(int fd, const struct wire_ask *ask, int socket, int image)
{
	union control control = {0};
	struct wire_ask copy = *ask;
	struct iovec body = {&copy, sizeof(copy)};
	struct msghdr m = {
		.msg_iov = &body, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int both[2] = {socket, image};
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(both));
	memcpy(CMSG_DATA(c), both, sizeof(both));
	do
		n = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == sizeof(copy);
}

bool wire_take_open(int fd, struct wire_ask *ask, int *socket, int *image)
{
	union control control = {0};
	struct iovec body = {ask, sizeof(*ask)};
	struct msghdr m = {
		.msg_iov = &body, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	int both[2];
	ssize_t n;

	do
		n = recvmsg(fd, &m, MSG_WAITALL | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = CMSG_FIRSTHDR(&m);
	if (n != sizeof(*ask) || !c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(both)))
		return false;
	memcpy(both, CMSG_DATA(c), sizeof(both));
	*socket = both[0];
	*image = both[1];
	return true;
}
