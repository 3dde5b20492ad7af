/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's SMMUv3 (Arm IHI 0070): a device whose stream table entry, context descriptor and page
 * tables are the user's, on a nesting parent. The tables are of 4 KiB whatever the kernel's pages
 * are, for virtual addresses of 39 bits: three levels.
 */
#ifndef NESTING_SMMUV3_H
#define NESTING_SMMUV3_H

#include <string.h>

#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "hwpt.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"
#include "viommu.h"

/* What older headers lack. */
enum {
	HWPT_DATA_ARM_SMMUV3 = 2,
	VIOMMU_ARM_SMMUV3 = 1,
	VIOMMU_INVALIDATE_ARM_SMMUV3 = 1,
	VEVENTQ_ARM_SMMUV3 = 1,
};

#define IDR5_GRAN4K (1U << 4)

/* Stream table entry, 5.2 */
#define STE_V (1ULL << 0)
#define STE_CFG(cfg) ((uint64_t)(cfg) << 1)
#define STE_ABORT (STE_V | STE_CFG(0))
#define STE_BYPASS (STE_V | STE_CFG(4))
#define STE_TRANSLATE (STE_V | STE_CFG(5))
#define STE_EATS(eats) ((uint64_t)(eats) << 28)
/* The context descriptor is read through the caches, inner shareable. */
#define STE_CACHED (1ULL << 2 | 1ULL << 4 | 3ULL << 6)

/* Context descriptor, 5.4: 25 bits are not translated, granule 4 KiB, no second half, 48 bits out */
#define CD_WALK (25ULL | 1ULL << 8 | 1ULL << 10 | 3ULL << 12 | 1ULL << 30)
#define CD_VALID (1ULL << 31)
#define CD_OUT_48 (5ULL << 32)
#define CD_AA64 (1ULL << 41)
#define CD_RECORD (1ULL << 45)
#define CD_ABORT (1ULL << 46)
#define CD_ASET (1ULL << 47)
#define CD_ASID(asid) ((uint64_t)(asid) << 48)
#define MAIR_NORMAL 0xffULL

/* Translation tables of VMSAv8-64 */
#define S1_GRANULE 4096ULL
#define S1_BITS 39
#define S1_ENTRIES 512
#define S1_ADDRESS 0x0000fffffffff000ULL
#define S1_TABLE 3ULL
#define S1_PAGE (3ULL | 1ULL << 6 | 3ULL << 8 | 1ULL << 10 | 1ULL << 11)
#define S1_READ_ONLY (1ULL << 7)

/* Commands, 4.1 */
#define CMD_CFGI_STE 0x03
#define CMD_CFGI_CD 0x05
#define CMD_CFGI_CD_ALL 0x06
#define CMD_TLBI_NH_ALL 0x10
#define CMD_TLBI_NH_ASID 0x11
#define CMD_TLBI_NH_VA 0x12
#define CMD_TLBI_NH_VAA 0x13
#define CMD_TLBI_EL2_ALL 0x20
#define CMD_TLBI_S12_ALL 0x28
#define CMD_TLBI_NSNH_ALL 0x30
#define CMD_SYNC 0x46
#define CMD_ASID(asid) ((uint64_t)(asid) << 48)
#define CMD_SID(sid) ((uint64_t)(sid) << 32)

#define ASID 7
#define VIRTUAL_ID 0x77
#define TABLES 24
/* No device's shortest write is longer. */
#define LONGEST 8192
/* Above what the IOAS hands out first, so that it is no IOVA of the parent's. */
#define VIRTUAL (1ULL << (S1_BITS - 1))

struct command {
	uint64_t word[2]; /* struct iommu_viommu_arm_smmuv3_invalidate */
};

/* The user's tables: at the memory `table` for us, at `ipa` for the SMMU. The first is the CD. */
struct stage1 {
	uint64_t (*table)[S1_ENTRIES];
	uint64_t ipa;
	size_t used;
};

/* The device is attached to dut.ioas; `parent` is on it. `memory` has two pages, both at `ipa`. */
#define SMMUV3_FIELDS                 \
	struct dut dut;               \
	uint32_t parent, viommu;      \
	struct buffer buffer, tables; \
	struct stage1 s1;             \
	char *memory;                 \
	uint64_t ipa;                 \
	size_t page

