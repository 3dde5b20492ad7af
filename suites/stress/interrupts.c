// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eventfds that come and go while the device interrupts without pause: when the call that took one
 * away has returned it gets no signal any more, and the one in its place gets them all.
 */
#include <linux/pci_regs.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "crew.h"
#include "dut.h"
#include "function.h"
#include "test.h"

#define ROUNDS 60

/* How long a message may take on a slow host. */
#define PATIENCE_MS 10000

FIXTURE(interrupts)
{
	struct dut dut;
	struct function function;
	struct crew crew;
	uint32_t index; /* VFIO_PCI_*_IRQ_INDEX of the message that the device sends */
	int eventfd[2];
	atomic_int sent;
};

/*
 * Can the kernel keep the device from sending its message while nobody is there for it? MSI has
 * mask bits only where a device offers them. Without, it writes where the message goes meanwhile,
 * and that is nowhere.
 */
static bool can_be_masked(const struct function *function, uint32_t index)
{
	uint32_t msi = function_capability(function, PCI_CAP_ID_MSI);

	return index == VFIO_PCI_MSIX_IRQ_INDEX ||
	       function_config_read(function, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_MASKBIT;
}

FIXTURE_SETUP(interrupts)
{
	int i;

	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(&self->dut);
	dma_msi_eventfd(self->dut.dma);
	function_init(&self->function, self->dut.device);
	self->index = function_irq_count(&self->function, VFIO_PCI_MSIX_IRQ_INDEX)
			      ? VFIO_PCI_MSIX_IRQ_INDEX
			      : VFIO_PCI_MSI_IRQ_INDEX;
	if (!can_be_masked(&self->function, self->index))
		CTS_SKIP(DEVICE_LACKS, "the device's message can't be masked");
	for (i = 0; i < 2; i++) {
		self->eventfd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ASSERT_LE(0, self->eventfd[i]);
	}
}

FIXTURE_TEARDOWN(interrupts)
{
	int own = dma_msi_eventfd(self->dut.dma);

	function_irq_signal(&self->function, self->index, 0, 1, &own);
	function_exit(&self->function);
	dut_close(&self->dut);
}

/* How many signals the eventfd has got since it was asked last. */
static uint64_t signals(int eventfd)
{
	uint64_t count;

	return read(eventfd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/* Does it get one? */
static bool is_signalled(int eventfd)
{
	struct pollfd pollfd = { .fd = eventfd, .events = POLLIN };

	return poll(&pollfd, 1, PATIENCE_MS) == 1;
}

static void send_on_and_on(struct hand *hand)
{
	FIXTURE_DATA(interrupts) *self = hand->scene;

	while (!atomic_load(&hand->crew->over)) {
		dma_send_msi(self->dut.dma);
		atomic_fetch_add(&self->sent, 1);
	}
}

/* Waits until some more messages were sent than have been when it is called. */
static void let_some_more_come(FIXTURE_DATA(interrupts) * self)
{
	int now = atomic_load(&self->sent);

	while (atomic_load(&self->sent) < now + 4)
		sched_yield();
}

static void change_eventfds(struct hand *hand)
{
	FIXTURE_DATA(interrupts) *self = hand->scene;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		int old = self->eventfd[i % 2], new = self->eventfd[(i + 1) % 2];

		function_irq_signal(&self->function, self->index, 0, 1, &new);
		signals(old); /* those that came before */
		note(hand, is_signalled(new), i);
		let_some_more_come(self);
		note(hand, !signals(old), i);
	}
	atomic_store(&hand->crew->over, true);
}

CTS_TEST_F(interrupts, eventfd_changed,
	   .title = "An eventfd that another took the place of gets no signal any more, however busy the device",
	   .requirements = { "CONC-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_MSI,
	   .timeout_s = 120)
{
	void (*const works[])(struct hand *) = { send_on_and_on, change_eventfds };

	function_irq_signal(&self->function, self->index, 0, 1, &self->eventfd[0]);
	dma_send_msi(self->dut.dma);
	ASSERT_TRUE(is_signalled(self->eventfd[0]));
	run_crew(&self->crew, self, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);
}

static void take_eventfds_away(struct hand *hand)
{
	FIXTURE_DATA(interrupts) *self = hand->scene;
	const int none = -1;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		int eventfd = self->eventfd[i % 2];

		function_irq_signal(&self->function, self->index, 0, 1, &eventfd);
		note(hand, is_signalled(eventfd), i);
		function_irq_signal(&self->function, self->index, 0, 1, &none);
		signals(eventfd);
		let_some_more_come(self);
		note(hand, !signals(eventfd), i);
	}
	atomic_store(&hand->crew->over, true);
}

CTS_TEST_F(interrupts, eventfd_taken_away,
	   .title = "An eventfd that was taken away gets no signal any more, however busy the device",
	   .requirements = { "CONC-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_MSI,
	   .timeout_s = 120)
{
	void (*const works[])(struct hand *) = { send_on_and_on, take_eventfds_away };

	function_irq_signal(&self->function, self->index, 0, 1, &self->eventfd[0]);
	dma_send_msi(self->dut.dma);
	ASSERT_TRUE(is_signalled(self->eventfd[0]));
	run_crew(&self->crew, self, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);
}

CTS_MAIN
