# Written by tools/help.py: what this package loads on first use

from .approximate import Solver as Solver
from .compose import Composite as Composite, Process as Process, Variable as Variable, check_conserved as check_conserved, consistency_report as consistency_report, initial_state as initial_state, network_process as network_process, run_composite as run_composite
from .dosing import schedule as schedule
from .inference import elasticities as elasticities, infer as infer, predictive_check as predictive_check
from .lineage import Division as Division, LineageTrees as LineageTrees, grow_many as grow_many, sister_correlation as sister_correlation
from .network import Event as Event, Network as Network, Parameter as Parameter, Reaction as Reaction, Species as Species, from_dict as from_dict, from_yaml as from_yaml, to_yaml as to_yaml
from .propagate import propagate_linear as propagate_linear
from .sbml import from_sbml as from_sbml, to_sbml as to_sbml
from .simulator import CompositeSimulator as CompositeSimulator, NetworkSimulator as NetworkSimulator, Simulator as Simulator
from .trajectories import RunConfig as RunConfig, Trajectories as Trajectories, simulate as simulate, summarise as summarise