/* In a setup: checks the needs, and makes what is in these fields. */
#define SMMUV3_SETUP_OR_SKIP(self)                                                                \
	do {                                                                                      \
		struct smmuv3_info __smmu = { 0 };                                                \
		struct iommu_hwpt_alloc __parent = { .flags = IOMMU_HWPT_ALLOC_NEST_PARENT };     \
		struct iommu_hw_info __info = { .data_len = sizeof(__smmu),                       \
						.data_uptr = (uintptr_t)&__smmu };                \
		int __rc;                                                                         \
                                                                                                  \
		CTS_CHECK_NEEDS();                                                                \
		DUT_OPEN_OR_SKIP(&(self)->dut);                                                   \
		__info.dev_id = (self)->dut.device_id;                                            \
		ASSERT_EQ(0, __hw_info((self)->dut.iommufd, &__info));                            \
		if (__info.out_data_type != HW_INFO_ARM_SMMUV3)                                   \
			CTS_SKIP(IOMMU_LACKS, "it is no SMMUv3");                                 \
		if (!(__smmu.idr[5] & IDR5_GRAN4K))                                               \
			CTS_SKIP(IOMMU_LACKS, "tables of 4 KiB");                                 \
		__parent.dev_id = (self)->dut.device_id;                                          \
		__parent.pt_id = (self)->dut.ioas;                                                \
		__rc = __hwpt_alloc((self)->dut.iommufd, &__parent);                              \
		if (__rc == -EOPNOTSUPP)                                                          \
			CTS_SKIP(IOMMU_LACKS, "nesting parents");                                 \
		ASSERT_EQ(0, __rc);                                                               \
		(self)->parent = __parent.out_hwpt_id;                                            \
		__rc = __viommu_alloc((self)->dut.iommufd, (self)->dut.device_id, (self)->parent, \
				      VIOMMU_ARM_SMMUV3, NULL, 0, &(self)->viommu);               \
		if (__rc == -ENOTTY)                                                              \
			CTS_SKIP(KERNEL_LACKS, "IOMMU_VIOMMU_ALLOC");                             \
		if (__rc == -EOPNOTSUPP)                                                          \
			CTS_SKIP(IOMMU_LACKS, "virtual IOMMUs");                                  \
		ASSERT_EQ(0, __rc);                                                               \
		(self)->page = page_size();                                                       \
		buffer_alloc(&(self)->buffer, BUFFER_BASE, 2 * (self)->page);                     \
		buffer_alloc(&(self)->tables, BUFFER_BASE, smmuv3_tables_size());                 \
		(self)->memory = (self)->buffer.memory;                                           \
		(self)->ipa = iova_alloc(&(self)->dut.space, 2 * (self)->page, (self)->page);     \
		iommufd_map((self)->dut.iommufd, (self)->dut.ioas, (self)->memory,                \
			    2 * (self)->page, (self)->ipa);                                       \
		(self)->s1.table = (self)->tables.memory;                                         \
		(self)->s1.ipa =                                                                  \
			iova_alloc(&(self)->dut.space, (self)->tables.size, (self)->page);        \
		iommufd_map((self)->dut.iommufd, (self)->dut.ioas, (self)->tables.memory,         \
			    (self)->tables.size, (self)->s1.ipa);                                 \
		stage1_begin(&(self)->s1, &(self)->dut);                                          \
	} while (0)

#define SMMUV3_TEARDOWN(self)                 \
	do {                                  \
		dut_close(&(self)->dut);      \
		buffer_free(&(self)->buffer); \
		buffer_free(&(self)->tables); \
	} while (0)

static inline size_t smmuv3_tables_size(void)
{
	return (TABLES * S1_GRANULE + page_size() - 1) & ~(page_size() - 1);
}

