// SPDX-License-Identifier: GPL-2.0-only
/* A file is added, taken away and bound, and its VM closed, all by several threads at once. */
#include <pthread.h>

#include "gates.h"
#include "machine.h"

#define ROUNDS 32
#define THREADS 4

struct call {
	pthread_barrier_t *start;
	pthread_t thread;
	FIXTURE_DATA(machine) * self;
	int (*make)(FIXTURE_DATA(machine) * self);
	int rc;
};

static void *make(void *argument)
{
	struct call *call = argument;

	pthread_barrier_wait(call->start);
	call->rc = call->make(call->self);
	return NULL;
}

/* Lets @count calls be made at once, and waits for them. */
static void make_at_once(struct call *calls, unsigned int count)
{
	pthread_barrier_t start;
	unsigned int i;

	cts_lab_require(!pthread_barrier_init(&start, NULL, count), "pthread_barrier_init");
	for (i = 0; i < count; i++) {
		calls[i].start = &start;
		cts_lab_require(!pthread_create(&calls[i].thread, NULL, make, &calls[i]),
				"pthread_create");
	}
	for (i = 0; i < count; i++)
		cts_require(!pthread_join(calls[i].thread, NULL), "pthread_join");
	pthread_barrier_destroy(&start);
}

static int add(FIXTURE_DATA(machine) * self)
{
	return __vm_add(&self->vm, self->device);
}

static int del(FIXTURE_DATA(machine) * self)
{
	return __vm_del(&self->vm, self->device);
}

static int bind_device(FIXTURE_DATA(machine) * self)
{
	return __vfio_bind(self->device, self->iommufd, NULL);
}

static int close_vm(FIXTURE_DATA(machine) * self)
{
	vm_close(&self->vm);
	return 0;
}

/* How many of @calls ended in @rc? */
static unsigned int count_of(const struct call *calls, int rc)
{
	unsigned int i, count = 0;

	for (i = 0; i < THREADS; i++)
		count += calls[i].rc == rc;
	return count;
}

CTS_TEST_F(machine, add_once,
	   .title = "Of several threads that add a file at once one succeeds, and of several that take it away",
	   .requirements = { "KVM-002", "KVM-004" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	struct call calls[THREADS];
	unsigned int round, i;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < THREADS; i++)
			calls[i] = (struct call){ .self = self, .make = add };
		make_at_once(calls, THREADS);
		EXPECT_EQ(1U, count_of(calls, 0));
		EXPECT_EQ(THREADS - 1U, count_of(calls, -EEXIST));
		for (i = 0; i < THREADS; i++)
			calls[i] = (struct call){ .self = self, .make = del };
		make_at_once(calls, THREADS);
		EXPECT_EQ(1U, count_of(calls, 0));
		EXPECT_EQ(THREADS - 1U, count_of(calls, -ENOENT));
	}
}

CTS_TEST_F(machine, bind_while_the_vm_goes,
	   .title = "A device that is bound while its VM is closed works, and the VM is gone when it is closed",
	   .requirements = { "KVM-005", "KVM-006", "KVM-013" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		struct call calls[] = {
			{ .self = self, .make = bind_device },
			{ .self = self, .make = close_vm },
		};

		vm_add(&self->vm, self->device);
		make_at_once(calls, ARRAY_SIZE(calls));
		EXPECT_EQ(0, calls[0].rc);
		EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
		cts_close(&self->device);
		ASSERT_FALSE(vm_exists(&self->vm));
		self->device = vfio_open();
		vm_create(&self->vm);
	}
}

CTS_MAIN
