// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: the endpoint in software (fixtures/endpoint) with a client that may send anything.
 *
 * An input is a list of records: a byte that says what kind it is, how many file descriptors come
 * with it, and more. What the endpoint sends is looked at: it has to be whole messages that answer
 * what was asked, once, or accesses that it may make.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fixtures/endpoint/complain.h"
#include "../../fixtures/endpoint/endpoint.h"
#include "fuzz.h"

#define REQUESTS_MAX 4096

/* The first byte of a record: the kind, and in the upper half how many file descriptors. */
enum {
	RAW,	/* a length (1 byte), and bytes as they are */
	FRAMED, /* a length, a command, flags; bytes, which get a fitting header */
	ANSWER, /* nothing more: a right answer to the last access */
	REFUSE, /* an errno: the last access is refused */
	WORK,	/* nothing more: nothing comes for a while */
	KINDS,
};

static struct {
	const uint8_t *input, *end;
	uint8_t bytes[WIRE_BODY_MAX + sizeof(struct wire_header)]; /* of the record that is read */
	size_t size, at;
	unsigned int fds; /* of the record, not yet given */
	uint32_t random;
	struct wire_header access; /* the endpoint's last */
	struct {
		uint64_t iova, count;
	} place;
	unsigned int asked[REQUESTS_MAX]; /* how many requests of an id wait for an answer */
	uint8_t sent[2 * sizeof(struct wire_header) + 2 * WIRE_BODY_MAX];
	size_t sent_size;
} client;

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);

void complain(const char *format, ...)
{
	CHECK(*format);
}

static uint8_t next(void)
{
	return client.input < client.end ? *client.input++ : 0;
}

static void put(const void *bytes, size_t size)
{
	memcpy(client.bytes + client.size, bytes, size);
	client.size += size;
}

/* The next @size bytes of the input, as far as there are any. */
static void put_input(size_t size)
{
	if (size > (size_t)(client.end - client.input))
		size = (size_t)(client.end - client.input);
	put(client.input, size);
	client.input += size;
}

static void expect_answer(const struct wire_header *header)
{
	if ((header->flags & WIRE_TYPE) == WIRE_REQUEST && !(header->flags & WIRE_NO_REPLY) &&
	    header->id < REQUESTS_MAX)
		client.asked[header->id]++;
}

static void put_framed(void)
{
	struct wire_header header = { .id = next() };
	size_t size = next();

	header.command = next();
	header.flags = next();
	header.size = (uint32_t)sizeof(header);
	put(&header, sizeof(header));
	put_input(size);
	header.size = (uint32_t)client.size;
	memcpy(client.bytes, &header, sizeof(header));
	expect_answer(&header);
}

static void put_answer(uint32_t error)
{
	struct wire_header header = client.access;
	bool shows = !error && header.command == WIRE_DMA_READ;

	header.flags = WIRE_REPLY | (error ? WIRE_ERROR : 0);
	header.error = error;
	header.size = (uint32_t)sizeof(header);
	if (shows)
		header.size += (uint32_t)(sizeof(client.place) + client.place.count);
	put(&header, sizeof(header));
	if (shows) {
		put(&client.place, sizeof(client.place));
		memset(client.bytes + client.size, 0x5a, client.place.count);
		client.size += client.place.count;
	}
}

/* Reads the next record. False if there is none, or if it says that nothing comes. */
static bool read_record(void)
{
	uint8_t kind;

	client.size = client.at = 0;
	if (client.input == client.end)
		return false;
	kind = next();
	client.fds = kind >> 4;
	switch (kind % 16 % KINDS) {
	case RAW:
		put_input(next());
		/* What it holds nobody knows: any answer is right. */
		memset(client.asked, 0x40, sizeof(client.asked));
		return true;
	case FRAMED:
		put_framed();
		return true;
	case ANSWER:
		put_answer(0);
		return true;
	case REFUSE:
		put_answer(next());
		return true;
	default:
		return false;
	}
}

