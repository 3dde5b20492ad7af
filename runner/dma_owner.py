# SPDX-License-Identifier: GPL-2.0-only
"""Whom the DMA of an IOMMU group belongs to (include/linux/iommu.h, DMA ownership)."""

# Drivers that set driver_managed_dma: they leave the DMA of their functions to others, as all of vfio's do.
_MANAGED = {"pcieport", "pci-stub"}


def is_vfio(driver: str) -> bool:
    """Is it one of vfio's drivers: vfio-pci or a variant?"""
    return "vfio" in driver


def keeps_group(driver: str) -> bool:
    """Can nothing of a group be bound to an iommufd while this driver has one of its functions?"""
    return not is_vfio(driver) and driver not in _MANAGED
