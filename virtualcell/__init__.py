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

_PLACES = {  # module: names that `import virtualcell as vc` offers
    "constraints.context": ("Context",),
    "constraints.intervention": ("Intervention", "parse"),
    "constraints.program": ("Program", "check"),
    "constraints.readout": ("Readout",),
    "analysis.copynumber": ("correct_copy_number", "gene_segments", "surviving_effect"),
    "data.datasets": ("fetch", "list_datasets"),
    "data.dialects": ("apply_mapping", "guess_mapping"),
    "data.guides": ("assign_guides",),
    "analysis.estimate": ("estimate_effects", "left_out", "pseudobulk"),
    "analysis.fitness": ("estimate_fitness",),
    "data.quality": ("flag_cells", "flag_guides"),
    "data.knowledge": ("coverage", "gene_ontology", "read_knowledge"),
    "data.readers": ("read_10x", "read_h5ad"),
    "data.schema": ("check_cells", "set_status", "trainable"),
    "effects": ("Effects", "concat", "interval", "select", "take", "to_frame"),
    "exchange": ("load", "save"),
    "evaluate.leakage": ("audit",),
    "evaluate.calibration": ("with_crossval_error",),
    "evaluate.scores": ("cross_validate", "scorecard", "shared_rows", "split_half"),
    "evaluate.splits": ("load_split", "split_by_labels", "split_effects"),
    "ledger": ("Ledger",),
    "loop.acquire": ("choose_batch",),
    "loop.campaign": ("Campaign", "ingest", "outcomes", "plan_campaign", "register", "registered", "score_campaign"),
    "loop.replays": ("Replay", "replay"),
    "models.baselines": ("baselines",),
    "models.prior_gp": ("PriorGP",),
    "models.simulator": ("SimulatedResponse",),
    "protocol": ("Fitted", "Knowledge", "Model", "Training", "load_fitted", "load_knowledge"),
    "report.render": ("run_report",),
    "screen.enumerate": ("enumerate_candidates", "removed_by_rule"),
    "screen.ranking": ("RankRules", "orderable", "rank"),
    "screen.simulate": ("run_screen",),
    "sim.approximate": ("Solver",),
    "sim.simulator": ("CompositeSimulator", "NetworkSimulator", "Simulator"),
    "systems.colony": ("ColonySimulator", "Culture"),
    "sim.compose": ("Composite", "Process", "Variable", "consistency_report", "run_composite", "initial_state"),
    "systems.examples": ("draw", "example"),
    "lab.pooled": ("PerturbSeqDesign", "simulate_perturb_seq"),
    "sim.infer": ("elasticities", "infer", "predictive_check"),
    "lab.wetlab": ("SimulatedLab",),
    "sim.lineage": ("Division", "grow_many"),
    "sim.network": ("Event", "Network", "Parameter", "Reaction", "Species", "from_yaml", "to_yaml"),
    "sim.sbml": ("from_sbml", "to_sbml"),
    "sim.trajectories": ("Trajectories", "RunConfig", "simulate", "summarise"),
    "systems.tcell": ("TCellModel",),
    "systems.tcell_simulator": ("TCellSimulator",),
    "widgets.designer": ("ScreenDesigner",),
}
_NAMES = {name: module for module, names in _PLACES.items() for name in names}
__all__ = sorted(_NAMES)


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f"virtualcell has no {name!r}; dir(virtualcell) lists what it has")
    from importlib import import_module
    return getattr(import_module(f"virtualcell.{_NAMES[name]}"), name)


def __dir__():
    return [*__all__, "__version__"]
