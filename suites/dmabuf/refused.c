// SPDX-License-Identifier: GPL-2.0-only
/* What is no part of a BAR is not exported as a dma-buf, and leaves no descriptor. */
#include <linux/pci_regs.h>
#include <stddef.h>

#include "export.h"

CTS_TEST_F(export, no_ranges,
	   .title = "The export of no ranges is EINVAL",
	   .requirements = { "DMABUF-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct dmabuf_request request = dmabuf_request(self->bar, 0, self->page);

	request.count = 0;
	EXPECT_REFUSED(EINVAL, request);
	check_unharmed(_metadata, self);
}

CTS_TEST_F(export, flags,
	   .title = "An export with a flag is EINVAL: there are none",
	   .requirements = { "DMABUF-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct dmabuf_request request = dmabuf_request(self->bar, 0, self->page);
	uint32_t bit;

	for (bit = 0; bit < 32; bit++) {
		request.flags = 1U << bit;
		EXPECT_REFUSED(EINVAL, request) TH_LOG("flag %#x", request.flags);
	}
	check_unharmed(_metadata, self);
}

CTS_TEST_F(export, pieces_of_pages,
	   .title = "A range that is empty, or whose offset or length is no multiple of the page size, is EINVAL, behind good ones too",
	   .requirements = { "DMABUF-002" },
	   .needs = CTS_NEED_CDEV)
{
	const uint64_t page = self->page;
	const struct {
		uint64_t offset, length;
	} wrong[] = {
		{ 0, 0 },	 { 0, 1 },    { 0, page / 2 },	      { 0, page - 1 },
		{ 0, page + 1 }, { 1, page }, { page / 2, page / 2 }, { page / 2, page },
	};
	uint32_t i, count;

	for (count = 1; count <= 2; count++) {
		struct dmabuf_request request = dmabuf_request(self->bar, 0, page);

		request.count = count;
		for (i = 0; i < ARRAY_SIZE(wrong); i++) {
			request.range[count - 1].offset = wrong[i].offset;
			request.range[count - 1].length = wrong[i].length;
			EXPECT_REFUSED(EINVAL, request)
			TH_LOG("range %u: %#llx bytes at %#llx", count - 1,
			       (unsigned long long)wrong[i].length,
			       (unsigned long long)wrong[i].offset);
		}
	}
	check_unharmed(_metadata, self);
}

CTS_TEST_F(export, beyond_the_end,
	   .title = "A range that begins or ends behind the BAR is EINVAL, behind good ones too",
	   .requirements = { "DMABUF-002" },
	   .needs = CTS_NEED_CDEV)
{
	const uint64_t page = self->page, whole = (self->size + page - 1) / page * page;
	const struct {
		uint64_t offset, length;
	} wrong[] = {
		{ 0, whole + page },	{ whole, page },      { whole - page, 2 * page },
		{ whole + page, page }, { 16 * whole, page }, { 0, 1ULL << 40 },
	};
	uint32_t i, count;

	for (count = 1; count <= 2; count++) {
		struct dmabuf_request request = dmabuf_request(self->bar, 0, page);

		request.count = count;
		for (i = 0; i < ARRAY_SIZE(wrong); i++) {
			request.range[count - 1].offset = wrong[i].offset;
			request.range[count - 1].length = wrong[i].length;
			EXPECT_REFUSED(EINVAL, request)
			TH_LOG("range %u: %#llx bytes at %#llx", count - 1,
			       (unsigned long long)wrong[i].length,
			       (unsigned long long)wrong[i].offset);
		}
	}
	check_unharmed(_metadata, self);
}

CTS_TEST_F(export, wraps_around,
	   .title = "Ranges whose sum wraps around are EINVAL, and an address that does is EOVERFLOW",
	   .requirements = { "DMABUF-002" },
	   .needs = CTS_NEED_CDEV)
{
	const uint64_t page = self->page, half = 1ULL << 63, all = 0 - page;
	struct dmabuf_request request = dmabuf_request(self->bar, 0, half);

	/* The sum is 0, and a page. */
	request.count = 2;
	request.range[1].length = half;
	EXPECT_REFUSED(EINVAL, request);
	request.range[1].length = half + page;
	EXPECT_REFUSED(EINVAL, request);

	request = dmabuf_request(self->bar, all, page);
	EXPECT_REFUSED(EOVERFLOW, request);
	request = dmabuf_request(self->bar, half, half - page);
	EXPECT_REFUSED(EOVERFLOW, request);
	check_unharmed(_metadata, self);
}

CTS_TEST_F(export, no_bar,
	   .title = "The export of a region that is no BAR, or of a BAR that the device hasn't got, is ENODEV",
	   .requirements = { "DMABUF-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct dmabuf_request request = dmabuf_request(0, 0, self->page);

	for (request.region = 0; request.region < VFIO_PCI_NUM_REGIONS; request.region++) {
		if (request.region < FUNCTION_BARS &&
		    self->bound.function.region[request.region].size)
			continue;
		EXPECT_REFUSED(ENODEV, request) TH_LOG("region %u", request.region);
	}
	request.region = VFIO_PCI_NUM_REGIONS;
	EXPECT_REFUSED(ENODEV, request);
	request.region = UINT32_MAX;
	EXPECT_REFUSED(ENODEV, request);
	check_unharmed(_metadata, self);
}

CTS_TEST_F(export, unreadable,
	   .title = "An export whose arguments or ranges can't be read is EFAULT",
	   .requirements = { "DMABUF-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct dmabuf_request request = dmabuf_request(self->bar, 0, self->page);

	request.count = 2;
	request.range[1] = request.range[0];
	EXPECT_EQ(-EFAULT, ask_unreadable(self->bound.device, VFIO_DEVICE_FEATURE, &request,
					  dmabuf_request_size(&request)));
	check_unharmed(_metadata, self);
}

CTS_TEST_F(export, more_ranges_than_there_can_be,
	   .title = "As many ranges as can be said, of which one is there, are refused",
	   .requirements = { "DMABUF-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct dmabuf_request request = dmabuf_request(self->bar, 0, self->page);
	char *edge = inaccessible_page();

	/* One range is there, at the end of memory. Who first makes room for all may have none. */
	request.count = UINT32_MAX;
	edge -= offsetof(struct dmabuf_request, range[1]);
	memcpy(edge, &request, offsetof(struct dmabuf_request, range[1]));
	EXPECT_GT(0, __dmabuf_export(self->bound.device, edge));
	check_unharmed(_metadata, self);
}

CTS_TEST_F(export, argsz_too_small,
	   .title = "An export whose argsz doesn't hold its data is EINVAL",
	   .requirements = { "DMABUF-002", "FEAT-001" },
	   .needs = CTS_NEED_CDEV)
{
	struct dmabuf_request request = dmabuf_request(self->bar, 0, self->page);

	EXPECT_EQ(-EINVAL, ask_too_small(self->bound.device, VFIO_DEVICE_FEATURE, &request,
					 offsetof(struct dmabuf_request, range)));
	check_unharmed(_metadata, self);
}

CTS_TEST_F(export, ports,
	   .title = "The export of a BAR of I/O ports is EINVAL",
	   .requirements = { "DMABUF-006" },
	   .needs = CTS_NEED_CDEV)
{
	const struct vfio_region_info *regions = self->bound.function.region;
	struct dmabuf_request request = dmabuf_request(0, 0, self->page);
	uint8_t header[PCI_STD_HEADER_SIZEOF];

	sysfs_config(header, sizeof(header));
	for (; request.region < FUNCTION_BARS; request.region++) {
		if (regions[request.region].size &&
		    header[PCI_BASE_ADDRESS_0 + 4 * request.region] & PCI_BASE_ADDRESS_SPACE_IO)
			break;
	}
	if (request.region == FUNCTION_BARS)
		CTS_SKIP(DEVICE_LACKS, "the device has no BAR of ports");
	EXPECT_REFUSED(EINVAL, request);
	check_unharmed(_metadata, self);
}

CTS_MAIN
