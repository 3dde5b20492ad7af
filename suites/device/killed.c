// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/killed: a device whose user was killed while it wrote is silent and works for the next
 * user. A storm that is a thread (lib/drivers/storm.h) ends with the user, and only the write that
 * was under way then is the device's own; what was launched goes on by itself.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#include "ground.h"

#define SEED 3

/* How long the next user's memory is watched at most, for a device that is slow. */
#define WATCHED_NS 2000000000ULL

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

/* The first user's device, with the buffer mapped. */
static void open_first(struct dut *dut, const struct buffer *buffer, struct shared *shared)
{
	dut_open(dut);
	dma_distrust(dut->dma, 0);
	shared->iova = iova_alloc(&dut->space, buffer->size, buffer->size);
	iommufd_map(dut->iommufd, dut->ioas, buffer->memory, buffer->size, shared->iova);
}

/* The first user: starts a storm and waits to be killed. */
static void __attribute__((noreturn)) blow(const struct buffer *buffer, struct shared *shared)
{
	struct dut dut;

	open_first(&dut, buffer, shared);
	dma_storm_start(dut.dma, shared->iova, length_of(&dut));
	for (;;)
		pause();
}

/* Another first user, which is dead as soon as the device writes by itself. */
static void __attribute__((noreturn)) launch(const struct buffer *buffer, struct shared *shared)
{
	struct dut dut;

	open_first(&dut, buffer, shared);
	dma_launch(dut.dma, shared->iova, buffer->size);
	kill(getpid(), SIGKILL);
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

/* The device is silent for a user who maps the buffer where the first one had it, and works. */
static void judge_next_user(struct __test_metadata *_metadata, struct dut *dut,
			    const struct buffer *buffer, uint64_t iova)
{
	uint64_t watched = 100 * dma_access_ns(dut->dma);
	uint8_t *bytes = malloc(length_of(dut));

	ASSERT_NE(NULL, bytes);
	dma_distrust(dut->dma, 0);
	iommufd_map(dut->iommufd, dut->ioas, buffer->memory, buffer->size, iova);
	EXPECT_TRUE(stays_intact(buffer, watched < WATCHED_NS ? watched : WATCHED_NS));
	EXPECT_EQ(0, dma_write(dut->dma, iova, length_of(dut), bytes));
	EXPECT_TRUE(
		canary_holds_only(buffer->memory, buffer->size, SEED, 0, bytes, length_of(dut)));
	free(bytes);
}

CTS_TEST_F(killed, in_a_storm,
	   .title = "A device whose user was killed in a storm is silent and works for the next user",
	   .requirements = { "DEV-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_STORM | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct buffer *buffer = &self->buffer;
	pid_t child = fork();

	ASSERT_GE(child, 0);
	if (!child)
		blow(buffer, self->shared);
	if (stays_intact(buffer, PATIENCE_NS))
		cts_lab_error("the first user's storm has not begun");
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, NULL, 0));

	canary_fill(buffer->memory, buffer->size, SEED);
	dut_open(&self->dut);
	judge_next_user(_metadata, &self->dut, buffer, self->shared->iova);
}

CTS_TEST_F(killed, while_it_goes_on,
	   .title = "A device that writes by itself when its user is killed reaches nothing once the user is gone, and is silent and works for the next",
	   .requirements = { "DEV-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_AUTONOMOUS | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct buffer *buffer = &self->buffer;
	pid_t child = fork();
	int status;

	ASSERT_GE(child, 0);
	if (!child)
		launch(buffer, self->shared);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	ASSERT_EQ(SIGKILL, WTERMSIG(status));

	/* Both its files are closed. The device may still be at it, at the latest until it is
	 * opened. */
	canary_fill(buffer->memory, buffer->size, SEED);
	dut_open(&self->dut);
	EXPECT_TRUE(canary_intact(buffer->memory, buffer->size, SEED));
	judge_next_user(_metadata, &self->dut, buffer, self->shared->iova);
}

CTS_MAIN