/* As the kernel passes them on: what doesn't fit is gone. */
static void give_fds(struct msghdr *message)
{
	size_t room = (message->msg_controllen - CMSG_LEN(0)) / sizeof(int), i;
	struct cmsghdr *control = message->msg_control;

	message->msg_flags = client.fds > room ? MSG_CTRUNC : 0;
	if (client.fds > room)
		client.fds = (unsigned int)room;
	message->msg_controllen = client.fds ? CMSG_SPACE(client.fds * sizeof(int)) : 0;
	if (client.fds) {
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(client.fds * sizeof(int));
	}
	for (i = 0; i < client.fds; i++) {
		int fd = dup(STDERR_FILENO);

		CHECK(fd >= 0 && !fcntl(fd, F_SETFD, FD_CLOEXEC));
		memcpy(CMSG_DATA(control) + i * sizeof(int), &fd, sizeof(fd));
	}
	client.fds = 0;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct iovec *part = message->msg_iov;
	size_t size;

	CHECK(fd == -1 && flags == MSG_CMSG_CLOEXEC && message->msg_iovlen == 1 && part->iov_len);
	while (client.at == client.size) {
		if (!read_record() && client.input == client.end) {
			message->msg_controllen = 0;
			message->msg_flags = 0;
			return 0;
		}
	}
	give_fds(message);
	client.random = client.random * 1664525 + 1013904223;
	size = client.size - client.at;
	if (size > part->iov_len)
		size = part->iov_len;
	if (client.random >> 30 == 0 && size > 1)
		size = 1 + client.random % (size - 1);
	memcpy(part->iov_base, client.bytes + client.at, size);
	client.at += size;
	return (ssize_t)size;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	CHECK(n == 1 && fds->fd == -1 && fds->events == POLLIN && timeout >= -1);
	if (client.at == client.size && !read_record() && client.input != client.end &&
	    timeout >= 0)
		return 0;
	fds->revents = POLLIN;
	return 1;
}

static void check_access(const struct wire_header *header, const uint8_t *body, size_t size)
{
	CHECK(header->command == WIRE_DMA_READ || header->command == WIRE_DMA_WRITE);
	CHECK(!header->flags && !header->error && size >= sizeof(client.place));
	memcpy(&client.place, body, sizeof(client.place));
	CHECK(client.place.count && client.place.count <= WIRE_DATA_MAX);
	CHECK(client.place.iova + (client.place.count - 1) >= client.place.iova);
	size -= sizeof(client.place);
	CHECK(size == (header->command == WIRE_DMA_WRITE ? client.place.count : 0));
	client.access = *header;
}

static void check_answer(const struct wire_header *header, size_t size)
{
	CHECK(header->flags == WIRE_REPLY || header->flags == (WIRE_REPLY | WIRE_ERROR));
	CHECK(!(header->flags & WIRE_ERROR) == !header->error);
	CHECK(!header->error || !size);
	if (header->id < REQUESTS_MAX)
		CHECK(client.asked[header->id]--);
}

/* Looks at each whole message of what was sent. */
static void check_sent(void)
{
	struct wire_header header;
	size_t at = 0;

	while (client.sent_size - at >= sizeof(header)) {
		memcpy(&header, client.sent + at, sizeof(header));
		CHECK(header.size >= sizeof(header));
		CHECK(header.size <= sizeof(header) + WIRE_BODY_MAX);
		if (client.sent_size - at < header.size)
			break;
		if (header.flags & WIRE_TYPE)
			check_answer(&header, header.size - sizeof(header));
		else
			check_access(&header, client.sent + at + sizeof(header),
				     header.size - sizeof(header));
		at += header.size;
	}
	memmove(client.sent, client.sent + at, client.sent_size - at);
	client.sent_size -= at;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	size_t done = 0, most = SIZE_MAX;

	CHECK(fd == -1 && flags == MSG_NOSIGNAL);
	client.random = client.random * 1664525 + 1013904223;
	if (client.random >> 30 == 0)
		most = 1 + client.random % 4096;
	for (size_t i = 0; i < message->msg_iovlen && done < most; i++) {
		size_t size = message->msg_iov[i].iov_len;

		if (size > most - done)
			size = most - done;
		CHECK(size <= sizeof(client.sent) - client.sent_size);
		if (size)
			memcpy(client.sent + client.sent_size, message->msg_iov[i].iov_base, size);
		client.sent_size += size;
		done += size;
	}
	check_sent();
	return (ssize_t)done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_options options = { .vectors = 4, .pasid_bits = 20 };
	struct endpoint *endpoint;
	int free_fd, left, status;

	memset(&client, 0, sizeof(client));
	client.input = data;
	client.end = data + size;
	options.without = next();
	client.random = next();
	free_fd = dup(STDERR_FILENO);
	CHECK(free_fd >= 0 && !close(free_fd));
	endpoint = endpoint_new(-1, false, &options);
	CHECK(endpoint);
	status = endpoint_serve(endpoint);
	/* The client never closes in the middle of a message, but where the input ends. */
	CHECK(status <= 0 && (status || !client.sent_size));
	endpoint_free(endpoint);
	left = dup(STDERR_FILENO);
	CHECK(left == free_fd && !close(left));
	return 0;
}
