// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands for /dev/kmsg: the socket whose number is in FAKE_KMSG. Each packet is one record of
 * the log; the packet "EPIPE" is a reader that was overrun. What is written to it is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);

static int kmsg = -1;

int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	if (!strcmp(path, "/dev/kmsg") && (flags & O_ACCMODE) == O_WRONLY)
		return __real_open("/dev/null", flags);
	if (!strcmp(path, "/dev/kmsg")) {
		kmsg = atoi(getenv("FAKE_KMSG"));
		return kmsg;
	}
	if (flags & O_CREAT) {
		va_list args;

		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return __real_open(path, flags, mode);
}

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	ssize_t n = __real_read(fd, buf, size);

	if (fd == kmsg && n == 5 && !memcmp(buf, "EPIPE", 5)) {
		errno = EPIPE;
		return -1;
	}
	return n;
}
