// SPDX-License-Identifier: GPL-2.0-only
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "canary.h"
#include "check.h"
#include "drivers/driver.h"
#include "iommufd.h"
#include "measure.h"
#include "memory.h"
#include "sysfs.h"

/* The ones of the kernel tree are there as far as the tree has them: suites/Makefile looks. */
static const struct dma_driver *const drivers[] = {
	&dma_driver_edu,
	&dma_driver_endpoint,
	&dma_driver_endpoint_pasid,
	&dma_driver_iommu_testdev,
	&dma_driver_nvme,
	&dma_driver_nvme_qemu,
#ifdef CTS_KSRC_IGB
	&dma_driver_igb,
#endif
#ifdef CTS_KSRC_DSA
	&dma_driver_dsa,
#endif
#ifdef CTS_KSRC_IOAT
	&dma_driver_ioat,
#endif
#ifdef CTS_KSRC_NV_FALCON
	&dma_driver_nv_falcon,
#endif
	NULL,
};

/* The driver for the device in CTS_DEVICE, NULL without one. */
static const struct dma_driver *find_driver(void)
{
	const struct dma_driver *const *driver;
	uint32_t vendor, device, class;

	if (!sysfs_device_exists() || sysfs_is_mediated(sysfs_device()))
		return NULL;
	vendor = sysfs_number("vendor");
	device = sysfs_number("device");
	class = sysfs_number("class");
	for (driver = drivers; *driver; driver++) {
		if ((*driver)->match((uint16_t)vendor, (uint16_t)device, class))
			return *driver;
	}
	return NULL;
}

/* The same where there must be one. */
static const struct dma_driver *driver_of_device(void)
{
	const struct dma_driver *driver = find_driver();

	if (!driver)
		cts_lab_error("%s has no driver here that makes it do DMA", sysfs_device());
	return driver;
}

unsigned int dma_capabilities(void)
{
	const struct dma_driver *driver = find_driver();

	return driver ? driver->capabilities : 0;
}

const char *dma_driver_name(void)
{
	const struct dma_driver *driver = find_driver();

	return driver ? driver->name : NULL;
}

struct dma_register dma_idle_register(void)
{
	const struct dma_driver *driver = find_driver();

	return driver ? driver->idle : (struct dma_register){ .size = 0 };
}

static size_t rings_size(const struct dma_driver *driver)
{
	return (driver->rings_size + page_size() - 1) & ~(page_size() - 1);
}

size_t dma_rings_size(void)
{
	return rings_size(driver_of_device());
}

uint64_t dma_highest_iova(void)
{
	const struct dma_driver *driver = find_driver();

	return driver ? driver->highest_iova : UINT64_MAX;
}

struct dma *dma_open(int device, uint64_t rings)
{
	const struct dma_driver *driver = driver_of_device();
	struct dma *dma = calloc(1, sizeof(*dma));

