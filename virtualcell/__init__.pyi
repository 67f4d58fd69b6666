# Written by tools/help.py: what this package loads on first use

from . import analysis as analysis
from . import constraints as constraints
from . import data as data
from . import effects as effects
from . import evaluate as evaluate
from . import exchange as exchange
from . import lab as lab
from . import loop as loop
from . import models as models
from . import plot as plot
from . import protocol as protocol
from . import report as report
from . import screen as screen
from . import sim as sim
from . import stats as stats
from . import systems as systems
from . import widgets as widgets
from .analysis.estimate import estimate_effects as estimate_effects
from .constraints.context import Context as Context
from .constraints.intervention import Intervention as Intervention
from .constraints.program import Program as Program
from .constraints.readout import Readout as Readout
from .data.datasets import fetch as fetch
from .data.readers import read_10x as read_10x, read_h5ad as read_h5ad
from .effects import Effects as Effects
from .evaluate.scores import cross_validate as cross_validate
from .lab.wetlab import SimulatedLab as SimulatedLab
from .ledger import Ledger as Ledger
from .loop.acquire import choose_batch as choose_batch
from .loop.campaign import Campaign as Campaign, plan_campaign as plan_campaign
from .models.baselines import baselines as baselines
from .protocol import Knowledge as Knowledge, Training as Training
from .report.render import run_report as run_report
from .screen.enumerate import enumerate_candidates as enumerate_candidates
from .screen.ranking import rank as rank
from .screen.simulate import run_screen as run_screen
from .sim.network import Network as Network
from .sim.trajectories import simulate as simulate
from .widgets.designer import ScreenDesigner as ScreenDesigner

pl = plot
ROOMS: dict[str, str]
__version__: str
