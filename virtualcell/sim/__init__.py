"""Reaction networks and their simulation: exact, approximate, composed"""
from ..namespaces import open_room

__all__ = open_room(__name__, {
    "approximate": ("Solver",),
    "compose": ("Composite", "Process", "Variable", "check_conserved", "consistency_report", "initial_state",
                "network_process", "run_composite"),
    "dosing": ("schedule",),
    "inference": ("elasticities", "infer", "predictive_check",),
    "lineage": ("Division", "LineageTrees", "grow_many", "sister_correlation",),
    "network": ("Event", "Network", "Parameter", "Reaction", "Species", "from_dict", "from_yaml", "to_yaml",),
    "propagate": ("propagate_linear",),
    "sbml": ("from_sbml", "to_sbml",),
    "simulator": ("CompositeSimulator", "NetworkSimulator", "Simulator",),
    "trajectories": ("RunConfig", "Trajectories", "simulate", "summarise",),
})
