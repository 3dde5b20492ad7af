// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/killed: a device whose user was killed while it wrote is silent and works for the next
 * user. A storm that is a thread (lib/drivers/storm.h) ends with the user, and only the write that
 * was under way then is the device's own.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#include "ground.h"

#define SEED 3

/* What both processes see. */
struct shared {
	uint64_t iova;
};

FIXTURE(killed)
{
	struct buffer buffer; /* shared, one page */
	struct shared *shared;
	struct dut dut;
};

FIXTURE_SETUP(killed)
{
	struct vfio_layout layout;

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&layout);
	buffer_alloc(&self->buffer, BUFFER_SHARED, page_size());
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	canary_fill(self->buffer.memory, self->buffer.size, SEED);
}

FIXTURE_TEARDOWN(killed)
{
	dut_close(&self->dut);
	munmap(self->shared, sizeof(*self->shared));
	buffer_free(&self->buffer);
}

/* A few bytes: of a single one the device could write what is there. */
static size_t length_of(const struct dut *dut)
{
	return place_at(dma_write_limits(dut->dma), 4).length;
}

/* The first user: starts a storm and waits to be killed. */
static void __attribute__((noreturn)) blow(const struct buffer *buffer, struct shared *shared)
{
	struct dut dut;

	dut_open(&dut);
	dma_distrust(dut.dma, 0);
	shared->iova = iova_alloc(&dut.space, buffer->size, buffer->size);
	iommufd_map(dut.iommufd, dut.ioas, buffer->memory, buffer->size, shared->iova);
	dma_storm_start(dut.dma, shared->iova, length_of(&dut));
	for (;;)
		pause();
}

/* Watches the buffer for @ns nanoseconds, or until a byte of it changes. False: one did. */
static bool stays_intact(const struct buffer *buffer, uint64_t ns)
{
	uint64_t start = measure_now();
	bool intact;

	do
		intact = canary_intact(buffer->memory, buffer->size, SEED);
	while (intact && measure_now() - start < ns);
	return intact;
}

CTS_TEST_F(killed, in_a_storm,
	   .title = "A device whose user was killed in a storm is silent and works for the next user",
	   .requirements = { "DEV-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_STORM | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct dut *dut = &self->dut;
	struct buffer *buffer = &self->buffer;
	uint64_t iova;
	uint8_t *bytes;
	pid_t child = fork();

	ASSERT_GE(child, 0);
	if (!child)
		blow(buffer, self->shared);
	if (stays_intact(buffer, PATIENCE_NS))
		cts_lab_error("the first user's storm has not begun");
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, NULL, 0));

	canary_fill(buffer->memory, buffer->size, SEED);
	iova = self->shared->iova;
	dut_open(dut);
	dma_distrust(dut->dma, 0);
	iommufd_map(dut->iommufd, dut->ioas, buffer->memory, buffer->size, iova);
	EXPECT_TRUE(stays_intact(buffer, 100 * dma_access_ns(dut->dma)));
	bytes = malloc(length_of(dut));
	ASSERT_NE(NULL, bytes);
	EXPECT_EQ(0, dma_write(dut->dma, iova, length_of(dut), bytes));
	EXPECT_TRUE(
		canary_holds_only(buffer->memory, buffer->size, SEED, 0, bytes, length_of(dut)));
	free(bytes);
}

CTS_MAIN
