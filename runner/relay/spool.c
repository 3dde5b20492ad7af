// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "spool.h"

uint64_t spool_head, spool_sent;
static int fd = -1;

int spool_open(const char *path)
{
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : 0;
}

static uint64_t oldest(void)
{
	return spool_head > SPOOL_BYTES ? spool_head - SPOOL_BYTES : 0;
}

size_t spool_room(void)
{
	uint64_t keep = spool_sent > SPOOL_KEPT ? spool_sent - SPOOL_KEPT : 0;

	if (keep < oldest())
		keep = oldest();
	return (size_t)(keep + SPOOL_BYTES - spool_head);
}

/* Of len bytes from this one of the stream on, so many lie in the file in one piece. */
static size_t in_one_piece(uint64_t at, size_t len)
{
	uint64_t left = SPOOL_BYTES - at % SPOOL_BYTES;

	return len < left ? len : (size_t)left;
}

int spool_add(const char *bytes, size_t len)
{
	while (len) {
		size_t piece = in_one_piece(spool_head, len);
		ssize_t n = pwrite(fd, bytes, piece, (off_t)(spool_head % SPOOL_BYTES));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		spool_head += (uint64_t)n;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t spool_next(char *bytes, size_t size)
{
	uint64_t left = spool_head - spool_sent;
	size_t want = in_one_piece(spool_sent, left < size ? (size_t)left : size);
	ssize_t n;

	do
		n = pread(fd, bytes, want, (off_t)(spool_sent % SPOOL_BYTES));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

bool spool_seek(uint64_t offset)
{
	if (offset > spool_head || offset < oldest())
		return false;
	spool_sent = offset;
	return true;
}
