# Written by tools/help.py: what this package loads on first use

from .canvas import figure as figure, rule as rule
from .cells import colony as colony, lineage_tree as lineage_tree, network as network, radial_profile as radial_profile
from .distributions import box as box, histogram as histogram, null_qq as null_qq
from .effects import forest as forest, heatmap as heatmap, predicted_vs_measured as predicted_vs_measured, volcano as volcano
from .lines import calibration_curve as calibration_curve, coverage as coverage, curves as curves, hits_curve as hits_curve, time_course as time_course
from .models import posterior as posterior, scorecard as scorecard
from .palette import colour_map as colour_map, colour_of as colour_of, colours_for as colours_for
from .screens import pareto as pareto, ranking as ranking
from .tables import bars as bars, before_after as before_after, composition as composition, quality as quality, scatter as scatter
