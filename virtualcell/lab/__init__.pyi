# Written by tools/help.py: what this package loads on first use

from .pooled import GroundTruth as GroundTruth, PerturbSeqDesign as PerturbSeqDesign, compare_realism as compare_realism, realism as realism, simulate_perturb_seq as simulate_perturb_seq
from .wetlab import SimulatedLab as SimulatedLab
