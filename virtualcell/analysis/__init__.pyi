# Written by tools/help.py: what this package loads on first use

from .copynumber import correct_copy_number as correct_copy_number, gene_segments as gene_segments, single_targets as single_targets, surviving_effect as surviving_effect
from .estimate import estimate_effects as estimate_effects, left_out as left_out, pseudobulk as pseudobulk
from .fitness import estimate_fitness as estimate_fitness, guide_changes as guide_changes
