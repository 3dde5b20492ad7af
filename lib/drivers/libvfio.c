// SPDX-License-Identifier: GPL-2.0-only
/*
 * The drivers that the kernel tree (KSRC) has for its own vfio selftests, from
 * tools/testing/selftests/vfio/lib/drivers, behind struct dma_driver. They are compiled from
 * there as they are, as many as the tree has; of the library around them only the headers are used.
 * What the drivers call of it is written here on top of function.h, because the library opens,
 * binds and attaches the device in its own way, and here that is what the tests are about.
 *
 * All of them copy, by struct vfio_pci_driver_ops.memcpy_start() and memcpy_wait(). So a write is a
 * copy out of a buffer in the rings, whose bytes differ from the last write's in each place. A read
 * is a copy into another buffer in the rings. A storm is a thread that has the device do short
 * bursts of copies, with other bytes each time; between two bursts the device rests for as long as
 * it takes the processor to start the next one. None claims DMA_AUTONOMOUS: QEMU's 82576 has done
 * all that it was told when the write of the tail register returns.
 *
 * What the guarantees rest on. Memory is the oracle, as for every driver; of the device's status:
 *
 * igb (82576): a frame is sent in loopback, so a copy is a DMA read into the device's own memory
 * and then a DMA write out of it. Done means that the receive descriptor was written back. PCIe
 * writes are posted: a refused write ends in 0 all the same. A refused read ends in -ETIMEDOUT on
 * hardware; QEMU's 82576, which this was tried on, takes it for zeroes, stores those and ends in 0.
 * So what tells is whether the bytes arrived. What is copied is a frame, and one that looks like IP,
 * VLAN or MAC control may not come back: writes avoid that, a read or copy of such bytes ends in
 * -ETIMEDOUT. Descriptors out of reach end in -ETIMEDOUT after 0.2
 * s, then the device is reset and set up again, which takes 0.6 s more. A refused copy may have
 * stored what came before the refusal.
 *
 * dsa, ioat: a completion record and a channel status tell of a refusal, -EIO. A completion record
 * out of reach ends the test as a fault of the lab on dsa. Not tried on hardware.
 *
 * nv_falcon: the engine says of each transfer that it is done, else -ETIMEDOUT. It sends no MSI.
 * Not tried on hardware.
 *
 * Their assertions mean that the device did not do as it should, or that the driver was used
 * wrongly: nothing that speaks against the kernel under test. They call exit() for it, which
 * the compiler is told to be libvfio_exit() (suites/Makefile), and that makes it an error of the
 * lab.
 */
#include <libvfio.h>

#include <errno.h>
#include <linux/io.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "check.h"
#include "drivers/driver.h"
#include "measure.h"

/* The rings: what the tree's driver keeps there (that of igb has 128 KiB), and a buffer each way. */
#define STATE_SIZE 0x40000
#define BUFFER_SIZE 0x10000
#define OUT_OFFSET STATE_SIZE
#define IN_OFFSET (OUT_OFFSET + BUFFER_SIZE)
#define RINGS_SIZE (IN_OFFSET + BUFFER_SIZE)

#define BURST 64
#define ETHERTYPE_END 14 /* bytes: two addresses of six, and the type */
#define RESET_PATIENCE_NS 1000000000ULL

struct adapter {
	struct vfio_pci_device device;
	struct iommu iommu; /* only stands for the device in iommu_hva2iova() */
	struct dma *dma;
	void (*after_reset)(struct dma *dma); /* NULL: nothing */
	struct {
		bool on;
		uint32_t index, vector, count;
	} irq; /* what the tree's driver wants */
	uint64_t random;
	uint8_t wrote[BUFFER_SIZE]; /* by the last write */
	struct {
		pthread_t thread;
		atomic_bool stop;
		bool running;
		uint64_t iova;
		size_t length;
		int result;
	} storm;
};

static struct adapter *to_adapter(struct vfio_pci_device *device)
{
	return container_of(device, struct adapter, device);
}

/* What the tree's drivers call of the library that they belong to. */

void __attribute__((noreturn)) libvfio_exit(int status);

void libvfio_exit(int status)
{
	cts_lab_error("the kernel tree's driver for the device gave up (%d), for the reason above",
		      status);
}

