"""Simulated experiments with known truth"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "pooled": ("GroundTruth", "PerturbSeqDesign", "compare_realism", "realism", "simulate_perturb_seq",),
    "wetlab": ("SimulatedLab",),
})
