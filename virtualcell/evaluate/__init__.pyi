# Written by tools/help.py: what this package loads on first use

from .calibration import with_crossval_error as with_crossval_error
from .leakage import audit as audit
from .scores import cross_validate as cross_validate, scorecard as scorecard, shared_rows as shared_rows, split_half as split_half
from .splits import load_split as load_split, split_by_labels as split_by_labels, split_effects as split_effects
