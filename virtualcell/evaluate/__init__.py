"""Honest splits, scores beside baselines and ceiling, calibrated errors"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "calibration": ("with_crossval_error",),
    "leakage": ("audit",),
    "scores": ("cross_validate", "scorecard", "shared_rows", "split_half",),
    "splits": ("load_split", "split_by_labels", "split_effects",),
})
