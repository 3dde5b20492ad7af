// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a process that died while a device writes to it: it is nobody else's as long as it is
 * mapped, and when nobody holds the device any more the DMA ends before the memory is used again.
 *
 * The storms of all drivers are threads (lib/drivers/storm.h), which end with their process. So
 * where the device's only holder is killed in a storm, what is seen are the writes that were under
 * way then; a device that was launched goes on by itself.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ioas.h"

/* What the device writes to, and memory that is taken anew when its owner has died: pages. */
#define STORMED 16
#define FRESH 1024
#define ROUNDS 2

/* What the child shares with the test. */
struct shared {
	uint64_t iova;
	volatile bool launched;
	volatile bool mapped;
	volatile bool seen; /* the storm has reached the child's memory */
};

static struct shared *share(struct __test_metadata *_metadata)
{
	void *memory =
		mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, memory);
	return memory;
}

/* How long the child may take on a slow host. */
#define PATIENCE_NS 30000000000ULL

/* Waits until @child sets @flag. One that ends instead has failed, and said how. */
static void await(struct __test_metadata *_metadata, const volatile bool *flag, pid_t child)
{
	uint64_t deadline = measure_now() + PATIENCE_NS;
	siginfo_t ended = { 0 };

	while (!*flag && measure_now() < deadline) {
		ASSERT_EQ(0, waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT));
		ASSERT_EQ(0, ended.si_pid);
		sched_yield();
	}
	if (!*flag)
		cts_lab_error("the storm has not begun after half a minute");
}

/* Takes memory and fills it. */
static void take_fresh(struct buffer *fresh)
{
	pages_alloc(fresh, FRESH);
	canary_fill(fresh->memory, fresh->size, 0);
}

/* Says when the device writes to @memory, and lives on until it is killed. */
static void __attribute__((noreturn)) watch_storm(struct shared *shared, const char *memory)
{
	while (canary_intact(memory, STORMED * page_size(), 0))
		;
	shared->seen = true;
	for (;;)
		pause();
}

/* A child that maps memory of its own into the test's IOAS. */
static void __attribute__((noreturn)) lend_memory(struct dut *dut, struct shared *shared)
{
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, STORMED);

	canary_fill(memory, buffer.size, 0);
	iommufd_map(dut->iommufd, dut->ioas, memory, buffer.size, shared->iova);
	shared->mapped = true;
	watch_storm(shared, memory);
}

CTS_TEST_F(ioas, owner_of_the_memory_dies,
	   .title = "Memory stays the device's when the process that mapped it is killed and others hold the IOAS",
	   .requirements = { "ISO-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_STORM | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120)
{
	size_t size = STORMED * page_size();
	size_t length = length_near(dma_write_limits(self->dut.dma), size);
	struct shared *shared = share(_metadata);
	int round, status;
	cpu_set_t cpu;

	/* A processor hands out first what was freed on it last: so all of this runs on one. */
	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpu), &cpu));
	for (round = 0; round < ROUNDS; round++) {
		uint8_t wrote[LONGEST];
		struct buffer fresh;
		pid_t child;

		shared->mapped = shared->seen = false;
		shared->iova = iova_alloc(&self->dut.space, size, page_size());
		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			lend_memory(&self->dut, shared);
		await(_metadata, &shared->mapped, child);
		dma_storm_start(self->dut.dma, shared->iova, length);
		await(_metadata, &shared->seen, child);
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		take_fresh(&fresh);
		dma_storm_go_on(self->dut.dma);
		EXPECT_EQ(0, dma_storm_stop(self->dut.dma));
		EXPECT_EQ(0, dma_write(self->dut.dma, shared->iova,
				       dma_write_limits(self->dut.dma)->smallest, wrote));
		EXPECT_TRUE(canary_intact(fresh.memory, fresh.size, 0));
		iommufd_unmap(self->dut.iommufd, self->dut.ioas, shared->iova, size);
		buffer_free(&fresh);
	}
}

/*
 * A device of a child's own, which is told to write to the child's memory. That is more than a
 * processor keeps for itself when it is freed, so that others get some of it.
 */
