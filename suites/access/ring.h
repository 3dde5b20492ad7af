/* SPDX-License-Identifier: GPL-2.0-only */
/* A ring for a test, or a skip where the kernel gives none. */
#ifndef ACCESS_RING_H
#define ACCESS_RING_H

#include "uring.h"

/*
 * Makes a ring with @flags; skips the test where there is no io_uring, where the administrator
 * switched it off, or where it doesn't know the flags.
 */
#define URING_OR_SKIP(uring, flags)                                                             \
	do {                                                                                    \
		int __error = __uring_setup(uring, flags);                                      \
                                                                                                \
		if (__error == -ENOSYS || __error == -EPERM || ((flags) && __error == -EINVAL)) \
			CTS_SKIP(KERNEL_LACKS, "io_uring_setup with flags %#x: %s",             \
				 (unsigned int)(flags), strerror(-__error));                    \
		ASSERT_EQ(0, __error);                                                          \
	} while (0)

#endif
