/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA by a real device. A test asks for capabilities and not for a device: any function whose
 * driver (lib/drivers/) has them will do.
 *
 * What an access may end with. The oracle is memory: what the device wrote, or an untouched canary.
 * The device's own status comes beside it, and says what it can: 0, all of the access was done as
 * far as the device knows; -EIO, the device saw that it was refused; -ETIMEDOUT, it never came to
 * an end (a device whose descriptors can't be reached has no way to say so). A driver brings the
 * device back to work before it returns one of the two. Anything else that goes wrong is the lab's
 * fault and ends the test so.
 *
 * Some devices never learn that they were refused, and say 0 (dma_tells_refusal()). Then memory is
 * the only witness: a refused read may show, and a refused copy may write, any bytes but the
 * memory's.
 */
#ifndef CTS_DMA_H
#define CTS_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dma_capability {
	DMA_WRITE =
		1 << 0,	   /* writes bytes that the test knows, of the device's choice or its own */
	DMA_READ = 1 << 1, /* reads, and shows what it read */
	DMA_COPY = 1 << 2, /* reads from one IOVA and writes that to another */
	DMA_MSI = 1 << 3,  /* sends a message signalled interrupt when told to */
	DMA_STORM = 1 << 4,	 /* goes on writing to a range until it is stopped */
	DMA_AUTONOMOUS = 1 << 5, /* writes on by itself what it was told once, with nobody there */
	DMA_INTX = 1 << 6,	 /* raises and lowers its interrupt pin when told to */
	DMA_STUBBORN = 1 << 7,	 /* misbehaves: goes on with a storm whatever is done to it */
	DMA_PASID = 1 << 8,	 /* tags its requests with a PASID when told to */
	DMA_PRI = 1 << 10,	 /* with DMA_PASID: asks for the pages that an access misses */
	DMA_VANISH = 1 << 9,	 /* goes as if pulled out of its slot, until its bus is reset */
};

/*
 * The shortest write of a device that can write single bytes, and does so with bytes by chance:
 * one of these would be what is there already once in 256 times, and a write that must not arrive
 * would not be seen.
 */
#define DMA_WRITE_SHORTEST 8

/* What sizes and places an access of one kind can have, bytes. */
struct dma_limits {
	size_t smallest;
	size_t largest;
	size_t step;	 /* lengths are a multiple of it */
	size_t align;	 /* of the IOVA, a power of two */
	size_t boundary; /* no access crosses a multiple of it, a power of two; 0: any may */
};

struct dma;

/* The capabilities of the driver for the device in CTS_DEVICE, 0 without one. Opens nothing. */
unsigned int dma_capabilities(void);

/* The name of the driver for the device in CTS_DEVICE, NULL without one. */
const char *dma_driver_name(void);

/*
 * A register of a BAR that does nothing and keeps what is written to it, in 4 bytes or all at once,
 * as long as nobody has made the device ready for DMA.
 */
struct dma_register {
	unsigned int bar;
	uint32_t offset; /* bytes */
	uint32_t size;	 /* 4 or 8 bytes; 0: there is none */
};

/* The one that the driver for the device in CTS_DEVICE knows. Opens nothing. */
struct dma_register dma_idle_register(void);

/*
 * Makes the bound device @device ready for DMA, with its own rings and buffers at IOVA @rings: the
 * device reaches them only once dma_map_rings() has put them into the IOAS that it is attached to.
 * It need not be attached yet. Ends the test if the device has no driver, or doesn't come up. Bus
 * mastering is on afterwards.
 */
struct dma *dma_open(int device, uint64_t rings);

/* Stops the device (whatever it is attached to) and frees @dma. NULL is fine. */
void dma_close(struct dma *dma);

/*
 * Frees @dma and leaves the device as it is, for a test that closes the device file under it. Its
 * BARs are unmapped: a mapping is a reference to the file, so that closing it alone does not close
 * the device. Eventfds that a driver made itself stay until the process ends. Not during a storm.
 * NULL is fine.
 */
void dma_abandon(struct dma *dma);

/*
 * From now on the use of @capabilities is an error of the lab: they were seen not to work (dut.h).
 * 0: all are believed again, as the device's own test has to (suites/device/).
 */
void dma_distrust(struct dma *dma, unsigned int capabilities);

/* How many bytes dma_open() takes at @rings, a multiple of the page size; 0: the driver needs none.
 */
size_t dma_rings_size(void);

/* The rings' memory, dma_rings_size() bytes, for whoever maps it by other means; NULL without any. */
void *dma_rings(const struct dma *dma);

/* Where the device's rings are: the IOVA that dma_open() was given. */
uint64_t dma_rings_iova(const struct dma *dma);

/* Maps the device's rings into @ioas, readable and writable, at the IOVA that dma_open() was given.
 */
void dma_map_rings(const struct dma *dma, int iommufd, uint32_t ioas);

/* Unmaps them again: what needs them fails until they are mapped. */
void dma_unmap_rings(const struct dma *dma, int iommufd, uint32_t ioas);

/* Does any of the device's rings lie in [@iova, @iova + @length)? */
bool dma_rings_overlap(const struct dma *dma, uint64_t iova, uint64_t length);

/*
 * The highest IOVA that the device in CTS_DEVICE can put out: the end of its DMA mask. Where no
 * driver makes it do DMA there is no such bound.
 */
uint64_t dma_highest_iova(void);

/* What a write, or a read, can be. A copy keeps both. */
const struct dma_limits *dma_write_limits(const struct dma *dma);
const struct dma_limits *dma_read_limits(const struct dma *dma);

