// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "frame.h"

#define PART 24576

static void send_error(const char *path, const char *error)
{
	struct json_out *json = frame_begin("file");

	json_put_string(json, "path", path);
	json_put_string(json, "error", error);
	frame_end();
}

static void send_part(const char *path, size_t offset, const char *part, size_t len)
{
	struct json_out *json = frame_begin("file");

	json_put_string(json, "path", path);
	json_put_int(json, "offset", (int64_t)offset);
	json_put_base64(json, "base64", part, len);
	json_put_bool(json, "last", len < PART);
	frame_end();
}

/*
 * Reads until the buffer is full or the file at its end: files of /proc give what they like at
 * a time.
 */
static ssize_t read_part(int fd, char *part)
{
	size_t len = 0;

	while (len < PART) {
		ssize_t n = read(fd, part + len, PART - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

void file_send(const char *path)
{
	static char part[PART];
	size_t offset = 0;
	struct stat st;
	ssize_t n;
	int fd;

	/*
	 * A FIFO or a device could block for good, /proc/kmsg and the like too: hence
	 * O_NONBLOCK.
	 */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		send_error(path, strerror(errno));
		return;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		send_error(path, "not a regular file");
		close(fd);
		return;
	}
	do {
		n = read_part(fd, part);
		if (n < 0) {
			send_error(path, strerror((int)-n));
		} else if (offset + (size_t)n > FILE_MAX) {
			send_error(path, "longer than 1 MiB");
			break;
		} else {
			send_part(path, offset, part, (size_t)n);
			offset += (size_t)n;
		}
	} while (n == PART && !frame_gone());
	close(fd);
}
