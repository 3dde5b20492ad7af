// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the kernel took for its users and that nothing points to any more: it is lost until
 * the next boot. A kernel with kmemleak finds it (Documentation/dev-tools/kmemleak.rst), also what
 * tests before this one left: the record names the process that asked for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "buffer.h"
#include "hwpt.h"
#include "iommufd.h"
#include "measure.h"
#include "memory.h"
#include "test.h"
#include "vfio.h"
#include "vfio_group.h"

#define KMEMLEAK "/sys/kernel/debug/kmemleak"
#define ROUNDS 8
/* Younger memory is not looked at (mm/kmemleak.c MSECS_MIN_AGE), and a scan sees what it saw twice.
 */
#define AGE_NS 7000000000ULL

FIXTURE(unreferenced)
{
	struct vfio_layout layout;
	struct buffer buffer;
	int kmemleak;
};

FIXTURE_SETUP(unreferenced)
{
	CTS_CHECK_NEEDS();
	self->kmemleak = open(KMEMLEAK, O_RDWR | O_CLOEXEC);
	if (self->kmemleak < 0)
		CTS_SKIP(NO_TEST_SUPPORT, "no " KMEMLEAK " (CONFIG_DEBUG_KMEMLEAK)");
	VFIO_SURVEY_OR_SKIP(&self->layout);
	buffer_alloc(&self->buffer, BUFFER_BASE, 16 * page_size());
}

FIXTURE_TEARDOWN(unreferenced)
{
	buffer_free(&self->buffer);
	cts_close(&self->kmemleak);
}

/* Asks for all kinds of objects and gives most of them up by closing alone; some is refused. */
static void use_everything(const FIXTURE_DATA(unreferenced) * self)
{
	int iommufd = iommufd_open(), device = vfio_open(), other = vfio_open(), queue = -1;
	uint32_t id, ioas = iommufd_ioas_alloc(iommufd), second = iommufd_ioas_alloc(iommufd);
	uint32_t hwpt, fault_hwpt, queue_id;
	uint64_t iova, copy = 0;

	__vfio_bind(device, -1, NULL);
	__vfio_bind(device, device, NULL);
	id = vfio_bind(device, iommufd);
	__vfio_bind(other, iommufd, NULL);
	hwpt = iommufd_hwpt_alloc(iommufd, id, ioas);
	vfio_attach(device, ioas);
	vfio_attach(device, hwpt);
	vfio_attach(device, second);
	vfio_attach(device, hwpt);
	if (!__iommufd_fault_queue_alloc(iommufd, &queue_id, &queue) &&
	    !__iommufd_hwpt_alloc_fault(iommufd, id, ioas, queue_id, &fault_hwpt))
		__vfio_attach(device, &fault_hwpt);
	iova = iommufd_usable_iova(iommufd, ioas, self->buffer.size, page_size());
	iommufd_map(iommufd, ioas, self->buffer.memory, self->buffer.size, iova);
	__iommufd_map(iommufd, ioas, self->buffer.memory, self->buffer.size, iova);
	__iommufd_map(iommufd, ioas, inaccessible_page(), page_size(), iova + self->buffer.size);
	__iommufd_copy(iommufd, second, ioas, IOMMU_IOAS_MAP_READABLE, page_size(),
		       iova + page_size(), &copy);
	__iommufd_destroy(iommufd, ioas);
	cts_close(&other);
	cts_close(&device);
	cts_close(&iommufd);
	if (queue >= 0)
		cts_close(&queue);
}

/* Does a scan find anything of vfio's or the IOMMU's? Shows what. */
static bool finds(int kmemleak)
{
	static char report[1 << 20];
	ssize_t length = 0, more;
	char *line, *rest;
	bool ours;

	cts_lab_require(write(kmemleak, "scan", 4) == 4, "a scan of " KMEMLEAK);
	cts_lab_require(!lseek(kmemleak, 0, SEEK_SET), KMEMLEAK);
	while ((more = read(kmemleak, report + length, sizeof(report) - 1 - (size_t)length)) > 0)
		length += more;
	cts_lab_require(!more, KMEMLEAK);
	report[length] = '\0';
	ours = strstr(report, "vfio") || strstr(report, "iommu") || strstr(report, "iopt");
	for (line = report; ours && *line; line = rest) {
		rest = line + strcspn(line, "\n");
		printf("# %.*s\n", (int)(rest - line), line);
		rest += *rest == '\n';
	}
	return ours;
}

CTS_TEST_F(unreferenced, is_nothing,
	   .title = "Of all that was asked of vfio and iommufd since the boot nothing is left that nobody knows",
	   .requirements = { "LIFE-018" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 120)
{
	uint64_t begin;
	int i;

	for (i = 0; i < ROUNDS; i++)
		use_everything(self);
	begin = measure_now();
	do {
		ASSERT_FALSE(finds(self->kmemleak));
	} while (measure_now() - begin < AGE_NS);
	EXPECT_FALSE(finds(self->kmemleak));
}

CTS_MAIN