/* Does the status of an access say that it was refused? If not, it may be 0 all the same. */
bool dma_tells_refusal(const struct dma *dma);

/* How long an access takes at least, nanoseconds; to choose how often a test repeats it. */
uint64_t dma_access_ns(const struct dma *dma);

/* How long a refused access may take until the device works again, nanoseconds. */
uint64_t dma_refused_ns(const struct dma *dma);

/*
 * DMA_WRITE: makes the device write @length bytes at @iova and waits for the end of it. On 0 the
 * @length bytes at @wrote are what memory must now hold; untouched otherwise. Each write differs
 * from the one before wherever the device can choose.
 */
int dma_write(struct dma *dma, uint64_t iova, size_t length, void *wrote);

/* DMA_READ: makes the device read @length bytes at @iova; on 0 what it saw is at @saw. */
int dma_read(struct dma *dma, uint64_t iova, size_t length, void *saw);

/* DMA_COPY: reads @length bytes at @from and writes them at @to. */
int dma_copy(struct dma *dma, uint64_t from, uint64_t to, size_t length);

/*
 * DMA_MSI: how the interrupt is seen: an eventfd that stays @dma's. Asking for it switches the
 * interrupt on. dma_send_msi() makes the device send it once.
 */
int dma_msi_eventfd(struct dma *dma);
void dma_send_msi(struct dma *dma);

/*
 * DMA_INTX: the device's interrupt pin, which stays raised until it is lowered. Lowering what isn't
 * raised is fine. Only while neither MSI nor MSI-X is set up.
 */
void dma_raise_intx(struct dma *dma);
void dma_lower_intx(struct dma *dma);

/*
 * DMA_STORM: the device writes to [@iova, @iova + @length) over and over, until dma_storm_stop(),
 * which returns when its last write is done: 0, or -EIO or -ETIMEDOUT if it met a refusal. Between
 * the two no other call but dma_close() and the two below.
 */
void dma_storm_start(struct dma *dma, uint64_t iova, size_t length);
int dma_storm_stop(struct dma *dma);

/*
 * During a storm: returns when a write that was begun after the call has ended, done or refused. So
 * the device has tried once more, whatever was changed before the call. A storm that has stuck is
 * the lab's fault.
 */
void dma_storm_go_on(struct dma *dma);

/*
 * During a storm: does it change a byte of the @size bytes at @memory, which canary_fill() made with
 * @seed? Waits until one has changed or the device has tried often enough.
 */
bool dma_storm_reaches(struct dma *dma, const void *memory, size_t size, uint8_t seed);

/*
 * DMA_STUBBORN: from now on a storm goes on through resets of the function and with bus mastering
 * off, until dma_storm_stop() or dma_close(): as far as the device is concerned. After a reset it
 * has to be given back its BARs (function_set_master()) before it can be stopped. If the device
 * file is closed under it (dma_abandon()), it goes on until the device is made ready for DMA again.
 */
void dma_make_stubborn(struct dma *dma);

/*
 * DMA_PASID: as dma_write() and dma_read(), by requests that are tagged with @pasid. The endpoint
 * in software, which alone has it, goes by the tables that it finds in memory and not through an
 * IOMMU, and keeps what it found until the kernel has that invalidated (docs/endpoint.md).
 */
int dma_pasid_write(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length, void *wrote);
int dma_pasid_read(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length, void *saw);

/*
 * DMA_PRI: starts a write, or a read, with @pasid, or (DMA_NO_PASID) without one. If the kernel has
 * enabled page requests, it asks for all pages that are not there for it, as one group, waits for
 * the answer, and tries again, or is refused.
 */
#define DMA_NO_PASID UINT32_MAX
void dma_start_write(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length);
void dma_start_read(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length);

/*
 * DMA_PRI: from now on, until the next reset, the device asks for each page that is missing by
 * itself, for all of them at once, and waits for as many answers.
 */
void dma_ask_apart(struct dma *dma);

/* DMA_PRI: is what was started still under way? */
bool dma_goes_on(struct dma *dma);

/*
 * DMA_PRI: waits for the end of what was started. As dma_write() and dma_read(): on 0 @bytes are
 * those that it moved. -ETIMEDOUT: it waits for an answer still.
 */
int dma_finish(struct dma *dma, void *bytes);

/*
 * DMA_VANISH: from now on the device is not there: all of it reads as ones, what is written to it
 * is lost, and a storm of it is over, until the bus that it is on is reset. Nothing may be asked of
 * @dma afterwards but dma_abandon().
 */
void dma_vanish(struct dma *dma);

/*
 * DMA_AUTONOMOUS: tells the device, in one go, to write to [@iova, @iova + @length), both multiples
 * of the page size: to all of it, over and over, or to its beginning, as often as the device can be
 * told to. Returns while that goes on, which it does without the process; how long is up to the
 * device, a hundredth of a second or a tenth. What is written is not told. Nothing may be asked of
 * @dma afterwards but dma_close(), which ends it, and dma_abandon().
 */
void dma_launch(struct dma *dma, uint64_t iova, size_t length);

/*
 * Makes virtual function number @index, from 0, of the device that @pf drives ready to be driven
 * as the device itself is, where that is the PF's to do. -EOPNOTSUPP where the driver knows of no
 * way. @pf must be able to reach its rings. The VFs may be there already.
 */
int __dma_bring_up_vf(struct dma *pf, unsigned int index);

#endif
