/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waits for a queue is woken. An epoll that has found nothing looks at the queue again only
 * when that has woken it: what it then reports shows the waking, not the state of the queue.
 */
#ifndef FAULT_WATCH_H
#define FAULT_WATCH_H

#include <sys/epoll.h>

#include "test.h"

/* An epoll that waits for @queue to be readable. The caller closes it. */
static inline int watch(int queue)
{
	struct epoll_event event = { .events = EPOLLIN };
	int watcher = epoll_create1(EPOLL_CLOEXEC);

	if (watcher < 0 || epoll_ctl(watcher, EPOLL_CTL_ADD, queue, &event))
		cts_lab_error("no epoll for a queue");
	return watcher;
}

/* Was it woken, and is the queue readable? */
static inline bool woken(int watcher)
{
	struct epoll_event event;

	return epoll_wait(watcher, &event, 1, 0) == 1 && event.events == EPOLLIN;
}

#endif
