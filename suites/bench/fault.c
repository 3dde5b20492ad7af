// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a page request costs: from the device's access to a page that isn't there to user space,
 * which reads the fault from its queue, and from its answer to the end of the access.
 */
#include "../fault/requests.h"

#include "measure.h"

/* Begins an access that asks for its page, and reads the fault. Returns how many came. */
static unsigned int ask(FIXTURE_DATA(requests) * self, uint32_t pasid,
			struct iommu_hwpt_pgfault *fault)
{
	begin_write(self, pasid);
	return receive(self->fd, fault, 1);
}

CTS_TEST_F(requests, round_trip,
	   .title = "A page request on its way to user space, and its answer on the way back",
	   .requirements = { "MEASURE-017" },
	   .needs = NEEDS | CTS_NEED_TIME,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 120)
{
	const struct cts_param params[] = { { 0 } };
	struct measure_series told = { 0 }, answered = { 0 }, trip = { 0 };
	struct iommu_hwpt_pgfault fault;
	uint8_t bytes[LENGTH];

	while (measure_wants(&told) || measure_wants(&answered)) {
		unsigned int came;
		ssize_t length;
		int error;

		measure_begin(&told);
		came = ask(self, variant->pasid, &fault);
		measure_end(&told);
		ASSERT_EQ(1, came);
		map(self, 0, 1);
		measure_begin(&answered);
		length = answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS);
		error = dma_finish(self->dut.dma, bytes);
		measure_end(&answered);
		ASSERT_EQ(ANSWER, length);
		ASSERT_EQ(0, error);
		unmap(self, 0, 1);
	}
	/* There and back, with nothing in between: the access is refused. */
	while (measure_wants(&trip)) {
		unsigned int came;
		ssize_t length;
		int error;

		measure_begin(&trip);
		came = ask(self, variant->pasid, &fault);
		length = answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_INVALID);
		error = dma_finish(self->dut.dma, bytes);
		measure_end(&trip);
		ASSERT_EQ(1, came);
		ASSERT_EQ(ANSWER, length);
		ASSERT_EQ(-EIO, error);
	}
	measure_record(&told, "fault-told", params);
	measure_record(&answered, "fault-answered", params);
	measure_record(&trip, "fault-round-trip", params);
}

CTS_MAIN
