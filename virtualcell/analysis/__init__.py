"""From cells and reads to effects with intervals"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "copynumber": ("correct_copy_number", "gene_segments", "single_targets", "surviving_effect",),
    "estimate": ("estimate_effects", "left_out", "pseudobulk",),
    "fitness": ("estimate_fitness", "guide_changes",),
})