iova_t iommu_hva2iova(struct iommu *iommu, void *vaddr)
{
	const struct dma_region *region =
		&container_of(iommu, struct adapter, iommu)->device.driver.region;
	uint64_t offset = (uint64_t)((char *)vaddr - (char *)region->vaddr);

	if (offset >= region->size)
		cts_lab_error("the kernel tree's driver asks for the IOVA of what isn't its own");
	return region->iova + offset;
}

void vfio_pci_config_access(struct vfio_pci_device *device, bool write, size_t config, size_t size,
			    void *data)
{
	const struct function *function = &to_adapter(device)->dma->function;
	uint32_t value = 0;

	if (write) {
		memcpy(&value, data, size);
		function_config_write(function, (uint32_t)config, size, value);
	} else {
		value = function_config_read(function, (uint32_t)config, size);
		memcpy(data, &value, size);
	}
}

/*
 * It comes when a test asks for it. Where interrupts go through the table (IOMMU_RESV_SW_MSI), a
 * device that is attached to nothing can't be given any, and a driver is opened there too.
 */
void vfio_pci_irq_enable(struct vfio_pci_device *device, u32 index, u32 vector, int count)
{
	struct adapter *adapter = to_adapter(device);

	adapter->irq.index = index;
	adapter->irq.vector = vector;
	adapter->irq.count = (uint32_t)count;
}

void vfio_pci_irq_disable(struct vfio_pci_device *device, u32 index)
{
	struct adapter *adapter = to_adapter(device);
	size_t i;

	if (adapter->irq.on)
		function_irq_disable(&adapter->dma->function, index);
	adapter->irq.on = false;
	for (i = 0; i < ARRAY_SIZE(device->msi_eventfds); i++)
		cts_close(&device->msi_eventfds[i]);
}

void vfio_pci_irq_reenable(struct vfio_pci_device *device, u32 index, u32 vector, int count)
{
	if (to_adapter(device)->irq.on)
		function_irq_signal(&to_adapter(device)->dma->function, index, vector,
				    (uint32_t)count, device->msi_eventfds + vector);
}

/* The kernel refuses with EAGAIN while somebody else holds the device's lock. */
void vfio_pci_device_reset(struct vfio_pci_device *device)
{
	struct adapter *adapter = to_adapter(device);
	uint64_t deadline = measure_now() + RESET_PATIENCE_NS;
	int error;

	do {
		error = __function_reset(&adapter->dma->function);
	} while (error == -EAGAIN && measure_now() < deadline && !sched_yield());
	if (error)
		cts_lab_error("the device can't be reset: %s", strerror(-error));
	if (adapter->after_reset)
		adapter->after_reset(adapter->dma);
}

/* The driver's side, dma.h. */

static void adapter_open(struct dma *dma, const struct vfio_pci_driver_ops *ops,
			 void (*after_reset)(struct dma *dma))
{
	struct adapter *adapter = calloc(1, sizeof(*adapter));
	struct vfio_pci_device *device;
	unsigned int i;

	cts_lab_require(adapter, "memory for a driver");
	dma->state = adapter;
	adapter->dma = dma;
	adapter->after_reset = after_reset;
	device = &adapter->device;
	device->bdf = "device";
	device->fd = dma->function.fd;
	device->iommu = &adapter->iommu;
	device->config_space = dma->function.region[VFIO_PCI_CONFIG_REGION_INDEX];
	for (i = 0; i < FUNCTION_BARS; i++) {
		device->bars[i].info = dma->function.region[i];
		if (device->bars[i].info.size &&
		    device->bars[i].info.flags & VFIO_REGION_INFO_FLAG_MMAP)
			device->bars[i].vaddr = (void *)function_map_bar(&dma->function, i);
	}
	for (i = 0; i < ARRAY_SIZE(device->msi_eventfds); i++)
		device->msi_eventfds[i] = -1;
	device->msi_info.count = function_irq_count(&dma->function, VFIO_PCI_MSI_IRQ_INDEX);
	device->msix_info.count = function_irq_count(&dma->function, VFIO_PCI_MSIX_IRQ_INDEX);
	device->driver.region = (struct dma_region){
		.vaddr = dma->rings,
		.iova = dma->rings_iova,
		.size = STATE_SIZE,
	};
	device->driver.ops = ops;
	function_set_master(&dma->function, true);
	if (ops->probe(device))
		cts_lab_error("the kernel tree's driver %s does not take the device",
			      dma->driver->name);
	ops->init(device);
	device->driver.initialized = true;
	if (getrandom(&adapter->random, sizeof(adapter->random), GRND_NONBLOCK) !=
	    sizeof(adapter->random))
		adapter->random = measure_now();
	adapter->random |= 1;
}

