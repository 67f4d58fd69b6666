"""From interventions to predicted effects with errors and support"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "baselines": ("Additive", "ContextMean", "Linear", "LinearResponse", "MatchingMean", "Neighbours", "NoChange",
                  "PerturbedMean", "baselines"),
    "prior_gp": ("PriorGP",),
    "simulator": ("SimulatedResponse",),
})
