"""Published systems, re-implemented from their equations"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "colony": ("ColonySimulator", "Culture", "colony_network", "simulate_colony",),
    "colony_rings": ("composition", "radial_profile", "ring_order", "wiring_screen",),
    "examples": ("example", "gene_network", "influences",),
    "metabolism": ("FluxModel", "TCellCulture", "culture_composite",),
    "tcell": ("TCellModel", "simulate_tcell_clones", "summarise_tcell_clones", "tcell_network",),
    "tcell_simulator": ("TCellSimulator",),
})
