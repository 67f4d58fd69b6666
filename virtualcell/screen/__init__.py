"""Candidates, simulation, safety, ranking"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "enumerate": ("enumerate_candidates", "removed_by_rule",),
    "ranking": ("RankRules", "orderable", "rank",),
    "simulate": ("run_screen",),
})
