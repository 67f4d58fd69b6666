# Written by tools/help.py: what this package loads on first use

from .enumerate import enumerate_candidates as enumerate_candidates, removed_by_rule as removed_by_rule
from .ranking import RankRules as RankRules, orderable as orderable, rank as rank
from .simulate import run_screen as run_screen
