# Written by tools/help.py: what this package loads on first use

from .context import Context as Context
from .delivery import Delivery as Delivery, Option as Option
from .goal import Goal as Goal, SafetyLimit as SafetyLimit
from .intervention import Intervention as Intervention, Part as Part, parse as parse
from .program import Budget as Budget, Limits as Limits, Program as Program, check as check
from .readout import Readout as Readout