/* Writes what the SMMU may read at any time. */
static inline void s1_write(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* The IPA of a table that no other uses, all zeroes. */
static inline uint64_t s1_table(struct stage1 *s1)
{
	cts_require(s1->used < TABLES, "%d tables", TABLES);
	memset(s1->table[s1->used], 0, S1_GRANULE);
	return s1->ipa + S1_GRANULE * s1->used++;
}

/* The entry of @va at the last level of the tables at @root, with the tables on the way. */
static inline uint64_t *s1_entry(struct stage1 *s1, uint64_t root, uint64_t va)
{
	unsigned int shift;

	cts_require(va < 1ULL << S1_BITS, "address %#llx", (unsigned long long)va);
	for (shift = S1_BITS - 9; shift > 12; shift -= 9) {
		uint64_t *table = s1->table[(root - s1->ipa) / S1_GRANULE];
		uint64_t *entry = &table[va >> shift & (S1_ENTRIES - 1)];

		if (!*entry)
			s1_write(entry, s1_table(s1) | S1_TABLE);
		root = *entry & S1_ADDRESS;
	}
	return &s1->table[(root - s1->ipa) / S1_GRANULE][va >> 12 & (S1_ENTRIES - 1)];
}

/* [@va, @va + @length) of the tables at @root leads to @ipa; @more bits in each entry. */
static inline void s1_map(struct stage1 *s1, uint64_t root, uint64_t va, uint64_t ipa,
			  size_t length, uint64_t more)
{
	uint64_t offset;

	for (offset = 0; offset < length; offset += S1_GRANULE)
		s1_write(s1_entry(s1, root, va + offset), (ipa + offset) | S1_PAGE | more);
}

static inline void s1_unmap(struct stage1 *s1, uint64_t root, uint64_t va, size_t length)
{
	uint64_t offset;

	for (offset = 0; offset < length; offset += S1_GRANULE)
		s1_write(s1_entry(s1, root, va + offset), 0);
}

/* Tables that lead to @dut's rings, where the device looks for them, and to nothing else. */
static inline uint64_t s1_root(struct stage1 *s1, const struct dut *dut)
{
	const uint64_t root = s1_table(s1), rings = dma_rings_iova(dut->dma);

	if (dma_rings_size())
		s1_map(s1, root, rings, rings, dma_rings_size(), 0);
	return root;
}

/* The context descriptor is that of the tables at @root. */
static inline void s1_describe(struct stage1 *s1, uint64_t root)
{
	uint64_t *cd = s1->table[0];

	s1_write(&cd[1], root);
	s1_write(&cd[3], MAIR_NORMAL);
	s1_write(&cd[0], CD_WALK | CD_VALID | CD_OUT_48 | CD_AA64 | CD_RECORD | CD_ABORT | CD_ASET |
				 CD_ASID(ASID));
}

/* The first of the tables that the context descriptor names. */
static inline uint64_t s1_described(const struct stage1 *s1)
{
	return s1->table[0][1];
}

static inline void stage1_begin(struct stage1 *s1, const struct dut *dut)
{
	s1_table(s1);
	s1_describe(s1, s1_root(s1, dut));
}

/* The first word of the entry of a stream that the tables translate. */
static inline uint64_t s1_ste(const struct stage1 *s1)
{
	return STE_TRANSLATE | s1->ipa;
}

/* A nested table whose stream table entry begins with these words. */
static inline int __ste_alloc(const struct dut *dut, uint32_t viommu, uint64_t word0,
			      uint64_t word1, uint32_t *nested)
{
	const uint64_t ste[2] = { word0, word1 };

	return __hwpt_alloc_data(dut->iommufd, dut->device_id, viommu, 0, HWPT_DATA_ARM_SMMUV3, ste,
				 sizeof(ste), nested);
}

static inline uint32_t ste_alloc(const struct dut *dut, uint32_t viommu, uint64_t word0,
				 uint64_t word1)
{
	uint32_t nested = 0;

	cts_require(!__ste_alloc(dut, viommu, word0, word1, &nested),
		    "a stream table entry %#llx, %#llx", (unsigned long long)word0,
		    (unsigned long long)word1);
	return nested;
}

/* Has the vIOMMU do *@count commands; *@count becomes how many were done. */
static inline int __commands(const struct dut *dut, uint32_t viommu, const struct command *commands,
			     uint32_t *count)
{
	return __invalidate(dut->iommufd, viommu, VIOMMU_INVALIDATE_ARM_SMMUV3, commands,
			    sizeof(*commands), count);
}

static inline void command(const struct dut *dut, uint32_t viommu, uint64_t word0, uint64_t word1)
{
	const struct command one = { { word0, word1 } };
	uint32_t count = 1;

	cts_require(!__commands(dut, viommu, &one, &count) && count == 1, "command %#llx, %#llx",
		    (unsigned long long)word0, (unsigned long long)word1);
}

/* Forgets what was cached of [@va, @va + @length) of the guest's ASID. */
static inline void forget(const struct dut *dut, uint32_t viommu, uint64_t va, size_t length)
{
	uint64_t offset;

	for (offset = 0; offset < length; offset += S1_GRANULE)
		command(dut, viommu, CMD_TLBI_NH_VA | CMD_ASID(ASID), va + offset);
}

/* Does the shortest write of the device at @iova change the bytes of @buffer at @offset alone? */
static inline bool written(struct dut *dut, const struct buffer *buffer, uint64_t iova,
			   size_t offset)
{
	const size_t length = dma_write_limits(dut->dma)->smallest;
	uint8_t wrote[LONGEST];

	canary_fill(buffer->memory, buffer->size, 1);
	return !dma_write(dut->dma, iova, length, wrote) &&
	       canary_holds_only(buffer->memory, buffer->size, 1, offset, wrote, length);
}

/* Does it change nothing? */
static inline bool refused(struct dut *dut, const struct buffer *buffer, uint64_t iova)
{
	const size_t length = dma_write_limits(dut->dma)->smallest;
	uint8_t wrote[LONGEST];

	canary_fill(buffer->memory, buffer->size, 1);
	dma_write(dut->dma, iova, length, wrote);
	return canary_intact(buffer->memory, buffer->size, 1);
}

#endif