	cts_lab_require(dma, "memory for a device");
	dma->driver = driver;
	dma->msi_eventfd = -1;
	dma->rings_iova = rings;
	if (driver->rings_size) {
		dma->rings = mmap(NULL, rings_size(driver), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		cts_lab_require(dma->rings != MAP_FAILED, "memory for rings");
	}
	function_init(&dma->function, device);
	driver->open(dma);
	function_set_master(&dma->function, true);
	return dma;
}

void dma_abandon(struct dma *dma)
{
	if (!dma)
		return;
	if (dma->driver->msi_index)
		cts_close(&dma->msi_eventfd);
	function_exit(&dma->function);
	if (dma->rings)
		munmap(dma->rings, rings_size(dma->driver));
	free(dma->state);
	free(dma);
}

void dma_close(struct dma *dma)
{
	if (!dma)
		return;
	if (dma->driver->close)
		dma->driver->close(dma);
	if (dma->driver->msi_index && dma->msi_eventfd >= 0)
		function_irq_disable(&dma->function, dma->driver->msi_index);
	function_set_master(&dma->function, false);
	dma_abandon(dma);
}

void dma_distrust(struct dma *dma, unsigned int capabilities)
{
	dma->distrusted = capabilities;
}

void *dma_rings(const struct dma *dma)
{
	return dma->rings;
}

uint64_t dma_rings_iova(const struct dma *dma)
{
	return dma->rings_iova;
}

void dma_map_rings(const struct dma *dma, int iommufd, uint32_t ioas)
{
	if (dma->rings)
		iommufd_map(iommufd, ioas, dma->rings, rings_size(dma->driver), dma->rings_iova);
}

void dma_unmap_rings(const struct dma *dma, int iommufd, uint32_t ioas)
{
	if (dma->rings)
		iommufd_unmap(iommufd, ioas, dma->rings_iova, rings_size(dma->driver));
}

bool dma_rings_overlap(const struct dma *dma, uint64_t iova, uint64_t length)
{
	return dma->rings && (iova - dma->rings_iova < rings_size(dma->driver) ||
			      dma->rings_iova - iova < length);
}

const struct dma_limits *dma_write_limits(const struct dma *dma)
{
	return &dma->driver->write_limits;
}

const struct dma_limits *dma_read_limits(const struct dma *dma)
{
	return &dma->driver->read_limits;
}

bool dma_tells_refusal(const struct dma *dma)
{
	return !dma->driver->silent;
}

uint64_t dma_access_ns(const struct dma *dma)
{
	return dma->driver->access_ns;
}

uint64_t dma_refused_ns(const struct dma *dma)
{
	return dma->driver->refused_ns;
}

/* A test that asks for what its device can't do is wrong itself. */
static void check_capability(const struct dma *dma, unsigned int capability)
{
	if (!(dma->driver->capabilities & capability))
		cts_lab_error(
			"the test asks %s for what it can't do (capability %#x), and does not name that need",
			dma->driver->name, capability);
	if (dma->distrusted & capability)
		cts_lab_error(
			"%s of %s claims a capability (%#x) that does not work on this device: run `iommu-cts device-test %s`",
			dma->driver->name, sysfs_device(), capability, sysfs_device());
}

static void check_access(const struct dma *dma, const struct dma_limits *limits, uint64_t iova,
			 size_t length)
{
	if (length < limits->smallest || length > limits->largest || length % limits->step ||
	    iova % limits->align)
		cts_lab_error(
			"the test asks %s for %zu bytes at IOVA %#llx: it takes %zu to %zu, multiples of %zu, at multiples of %zu",
			dma->driver->name, length, (unsigned long long)iova, limits->smallest,
			limits->largest, limits->step, limits->align);
	if (limits->boundary && iova % limits->boundary + length > limits->boundary)
		cts_lab_error(
			"the test asks %s for %zu bytes at IOVA %#llx: it does not cross a multiple of %#zx",
			dma->driver->name, length, (unsigned long long)iova, limits->boundary);
	if (iova > dma->driver->highest_iova || dma->driver->highest_iova - iova < length - 1)
		cts_lab_error("the test asks %s for %zu bytes at IOVA %#llx: it reaches %#llx",
			      dma->driver->name, length, (unsigned long long)iova,
			      (unsigned long long)dma->driver->highest_iova);
}

int dma_write(struct dma *dma, uint64_t iova, size_t length, void *wrote)
{
	check_capability(dma, DMA_WRITE);
	check_access(dma, &dma->driver->write_limits, iova, length);
	return dma->driver->write(dma, iova, length, wrote);
}

int dma_read(struct dma *dma, uint64_t iova, size_t length, void *saw)
{
	check_capability(dma, DMA_READ);
	check_access(dma, &dma->driver->read_limits, iova, length);
	return dma->driver->read(dma, iova, length, saw);
}

int dma_copy(struct dma *dma, uint64_t from, uint64_t to, size_t length)
{
	check_capability(dma, DMA_COPY);
	check_access(dma, &dma->driver->read_limits, from, length);
	check_access(dma, &dma->driver->write_limits, to, length);
	return dma->driver->copy(dma, from, to, length);
}

int dma_msi_eventfd(struct dma *dma)
{
	check_capability(dma, DMA_MSI);
	if (dma->msi_eventfd < 0 && dma->driver->enable_msi)
		dma->driver->enable_msi(dma);
	else if (dma->msi_eventfd < 0)
		function_irq_enable(&dma->function, dma->driver->msi_index, 0, 1,
				    &dma->msi_eventfd);
	return dma->msi_eventfd;
}

void dma_send_msi(struct dma *dma)
{
	check_capability(dma, DMA_MSI);
	dma->driver->send_msi(dma);
}

void dma_raise_intx(struct dma *dma)
{
	check_capability(dma, DMA_INTX);
	dma->driver->raise_intx(dma);
}

void dma_lower_intx(struct dma *dma)
{
	check_capability(dma, DMA_INTX);
	dma->driver->lower_intx(dma);
}

void dma_storm_start(struct dma *dma, uint64_t iova, size_t length)
{
	check_capability(dma, DMA_STORM);
	check_access(dma, &dma->driver->write_limits, iova, length);
	dma->driver->storm_start(dma, iova, length);
}

int dma_storm_stop(struct dma *dma)
{
	check_capability(dma, DMA_STORM);
	return dma->driver->storm_stop(dma);
}

void dma_make_stubborn(struct dma *dma)
{
	check_capability(dma, DMA_STUBBORN);
	dma->driver->make_stubborn(dma);
}

int dma_pasid_write(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length, void *wrote)
{
	check_capability(dma, DMA_PASID);
	check_access(dma, &dma->driver->write_limits, iova, length);
	return dma->driver->pasid_write(dma, pasid, iova, length, wrote);
}

int dma_pasid_read(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length, void *saw)
{
	check_capability(dma, DMA_PASID);
	check_access(dma, &dma->driver->read_limits, iova, length);
	return dma->driver->pasid_read(dma, pasid, iova, length, saw);
}

void dma_ask_apart(struct dma *dma)
{
	check_capability(dma, DMA_PRI);
	dma->driver->ask_apart(dma);
}

void dma_start_write(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length)
{
	check_capability(dma, DMA_PRI);
	check_access(dma, &dma->driver->write_limits, iova, length);
	dma->driver->start_write(dma, pasid, iova, length);
}

void dma_start_read(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length)
{
	check_capability(dma, DMA_PRI);
	check_access(dma, &dma->driver->read_limits, iova, length);
	dma->driver->start_read(dma, pasid, iova, length);
}

bool dma_goes_on(struct dma *dma)
{
	check_capability(dma, DMA_PRI);
	return dma->driver->goes_on(dma);
}

int dma_finish(struct dma *dma, void *bytes)
{
	check_capability(dma, DMA_PRI);
	return dma->driver->finish(dma, bytes);
}

void dma_vanish(struct dma *dma)
{
	check_capability(dma, DMA_VANISH);
	dma->driver->vanish(dma);
}

void dma_launch(struct dma *dma, uint64_t iova, size_t length)
{
	check_capability(dma, DMA_AUTONOMOUS);
	if ((iova | length) % page_size() || !length)
		cts_lab_error("the test has %s write on to %zu bytes at IOVA %#llx: no whole pages",
			      dma->driver->name, length, (unsigned long long)iova);
	dma->driver->launch(dma, iova, length);
}

/* Beside what refused writes take: how long a device that works may be busy, on a slow host too. */
#define STORM_PATIENCE_NS 20000000000ULL

static unsigned int storm_rounds(struct dma *dma)
{
	return dma->driver->storm_rounds ? dma->driver->storm_rounds(dma)
					 : atomic_load(&dma->stormed);
}

void dma_storm_go_on(struct dma *dma)
{
	uint64_t deadline = measure_now() + STORM_PATIENCE_NS + 3 * dma_refused_ns(dma);
	unsigned int before = storm_rounds(dma);
	bool late = false;

	/* One may have been under way; the next one was begun afterwards. */
	while (storm_rounds(dma) - before < 2) {
		if (late)
			cts_lab_error("%s: a storm has stuck", dma->driver->name);
		late = measure_now() > deadline;
		sched_yield();
	}
}

/* A device may lose a write or two when its table is switched. */
#define STORM_TRIES 10

bool dma_storm_reaches(struct dma *dma, const void *memory, size_t size, uint8_t seed)
{
	unsigned int i;

	for (i = 0; i < STORM_TRIES && canary_intact(memory, size, seed); i++)
		dma_storm_go_on(dma);
	return !canary_intact(memory, size, seed);
}

int __dma_bring_up_vf(struct dma *pf, unsigned int index)
{
	return pf->driver->bring_up_vf ? pf->driver->bring_up_vf(pf, index) : -EOPNOTSUPP;
}
