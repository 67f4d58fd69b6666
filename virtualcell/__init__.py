"""A virtual cell lab: constraints, data, models, virtual screens and the loop, in notebooks

Modules:

- `virtualcell.kernels.cells`: Drivers of the exact race: many cells, snapshots, schedules. Networks come in as compiled functions.
- `virtualcell.kernels.clones`: Clones on a device: a generation is one launch for all clones, and only sums per clone leave the device.
- `virtualcell.kernels.emit`: From a reaction network to source text of compiled functions, and to the functions.
- `virtualcell.kernels.fields`: Diffusion on a masked lattice: alternating directions (Peaceman and Rachford 1955), compiled by numba.
- `virtualcell.kernels.fused`: From a reaction network to fused GPU kernels in Triton: state, rates and random numbers never leave the registers.
- `virtualcell.kernels.steps`: Approximations: leaping, Langevin, equations, hybrid. Each advances one cell over [now, end), as the race does.
- `virtualcell.kernels.streams`: Counter-based random numbers for compiled code."""

__version__ = "0.0.1"

from .namespaces import open_room

ROOMS = {name: name for name in (
    "constraints", "data", "analysis", "evaluate", "models", "screen", "loop", "sim", "systems", "lab", "widgets", "report",
    "effects", "exchange", "stats", "protocol")} | {"pl": "plot"}  # namespace: room

__all__ = open_room(__name__, {
    "constraints.context": ("Context",),
    "constraints.intervention": ("Intervention",),
    "constraints.program": ("Program",),
    "constraints.readout": ("Readout",),
    "data.datasets": ("fetch",),
    "data.readers": ("read_10x", "read_h5ad"),
    "analysis.estimate": ("estimate_effects",),
    "effects": ("Effects",),
    "evaluate.scores": ("cross_validate",),
    "ledger": ("Ledger",),
    "loop.acquire": ("choose_batch",),
    "loop.campaign": ("Campaign", "plan_campaign"),
    "models.baselines": ("baselines",),
    "protocol": ("Knowledge", "Training"),
    "report.render": ("run_report",),
    "screen.enumerate": ("enumerate_candidates",),
    "screen.ranking": ("rank",),
    "screen.simulate": ("run_screen",),
    "sim.network": ("Network",),
    "sim.trajectories": ("simulate",),
    "widgets.designer": ("ScreenDesigner",),
    "lab.wetlab": ("SimulatedLab",),
}, ROOMS)
