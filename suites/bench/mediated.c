// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an access within the kernel costs, by a device of fixtures/mdev: map and unmap in an address
 * space that it is attached to, and its own pins and copies; alone, and beside a device of PCI and
 * its table, for which all of it is pinned already.
 */
#include "../emulated/mediated.h"

#include "range.h"

/* Whole pages, as far as a pin or the device's memory goes. */
static const size_t pages[] = { 1, 8, CTS_MDEV_PIN_MAX };

/*
 * Attaches a device of PCI beside: a name for that. NULL where there is none, and for the first
 * time, @beside 0, nothing is done.
 */
static const char *attach_beside(FIXTURE_DATA(mediated) * self, int beside, int *device)
{
	char bdf[SYSFS_BDF];

	if (!beside)
		return "none";
	if (__sysfs_guarded(bdf)) {
		printf("# there is no device of PCI that an IOMMU guards\n");
		return NULL;
	}
	*device = vfio_open_function(bdf);
	vfio_bind(*device, self->iommufd);
	vfio_attach(*device, self->ioas);
	return "pci";
}

CTS_TEST_F(mediated, map_unmap,
	   .title = "Map and unmap of one range, in an address space with a mediated device",
	   .requirements = { "MEASURE-016" },
	   .needs = NEEDS,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	const char *name;
	int beside, device = -1;

	vfio_attach(self->device, self->ioas);
	for (beside = 0; beside < 2; beside++) {
		struct cts_param about[] = { { .name = "beside" }, { 0 } };

		name = attach_beside(self, beside, &device);
		if (!name)
			break;
		about[0].word = name;
		ASSERT_LT(0, bench_map_unmap(self->iommufd, self->ioas, BUFFER_BASE, about));
	}
	if (device >= 0)
		cts_close(&device);
}

/* Tells the device to do something: what the write of its register takes. */
static void command(FIXTURE_DATA(mediated) * self, enum cts_mdev_command word,
		    struct measure_series *series)
{
	const off_t offset = register_at(&self->layout, CTS_MDEV_COMMAND);
	const uint64_t value = word;
	ssize_t wrote;

	measure_begin(series);
	wrote = pwrite(self->device, &value, sizeof(value), offset);
	measure_end(series);
	cts_lab_require(wrote == sizeof(value) && !REGISTER(self, STATUS), "command %u", word);
}

struct costs {
	struct measure_series pin, unpin, read, write, unmap;
};

/* Everything with @buffer at @iova, which is mapped at first and isn't at last. */
static int measure_access(FIXTURE_DATA(mediated) * self, const struct buffer *buffer, uint64_t iova,
			  struct costs *costs)
{
	const bool copies = buffer->size <= CTS_MDEV_WINDOW_SIZE;
	struct bench_pair pair;
	struct bench_map args;
	int error =
		bench_map_init(&args, &pair, self->iommufd, self->ioas, buffer, buffer->size, iova);

	while (!error &&
	       (measure_wants(&costs->pin) || measure_wants(&costs->unpin) ||
		(copies && (measure_wants(&costs->read) || measure_wants(&costs->write))) ||
		measure_wants(&costs->unmap))) {
		error = measure_ioctl(pair.fd, pair.put_request, pair.put);
		if (error)
			break;
		SET_REGISTER(self, IOVA, iova);
		SET_REGISTER(self, LENGTH, buffer->size);
		command(self, CTS_MDEV_PIN_WRITE, &costs->pin);
		command(self, CTS_MDEV_UNPIN, &costs->unpin);
		if (copies) {
			command(self, CTS_MDEV_READ, &costs->read);
			command(self, CTS_MDEV_WRITE, &costs->write);
		}
		/* It is told that it has to let go, and the unmap waits until it has. */
		SET_REGISTER(self, COMMAND, CTS_MDEV_PIN_WRITE);
		measure_begin(&costs->unmap);
		error = measure_ioctl(pair.fd, pair.take_request, pair.take);
		measure_end(&costs->unmap);
	}
	return error;
}

CTS_TEST_F(mediated, access,
	   .title = "Pins and copies of a mediated device, and the unmap of what it has pinned",
	   .requirements = { "MEASURE-018" },
	   .needs = NEEDS,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	int beside, device = -1, round;
	size_t i;

	PINS_OR_SKIP(self);
	vfio_attach(self->device, self->ioas);
	for (beside = 0; beside < 2; beside++) {
		const char *name = attach_beside(self, beside, &device);

		if (!name)
			break;
		bench_even(self->iommufd, self->ioas);
		for (round = 0; round < bench_rounds(); round++) {
			for (i = 0; i < ARRAY_SIZE(pages); i++) {
				const size_t size = pages[i] * self->page;
				const struct cts_param params[] = {
					{ .name = "size", .number = size },
					{ .name = "beside", .word = name },
					{ 0 },
				};
				struct costs costs = { 0 };
				struct buffer buffer;

				ASSERT_EQ(0, __buffer_alloc_scattered(&buffer, BUFFER_BASE, size));
				ASSERT_EQ(0, measure_access(self, &buffer,
							    iommufd_usable_iova(self->iommufd,
										self->ioas, size,
										size),
							    &costs));
				measure_record(&costs.pin, "access-pin", params);
				measure_record(&costs.unpin, "access-unpin", params);
				measure_record(&costs.read, "access-read", params);
				measure_record(&costs.write, "access-write", params);
				measure_record(&costs.unmap, "unmap-pinned", params);
				buffer_free(&buffer);
			}
		}
	}
	if (device >= 0)
		cts_close(&device);
}

CTS_MAIN
