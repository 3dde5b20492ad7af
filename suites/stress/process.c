// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that take the mappings of an iommufd over from each other while one of them maps files
 * and unmaps them: what they are charged together is what is pinned, the last one has all of it,
 * and nothing is left when all is unmapped.
 *
 * Without CAP_IPC_LOCK, as most are: of those who have it iommufd counts otherwise.
 */
#include <linux/capability.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crew.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"
#include "vfio.h"

#define ROUNDS 150
#define PLACES 6
#define PAGES 4 /* of each */

struct scene {
	int iommufd;
	uint32_t ioas;
	uint64_t base;
	int file;
	bool mapped[PLACES];
	pid_t child;
	struct shared *shared;
};

/* What the two processes share. */
struct shared {
	atomic_bool begun, over, ended;
	atomic_int taken; /* changes of process of the child that succeeded */
	atomic_int wrong;
};

FIXTURE(process)
{
	struct vfio_layout layout;
	struct scene scene;
	struct crew crew;
	int device;
};

/* How many KiB of process @pid are counted as pinned (VmPin of proc_pid_status(5)). */
static long pinned_kib_of(pid_t pid)
{
	char path[64], line[128];
	long kib = -1;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "re");
	cts_lab_require(status, "%s", path);
	while (kib < 0 && fgets(line, sizeof(line), status))
		sscanf(line, "VmPin: %ld", &kib);
	fclose(status);
	cts_lab_require(kib >= 0, "%s has no VmPin", path);
	return kib;
}

static int change_process(int iommufd)
{
#ifdef IOMMU_IOAS_CHANGE_PROCESS
	struct iommu_ioas_change_process args = { .size = sizeof(args) };

	return ioctl(iommufd, IOMMU_IOAS_CHANGE_PROCESS, &args) ? -errno : 0;
#else
	(void)iommufd;
	return -ENOTTY;
#endif
}

static int map_file(const struct scene *scene, unsigned int place)
{
#ifdef IOMMU_IOAS_MAP_FILE
	struct iommu_ioas_map_file args = {
		.size = sizeof(args),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = scene->ioas,
		.fd = scene->file,
		.start = place * PAGES * page_size(),
		.length = PAGES * page_size(),
		.iova = scene->base + place * PAGES * page_size(),
	};

	return ioctl(scene->iommufd, IOMMU_IOAS_MAP_FILE, &args) ? -errno : 0;
#else
	(void)scene;
	(void)place;
	return -ENOTTY;
#endif
}

static int unmap(const struct scene *scene, unsigned int place)
{
	uint64_t length = PAGES * page_size();

	return __iommufd_unmap(scene->iommufd, scene->ioas,
			       scene->base + place * PAGES * page_size(), &length);
}

static void drop_ipc_lock(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	cts_lab_require(!syscall(SYS_capget, &header, data), "capget");
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	cts_lab_require(!syscall(SYS_capset, &header, data), "capset");
}

/* The other process: takes over again and again, and at last waits to be killed. */
static void __attribute__((noreturn)) take_over(const struct scene *scene)
{
	struct shared *shared = scene->shared;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	atomic_store(&shared->begun, true);
	while (!atomic_load(&shared->over)) {
		rc = change_process(scene->iommufd);
		atomic_fetch_add(&shared->taken, !rc);
		if (rc && rc != -EBUSY)
			atomic_store(&shared->wrong, rc);
	}
	atomic_store(&shared->ended, true);
	for (;;)
		pause();
}

FIXTURE_SETUP(process)
{
	struct scene *scene = &self->scene;
	size_t size = PLACES * PAGES * page_size();

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	drop_ipc_lock();
	scene->iommufd = iommufd_open();
	if (change_process(scene->iommufd) == -ENOTTY)
		CTS_SKIP(KERNEL_LACKS, "no IOMMU_IOAS_CHANGE_PROCESS");
	self->device = vfio_open();
	vfio_bind(self->device, scene->iommufd);
	scene->ioas = iommufd_ioas_alloc(scene->iommufd);
	vfio_attach(self->device, scene->ioas);
	scene->base = iommufd_usable_iova(scene->iommufd, scene->ioas, size, page_size());
	scene->file = memfd_create("stress", MFD_CLOEXEC);
	ASSERT_LE(0, scene->file);
	ASSERT_EQ(0, ftruncate(scene->file, (off_t)size));
	scene->shared = mmap(NULL, sizeof(*scene->shared), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, scene->shared);
	fflush(NULL);
	scene->child = fork();
	ASSERT_LE(0, scene->child);
	if (!scene->child)
		take_over(scene);
	while (!atomic_load(&scene->shared->begun))
		sched_yield();
}

FIXTURE_TEARDOWN(process)
{
	if (self->scene.child > 0) {
		kill(self->scene.child, SIGKILL);
		waitpid(self->scene.child, NULL, 0);
	}
	cts_close(&self->device);
	cts_close(&self->scene.iommufd);
}

static void map_and_unmap(struct hand *hand)
{
	struct scene *scene = hand->scene;
	int i, rc;

	for (i = 0; i < ROUNDS; i++) {
		uint32_t place = random_below(hand, PLACES);

		rc = scene->mapped[place] ? unmap(scene, place) : map_file(scene, place);
		note(hand, !rc, rc);
		scene->mapped[place] ^= !rc;
	}
}

static void take_back(struct hand *hand)
{
	const struct scene *scene = hand->scene;
	int i, rc;

	for (i = 0; i < ROUNDS; i++) {
		rc = change_process(scene->iommufd);
		note(hand, !rc || rc == -EBUSY, rc);
	}
}

static void make_and_destroy(struct hand *hand)
{
	const struct scene *scene = hand->scene;
	uint32_t ioas;
	int i, rc;

	for (i = 0; i < ROUNDS; i++) {
		rc = __iommufd_ioas_alloc(scene->iommufd, &ioas);
		note(hand, !rc, rc);
		/* A change of process looks at each IOAS, and who is looked at is busy. */
		do
			rc = __iommufd_destroy(scene->iommufd, ioas);
		while (rc == -EBUSY);
		note(hand, !rc, rc);
	}
}

CTS_TEST_F(process, beside_maps,
	   .title = "What two processes are charged adds up to what is pinned while they take it over from each other",
	   .requirements = { "CONC-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	void (*const works[])(struct hand *) = { map_and_unmap, take_back, make_and_destroy };
	struct scene *scene = &self->scene;
	long pinned = 0, kib = (long)(PAGES * page_size() / 1024);
	unsigned int i;

	run_crew(&self->crew, scene, works, ARRAY_SIZE(works));
	atomic_store(&scene->shared->over, true);
	while (!atomic_load(&scene->shared->ended))
		sched_yield();
	EXPECT_NONE_WRONG(&self->crew);
	EXPECT_EQ(0, atomic_load(&scene->shared->wrong));
	printf("# taken over %d times\n", atomic_load(&scene->shared->taken));

	for (i = 0; i < PLACES; i++)
		pinned += scene->mapped[i] ? kib : 0;
	EXPECT_EQ(pinned, pinned_kib() + pinned_kib_of(scene->child));
	EXPECT_EQ(0, change_process(scene->iommufd));
	EXPECT_EQ(pinned, pinned_kib());
	EXPECT_EQ(0, pinned_kib_of(scene->child));
	iommufd_unmap_all(scene->iommufd, scene->ioas);
	EXPECT_EQ(0, pinned_kib());
	EXPECT_EQ(0, pinned_kib_of(scene->child));
}

CTS_MAIN
