/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocations that fail on purpose, one after the other (/proc/<pid>/fail-nth in
 * Documentation/fault-injection/fault-injection.rst).
 *
 * Between fail_nth_begin() and fail_nth_end() each ioctl() of this thread on iommufd or vfio (the
 * linker leads it here) is made again and again: first with its first allocation failing, then with
 * its second, until it succeeds or is made with none failing. So what the caller sees is the
 * outcome of a call that was refused before, maybe many times, for want of memory: each refusal
 * must have left all as it was, or that outcome is another one. IOMMU_TEST_CMD is made once: it is
 * no promise of the kernel's. A kernel with CONFIG_IOMMUFD_TEST also fails to look up an id:
 * ENOENT, or EINVAL where the call says so of an id that isn't there. That is no refusal for want
 * of memory, but must change nothing either.
 *
 * With CTS_FAIL_NTH in the environment (`iommu-cts run --fail-nth`) all of a test is like that.
 */
#ifndef CTS_FAIL_NTH_H
#define CTS_FAIL_NTH_H

#include <stdbool.h>

/* What came of it since fail_nth_begin(). */
struct fail_nth {
	unsigned int failures; /* allocations that failed */
	unsigned int refusals; /* calls that were refused for it, with ENOMEM */
	unsigned int odd;      /* calls that ended in another error */
};

/*
 * What is missing, in words, or NULL: the kernel's fail-nth, or its settings that let it fail what
 * may wait for memory. The lab's guests have them; on a real host they are not touched.
 */
const char *fail_nth_missing(void);

/*
 * From here on; @check, which may be NULL, is called with @argument after each refusal, and its
 * own calls are made as ever.
 */
void fail_nth_begin(void (*check)(void *argument), void *argument);

/* In what follows the allocations before number @first, from 1, don't fail. */
void fail_nth_first(unsigned int first);

struct fail_nth fail_nth_end(void);

/*
 * In a test: makes @call, which returns 0 or -errno, as above. It must have been refused, each time
 * with ENOMEM, and have worked in the end.
 */
#define WITHOUT_MEMORY(check, argument, call)                                                  \
	do {                                                                                   \
		struct fail_nth __failed;                                                      \
		int __rc;                                                                      \
                                                                                               \
		fail_nth_begin(check, argument);                                               \
		__rc = call;                                                                   \
		__failed = fail_nth_end();                                                     \
		EXPECT_EQ(0, __rc);                                                            \
		EXPECT_LT(0U, __failed.refusals);                                              \
		EXPECT_EQ(0U, __failed.odd);                                                   \
		printf("# %u of %u failures refused\n", __failed.refusals, __failed.failures); \
	} while (0)

#endif
