// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "relay.h"

int relay_socket(const char *folder, int listening)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int dir, fd, failed;

	dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME, dir);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		close(dir);
		return -errno;
	}
	if (listening)
		failed = bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4);
	else
		failed = connect(fd, (struct sockaddr *)&address, sizeof(address));
	failed = failed ? -errno : 0;
	close(dir);
	if (failed)
		close(fd);
	return failed ? failed : fd;
}

static int connect_to(const char *folder, const char *wish)
{
	int fd = relay_socket(folder, 0);

	if (fd >= 0 && send(fd, wish, strlen(wish), MSG_NOSIGNAL) < 0) {
		close(fd);
		fd = -errno;
	}
	if (fd < 0)
		fprintf(stderr, "cts-relay: no relay in %s: %s\n", folder, strerror(-fd));
	return fd;
}

static bool write_all(const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* One packet to standard output. Returns an exit code, or -1 to go on. */
static int pass_output(int relay)
{
	char packet[PACKET_MAX + 1], line[64];
	ssize_t len = recv(relay, packet, sizeof(packet) - 1, 0);

	if (len < 0 && errno == EINTR)
		return -1;
	packet[len > 0 ? len : 0] = 0;
	switch (packet[0]) {
	case PACKET_HELLO:
		snprintf(line, sizeof(line), "@relay %.24s\n", packet + 1);
		return write_all(line, strlen(line)) ? -1 : EXIT_NO_RELAY;
	case PACKET_OUTPUT:
		return write_all(packet + 1, (size_t)len - 1) ? -1 : EXIT_NO_RELAY;
	case PACKET_END:
		return 0;
	case PACKET_REPLACED:
		fputs("cts-relay: somebody else is attached now\n", stderr);
		return EXIT_REPLACED;
	case PACKET_GONE:
		fputs("cts-relay: the stream is not kept from there on\n", stderr);
		return EXIT_GONE;
	default:
		fputs("cts-relay: the relay has ended\n", stderr);
		return EXIT_NO_RELAY;
	}
}

int relay_attach(const char *folder, uint64_t offset)
{
	char wish[32], packet[PACKET_MAX];
	size_t pending = 0; /* bytes of a packet that the relay has not taken yet */
	int relay, code = -1;

	snprintf(wish, sizeof(wish), "%c%llu", PACKET_ATTACH, (unsigned long long)offset);
	relay = connect_to(folder, wish);
	if (relay < 0)
		return EXIT_NO_RELAY;
	packet[0] = PACKET_INPUT;
	while (code < 0) {
		struct pollfd fds[] = {
			{ .fd = relay, .events = (short)(POLLIN | (pending ? POLLOUT : 0)) },
			{ .fd = pending ? -1 : STDIN_FILENO, .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
			code = pass_output(relay);
		if (pending && fds[0].revents & POLLOUT &&
		    send(relay, packet, pending, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
			pending = 0;
		if (fds[1].revents) {
			ssize_t n = read(STDIN_FILENO, packet + 1, sizeof(packet) - 1);

			if (n <= 0 && errno != EINTR)
				return EXIT_NO_RELAY; /* who started this is gone */
			pending = n > 0 ? (size_t)n + 1 : 0;
		}
	}
	return code;
}

int relay_stop(const char *folder)
{
	char packet[PACKET_MAX], wish[] = { PACKET_STOP, 0 };
	int relay = connect_to(folder, wish);
	bool ended = false;
	ssize_t len;

	if (relay < 0)
		return EXIT_NO_RELAY;
	while ((len = recv(relay, packet, sizeof(packet), 0)) > 0 || (len < 0 && errno == EINTR))
		ended = ended || (len > 0 && packet[0] == PACKET_END);
	if (!ended)
		fputs("cts-relay: the program can't be killed\n", stderr);
	return ended ? 0 : EXIT_NO_RELAY;
}