/* Makes every one of @length bytes another one than it was. */
static void renew(struct adapter *adapter, uint8_t *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		/* xorshift64 */
		adapter->random ^= adapter->random << 13;
		adapter->random ^= adapter->random >> 7;
		adapter->random ^= adapter->random << 17;
		bytes[i] = (uint8_t)(bytes[i] + 1 + (adapter->random >> 32) % 255);
	}
}

/* One burst of @count copies, not longer than the driver can. */
static int copy_burst(struct adapter *adapter, uint64_t from, uint64_t to, size_t length,
		      uint64_t count)
{
	const struct vfio_pci_driver_ops *ops = adapter->device.driver.ops;
	int error;

	ops->memcpy_start(&adapter->device, from, to, length, count);
	error = ops->memcpy_wait(&adapter->device);
	if (!error)
		return 0;
	return error == -ETIMEDOUT ? -ETIMEDOUT : -EIO;
}

/*
 * Is this an EtherType that a NIC acts on by itself? QEMU's 82576 looks into what says to be IP or
 * VLAN and drops the frame where that makes no sense; a real one takes pause frames and PTP out.
 */
static bool is_taken_notice_of(const uint8_t *type)
{
	static const uint16_t types[] = { 0x0800, 0x8100, 0x86dd, 0x8808, 0x88a8, 0x88f7 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (type[0] == types[i] >> 8 && type[1] == (types[i] & 0xff))
			return true;
	}
	return false;
}

/* Other bytes for a part of a write: for a NIC it is a frame, and any frame but those will do. */
static void renew_part(struct adapter *adapter, uint8_t *bytes, size_t length)
{
	renew(adapter, bytes, length);
	if (length >= ETHERTYPE_END && is_taken_notice_of(bytes + ETHERTYPE_END - 2))
		bytes[ETHERTYPE_END - 1] ^= 2;
}

/* How much of @length bytes to copy first, so that no rest is shorter than the device can. */
static size_t first_part(const struct adapter *adapter, size_t length)
{
	const struct dma_limits *limits = &adapter->dma->driver->write_limits;
	size_t most = adapter->device.driver.max_memcpy_size;

	if (length <= most)
		return length;
	if (length - most >= limits->smallest)
		return most;
	return (length - limits->smallest) & ~(limits->align - 1);
}

static int adapter_copy(struct dma *dma, uint64_t from, uint64_t to, size_t length)
{
	struct adapter *adapter = dma->state;
	size_t part, done;
	int error;

	for (done = 0; done < length; done += part) {
		part = first_part(adapter, length - done);
		error = copy_burst(adapter, from + done, to + done, part, 1);
		if (error)
			return error;
	}
	return 0;
}

/*
 * Part by part out of the beginning of the buffer: no part then lies in two pages of it. QEMU's
 * 82576 drops a frame whose bytes it does not find in one piece of memory.
 */
static int adapter_write(struct dma *dma, uint64_t iova, size_t length, void *wrote)
{
	struct adapter *adapter = dma->state;
	size_t part, done;

	for (done = 0; done < length; done += part) {
		int error;

		part = first_part(adapter, length - done);
		renew_part(adapter, adapter->wrote + done, part);
		memcpy((char *)dma->rings + OUT_OFFSET, adapter->wrote + done, part);
		error = copy_burst(adapter, dma->rings_iova + OUT_OFFSET, iova + done, part, 1);
		if (error)
			return error;
	}
	memcpy(wrote, adapter->wrote, length);
	return 0;
}

static int adapter_read(struct dma *dma, uint64_t iova, size_t length, void *saw)
{
	uint8_t *in = (uint8_t *)dma->rings + IN_OFFSET;
	int error;

	/* What the last read left there must not pass for this one's. */
	renew(dma->state, in, length);
	error = adapter_copy(dma, iova, dma->rings_iova + IN_OFFSET, length);
	if (!error)
		memcpy(saw, in, length);
	return error;
}

