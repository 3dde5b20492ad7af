// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "check.h"
#include "klog.h"

#define LOG "/dev/kmsg"

int klog_open(void)
{
	int log = open(LOG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	cts_lab_require(log >= 0, LOG);
	klog_skip(log);
	return log;
}

void klog_skip(int log)
{
	cts_lab_require(lseek(log, 0, SEEK_END) >= 0, LOG);
}

bool klog_next(int log, char record[KLOG_RECORD], int ms)
{
	struct pollfd pollfd = { .fd = log, .events = POLLIN };
	ssize_t length;

	while ((length = read(log, record, KLOG_RECORD - 1)) < 0) {
		if (errno == EAGAIN) {
			if (poll(&pollfd, 1, ms) != 1)
				return false;
		} else {
			/* EPIPE: the next ones were overwritten. */
			cts_lab_require(errno == EPIPE, LOG);
		}
	}
	record[length] = '\0';
	return true;
}