static char *open_alone(struct dut *dut, uint64_t *iova)
{
	struct buffer buffer;

	dut_open(dut);
	pages_alloc(&buffer, FRESH);
	*iova = iova_alloc(&dut->space, buffer.size, page_size());
	canary_fill(buffer.memory, buffer.size, 0);
	iommufd_map(dut->iommufd, dut->ioas, buffer.memory, buffer.size, *iova);
	return buffer.memory;
}

/* A child that has it write until both end. */
static void __attribute__((noreturn)) storm_alone(struct shared *shared)
{
	struct dut dut;
	uint64_t iova;
	char *memory = open_alone(&dut, &iova);

	dma_storm_start(dut.dma, iova,
			length_near(dma_write_limits(dut.dma), STORMED * page_size()));
	watch_storm(shared, memory);
}

/* A child that is dead as soon as the device writes by itself. */
static void __attribute__((noreturn)) launch_and_die(struct shared *shared)
{
	struct dut dut;
	uint64_t iova;
	char *memory = open_alone(&dut, &iova);

	cts_require(page_written(dut.dma, iova, memory), "the device does not write");
	shared->launched = true;
	dma_launch(dut.dma, iova, FRESH * page_size());
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* Memory that is taken while the child dies, and when it has. */
#define PORTIONS 16

/* Takes portions of memory while @child, which was killed, dies; and the last one when it has. */
static void take_what_it_leaves(struct __test_metadata *_metadata, struct buffer *fresh,
				pid_t child)
{
	int i, status;

	for (i = 0; i < PORTIONS; i++) {
		if (i == PORTIONS - 1) {
			ASSERT_EQ(child, waitpid(child, &status, 0));
			ASSERT_TRUE(WIFSIGNALED(status));
			ASSERT_EQ(SIGKILL, WTERMSIG(status));
		}
		take_fresh(&fresh[i]);
	}
}

/* No device has written to what was taken. */
static void judge_and_free(struct __test_metadata *_metadata, struct buffer *fresh)
{
	int i;

	for (i = 0; i < PORTIONS; i++) {
		EXPECT_TRUE(canary_intact(fresh[i].memory, fresh[i].size, 0));
		buffer_free(&fresh[i]);
	}
}

CTS_TEST_F(ioas, only_holder_dies,
	   .title = "Killed while its device writes, a process leaves no DMA behind that reaches memory used anew",
	   .requirements = { "ISO-008" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_STORM,
	   .timeout_s = 120,
	   .faults = true)
{
	struct shared *shared = share(_metadata);
	int round;

	/* Only the child shall hold a device and a context. */
	dut_close(&self->dut);
	for (round = 0; round < ROUNDS; round++) {
		struct buffer fresh[PORTIONS];
		pid_t child;

		shared->seen = false;
		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			storm_alone(shared);
		await(_metadata, &shared->seen, child);
		ASSERT_EQ(0, kill(child, SIGKILL));
		take_what_it_leaves(_metadata, fresh, child);
		judge_and_free(_metadata, fresh);
	}
	/* The device can be had again. */
	dut_open(&self->dut);
}

/* Has @child come to its end? waitpid() is still to be called. */
static bool has_ended(pid_t child)
{
	siginfo_t ended = { 0 };

	return waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) || ended.si_pid;
}

CTS_TEST_F(ioas, device_goes_on,
	   .title = "Killed while its device writes by itself, a process leaves no DMA behind that reaches memory used anew",
	   .requirements = { "ISO-008" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_AUTONOMOUS | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120,
	   .faults = true)
{
	struct shared *shared = share(_metadata);
	int round;

	dut_close(&self->dut);
	for (round = 0; round < ROUNDS; round++) {
		struct buffer fresh[PORTIONS];
		pid_t child;

		shared->launched = false;
		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			launch_and_die(shared);
		while (!shared->launched && !has_ended(child))
			sched_yield();
		take_what_it_leaves(_metadata, fresh, child);
		/* What the device still had to do is over when it has been opened. */
		dut_open(&self->dut);
		judge_and_free(_metadata, fresh);
		dut_close(&self->dut);
	}
}

CTS_MAIN