static void adapter_send_msi(struct dma *dma)
{
	struct adapter *adapter = dma->state;

	adapter->device.driver.ops->send_msi(&adapter->device);
}

static void adapter_enable_msi(struct dma *dma)
{
	struct adapter *adapter = dma->state;
	struct vfio_pci_device *device = &adapter->device;

	function_irq_enable(&dma->function, adapter->irq.index, adapter->irq.vector,
			    adapter->irq.count, device->msi_eventfds + adapter->irq.vector);
	adapter->irq.on = true;
	dma->msi_eventfd = device->msi_eventfds[device->driver.msi];
}

static void *storm(void *argument)
{
	struct adapter *adapter = argument;
	uint8_t *out = (uint8_t *)adapter->dma->rings + OUT_OFFSET;
	uint64_t out_iova = adapter->dma->rings_iova + OUT_OFFSET;
	uint64_t count = adapter->device.driver.max_memcpy_count;
	size_t part, done = 0;

	if (count > BURST)
		count = BURST;
	while (!atomic_load(&adapter->storm.stop)) {
		int error;

		part = first_part(adapter, adapter->storm.length - done);
		renew_part(adapter, out, part);
		error = copy_burst(adapter, out_iova, adapter->storm.iova + done, part, count);
		if (error && !adapter->storm.result)
			adapter->storm.result = error;
		atomic_fetch_add(&adapter->dma->stormed, 1);
		done += part;
		if (done == adapter->storm.length)
			done = 0;
	}
	return NULL;
}

static void adapter_storm_start(struct dma *dma, uint64_t iova, size_t length)
{
	struct adapter *adapter = dma->state;

	adapter->storm.iova = iova;
	adapter->storm.length = length;
	adapter->storm.result = 0;
	atomic_store(&adapter->storm.stop, false);
	cts_lab_require(!pthread_create(&adapter->storm.thread, NULL, storm, adapter),
			"pthread_create");
	adapter->storm.running = true;
}

static int adapter_storm_stop(struct dma *dma)
{
	struct adapter *adapter = dma->state;

	atomic_store(&adapter->storm.stop, true);
	cts_require(!pthread_join(adapter->storm.thread, NULL), "pthread_join");
	adapter->storm.running = false;
	return adapter->storm.result;
}

static void adapter_close(struct dma *dma)
{
	struct adapter *adapter = dma->state;

	if (adapter->storm.running)
		adapter_storm_stop(dma);
	adapter->device.driver.ops->remove(&adapter->device);
}

#define COPIES (DMA_WRITE | DMA_READ | DMA_COPY | DMA_STORM)

#define CALLS                                                                           \
	.rings_size = RINGS_SIZE, .close = adapter_close, .write = adapter_write,       \
	.read = adapter_read, .copy = adapter_copy, .storm_start = adapter_storm_start, \
	.storm_stop = adapter_storm_stop

#define MSI .send_msi = adapter_send_msi, .enable_msi = adapter_enable_msi

#define INTEL 0x8086
#define NVIDIA 0x10de

#ifdef CTS_KSRC_IGB
extern const struct vfio_pci_driver_ops igb_ops;

static bool is_igb(uint16_t vendor, uint16_t device, uint32_t class)
{
	(void)class;
	return vendor == INTEL && device == 0x10c9;
}

#define IGB_CTRL_RST (1U << 26)

/*
 * The driver counts on a function level reset. Where vfio resets through power management, QEMU's
 * 82576 keeps its state, half a frame of the failed copy included; this ends it everywhere.
 */
static void reset_igb(struct dma *dma)
{
	volatile void *ctrl = dma->function.bar[0];
	uint64_t deadline = measure_now() + RESET_PATIENCE_NS;

	writel(readl(ctrl) | IGB_CTRL_RST, ctrl);
	do
		/* The device must be left alone for a millisecond (82576 datasheet 4.2.1.6.1). */
		usleep(1000);
	while (readl(ctrl) & IGB_CTRL_RST && measure_now() < deadline);
}

static void open_igb(struct dma *dma)
{
	adapter_open(dma, &igb_ops, reset_igb);
}

