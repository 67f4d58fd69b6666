# Written by tools/help.py: what this package loads on first use

from .baselines import Additive as Additive, ContextMean as ContextMean, Linear as Linear, LinearResponse as LinearResponse, MatchingMean as MatchingMean, Neighbours as Neighbours, NoChange as NoChange, PerturbedMean as PerturbedMean, baselines as baselines
from .prior_gp import PriorGP as PriorGP
from .simulator import SimulatedResponse as SimulatedResponse
