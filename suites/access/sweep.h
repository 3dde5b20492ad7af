/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests of every kind, sent to one file: all 256 numbers of vfio's own type, the same numbers
 * with sizes and directions that vfio never encodes, and all other types. Each is sent by a
 * function of the caller's, so that the ioctl of a 32-bit process is swept alike.
 */
#ifndef ACCESS_SWEEP_H
#define ACCESS_SWEEP_H

#include <errno.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>

/* 0 or -errno. */
typedef int (*sweep_ioctl)(int fd, unsigned long request, void *argument);

/* ioctl(2) as a process of the kernel's own word size makes it. */
static inline int try_ioctl(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 ? -errno : 0;
}

/* What a request is sent with, and what it has to end in. */
struct sweep {
	sweep_ioctl ioctl;
	int fd;
	int error;     /* -errno */
	char *guarded; /* a page that can be written, zeroed, and one that can't behind it */
	size_t page;   /* the size of each */
	bool (*known)(unsigned int nr); /* numbers to leave out; NULL: all but bind are sent */
};

/* How a request that should not have ended so was sent, for the log. */
struct sweep_miss {
	unsigned long request;
	int result;
	unsigned int count; /* of all such requests; 0: there was none */
};

static inline void sweep_one(const struct sweep *sweep, unsigned long request, void *argument,
			     struct sweep_miss *miss)
{
	int result = sweep->ioctl(sweep->fd, request, argument);

	if (result == sweep->error)
		return;
	if (!miss->count++) {
		miss->request = request;
		miss->result = result;
	}
}

/* With no argument, with one that can be read and written, and with one that can't. */
static inline void sweep_arguments(const struct sweep *sweep, unsigned long request,
				   struct sweep_miss *miss)
{
	sweep_one(sweep, request, NULL, miss);
	sweep_one(sweep, request, sweep->guarded, miss);
	sweep_one(sweep, request, sweep->guarded + sweep->page, miss);
}

/* Every number of vfio's type, as vfio encodes them: without direction and size. */
static inline struct sweep_miss sweep_numbers(const struct sweep *sweep)
{
	struct sweep_miss miss = { 0 };
	unsigned int nr;

	for (nr = 0; nr <= 255; nr++)
		if (_IO(VFIO_TYPE, nr) != VFIO_DEVICE_BIND_IOMMUFD &&
		    !(sweep->known && sweep->known(nr)))
			sweep_arguments(sweep, _IO(VFIO_TYPE, nr), &miss);
	return miss;
}

/* Every number of vfio's type with every other direction and with sizes of all magnitudes. */
static inline struct sweep_miss sweep_encodings(const struct sweep *sweep)
{
	static const unsigned int directions[] = { _IOC_NONE, _IOC_READ, _IOC_WRITE,
						   _IOC_READ | _IOC_WRITE };
	static const unsigned int sizes[] = { 0, 1, 4, 8, 16, 24, 4096, _IOC_SIZEMASK };
	struct sweep_miss miss = { 0 };
	unsigned int nr, d, s;

	for (nr = 0; nr <= 255; nr++)
		for (d = 0; d < sizeof(directions) / sizeof(*directions); d++)
			for (s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
				if (directions[d] != _IOC_NONE || sizes[s])
					sweep_one(sweep,
						  _IOC(directions[d], VFIO_TYPE, nr, sizes[s]),
						  sweep->guarded, &miss);
	return miss;
}

/*
 * Every number of every other type, without direction and size. Left out are the few that the
 * kernel answers for files of all kinds (do_vfs_ioctl() in fs/ioctl.c), which never reach vfio;
 * those with a size, among them all that would change a file system, are not sent at all.
 */
static inline struct sweep_miss sweep_types(const struct sweep *sweep)
{
	struct sweep_miss miss = { 0 };
	unsigned int type, nr;

	for (type = 0; type <= 255; type++) {
		if (type == (unsigned char)VFIO_TYPE || type == 'T')
			continue;
		for (nr = 0; nr <= 255; nr++)
			if (type || nr > 2) /* FIBMAP, FIGETBSZ */
				sweep_one(sweep, _IO(type, nr), sweep->guarded, &miss);
	}
	return miss;
}

/* Nothing of @sweep missed. */
#define EXPECT_SWEPT(sweep)                                                                       \
	do {                                                                                      \
		struct sweep_miss __miss = (sweep);                                               \
                                                                                                  \
		EXPECT_EQ(0, __miss.count)                                                        \
		TH_LOG("the first of them: request %#lx gave %d", __miss.request, __miss.result); \
	} while (0)

#endif