/*
 * The shortest frame has 60 bytes. The lowest bit of a receive buffer's address can have another
 * meaning (82576 datasheet, advanced receive descriptor), so it stays 0. QEMU's 82576 maps what a
 * transmit descriptor names in one piece and drops the frame if the IOMMU leads it to several: so
 * no read crosses the smallest page of an IOMMU.
 */
#define IGB_READ_BOUNDARY 4096

const struct dma_driver dma_driver_igb = {
	.name = "igb",
	.capabilities = COPIES | DMA_MSI,
	.silent = true,
	.highest_iova = UINT64_MAX,
	.write_limits = { .smallest = 60, .largest = BUFFER_SIZE, .step = 1, .align = 2 },
	.read_limits = {
		.smallest = 60,
		.largest = IGB_READ_BOUNDARY,
		.step = 1,
		.align = 1,
		.boundary = IGB_READ_BOUNDARY,
	},
	.access_ns = 20000,
	/* Seen on a virtual host; the driver's own delays are half of it. */
	.refused_ns = 1500000000,
	/* An entry of the VLAN filter. */
	.idle = { .offset = 0x5604, .size = 4 },
	.match = is_igb,
	.open = open_igb,
	CALLS,
	MSI,
};
#endif

#ifdef CTS_KSRC_DSA
extern const struct vfio_pci_driver_ops dsa_ops;

static bool is_dsa(uint16_t vendor, uint16_t device, uint32_t class)
{
	(void)class;
	return vendor == INTEL && (device == 0x0b25 || device == 0x11fb || device == 0x1212);
}

static void open_dsa(struct dma *dma)
{
	adapter_open(dma, &dsa_ops, NULL);
}

const struct dma_driver dma_driver_dsa = {
	.name = "dsa",
	.capabilities = COPIES | DMA_MSI,
	.highest_iova = UINT64_MAX,
	.write_limits = { .smallest = DMA_WRITE_SHORTEST,
			  .largest = BUFFER_SIZE,
			  .step = 1,
			  .align = 1 },
	.read_limits = { .smallest = 1, .largest = BUFFER_SIZE, .step = 1, .align = 1 },
	.access_ns = 1000000,
	.refused_ns = 1000000,
	.match = is_dsa,
	.open = open_dsa,
	CALLS,
	MSI,
};
#endif

#ifdef CTS_KSRC_IOAT
extern const struct vfio_pci_driver_ops ioat_ops;

static bool is_ioat(uint16_t vendor, uint16_t device, uint32_t class)
{
	(void)class;
	return vendor == INTEL && device == 0x2021;
}

static void open_ioat(struct dma *dma)
{
	adapter_open(dma, &ioat_ops, NULL);
}

const struct dma_driver dma_driver_ioat = {
	.name = "ioat",
	.capabilities = COPIES | DMA_MSI,
	.highest_iova = UINT64_MAX,
	.write_limits = { .smallest = DMA_WRITE_SHORTEST,
			  .largest = BUFFER_SIZE,
			  .step = 1,
			  .align = 1 },
	.read_limits = { .smallest = 1, .largest = BUFFER_SIZE, .step = 1, .align = 1 },
	.access_ns = 10000,
	.refused_ns = 2000000,
	.match = is_ioat,
	.open = open_ioat,
	CALLS,
	MSI,
};
#endif

#ifdef CTS_KSRC_NV_FALCON
extern const struct vfio_pci_driver_ops nv_falcon_ops;

/* Any display controller of NVIDIA's: which one it is, the driver reads from the device. */
static bool is_nv_falcon(uint16_t vendor, uint16_t device, uint32_t class)
{
	(void)device;
	return vendor == NVIDIA && class >> 16 == 0x03;
}

static void open_nv_falcon(struct dma *dma)
{
	adapter_open(dma, &nv_falcon_ops, NULL);
}

const struct dma_driver dma_driver_nv_falcon = {
	.name = "nv_falcon",
	.capabilities = COPIES,
	.highest_iova = UINT64_MAX,
	.write_limits = { .smallest = 4, .largest = BUFFER_SIZE, .step = 4, .align = 4 },
	.read_limits = { .smallest = 4, .largest = BUFFER_SIZE, .step = 4, .align = 4 },
	.access_ns = 2000000,
	.refused_ns = 1000000000,
	.match = is_nv_falcon,
	.open = open_nv_falcon,
	CALLS,
};
#endif
