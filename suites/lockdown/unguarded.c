// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device behind no IOMMU reaches the kernel's memory, which a kernel that is locked down keeps
 * root from. Nothing says that one may not be had then: what the kernel allows is recorded.
 */
#include "iommufd.h"
#include "noiommu.h"
#include "test.h"
#include "vfio.h"

#define LOCKDOWN "/sys/kernel/security/lockdown"

FIXTURE(unguarded)
{
	bool ready;
};

/* "none [integrity] confidentiality"; "none" without any, and where there is no lockdown. */
static void locked_for(char what[32])
{
	char line[128] = "";
	FILE *file = fopen(LOCKDOWN, "re");

	if (!file || !fgets(line, sizeof(line), file) || !strchr(line, '[') ||
	    sscanf(strchr(line, '['), "[%31[^]]]", what) != 1)
		strcpy(what, "none");
	if (file)
		fclose(file);
}

FIXTURE_SETUP(unguarded)
{
	char what[32];

	CTS_CHECK_NEEDS();
	locked_for(what);
	if (!strcmp(what, "none"))
		CTS_SKIP(KERNEL_LACKS, "the kernel is not locked down");
	cts_record_fact("lockdown", "%s", what);
	self->ready = true;
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(unguarded)
{
	if (self->ready && __noiommu_set_mode(true))
		cts_lab_error("vfio.enable_unsafe_noiommu_mode can't be put back");
}

static const char *outcome(int rc)
{
	return rc < 0 ? strerror(-rc) : "done";
}

CTS_TEST_F(unguarded, can_be_had,
	   .title = "Whether the mode can be set on a kernel that is locked down, and a device behind no IOMMU be opened, bound and attached",
	   .requirements = { "LOCK-002" },
	   .needs = CTS_NEED_NOIOMMU | CTS_NEED_ROOT,
	   .kind = CTS_CHARACTERISATION)
{
	int iommufd = iommufd_open(), device, rc = __noiommu_set_mode(false);
	uint32_t pt_id = iommufd_ioas_alloc(iommufd);

	cts_record_fact("mode taken back", "%s", outcome(rc));
	cts_record_fact("mode set", "%s", outcome(__noiommu_set_mode(true)));
	device = __noiommu_open();
	cts_record_fact("open", "%s", outcome(device));
	if (device >= 0) {
		rc = __vfio_bind(device, iommufd, NULL);
		cts_record_fact("bind", "%s", outcome(rc));
		rc = rc ? rc : __vfio_attach(device, &pt_id);
		cts_record_fact("attach", "%s", outcome(rc));
		cts_close(&device);
	}
	cts_close(&iommufd);
}

CTS_MAIN
