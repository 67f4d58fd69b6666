"""What a user of the library writes: read by a type checker, never run."""
from pathlib import Path

import pandas as pd

import virtualcell as vc
from virtualcell import Effects, Intervention


def plan(folder: Path, seed: int = 0) -> vc.Campaign:
    program = vc.Program.load("tcell_commitment")
    verdict = program.check("KD:GATA3=20%")
    assert verdict.allowed or verdict.reasons
    candidates, removed = vc.enumerate_candidates(program)
    simulator = vc.systems.TCellSimulator(n_clones=50, n_jobs=2)
    model = vc.models.SimulatedResponse(simulator).fit(vc.Training(), random_state=seed)
    predicted: Effects = vc.run_screen(model, candidates, folder / "screen")
    ranking = vc.rank(predicted, program, candidates)
    batch = vc.effects.select(predicted, ranking["intervention"][:4])
    return vc.plan_campaign("round 1", program, batch)


def close(folder: Path, campaign: vc.Campaign, simulator: vc.sim.Simulator, batch: Effects) -> float:
    ledger = vc.Ledger(folder / "ledger.jsonl")
    vc.loop.register(ledger, campaign, batch)
    lab = vc.SimulatedLab(simulator, vc.Program.load("tcell_commitment").readouts)
    results = lab.run(batch.interventions)
    vc.loop.ingest(ledger, campaign, results)
    table, scores = vc.loop.score_campaign(vc.loop.registered(ledger, campaign), results)
    return scores["coverage_95"]


def fit(path: Path) -> Path:
    raw = vc.read_h5ad(path)
    cells = vc.data.apply_mapping(raw, kind="KO")
    bulk = vc.analysis.pseudobulk(cells, "donor", contexts=("cell_type",))
    effects = vc.estimate_effects(bulk, min_replicates=2)
    training = vc.Training(effects=effects, knowledge=vc.data.gene_ontology())
    split = vc.evaluate.split_effects(effects, by="perturbation")
    scores = vc.cross_validate([*vc.baselines(training), vc.models.PriorGP()], training, split)
    assert len(scores)
    fitted = vc.models.PriorGP().fit(training)
    one: Intervention = vc.constraints.parse("KO:CD5")
    predicted = fitted.predict([one, "OE:CD5=4x"], {"cell_type": "CD4"})
    assert predicted.mean.shape == predicted.sd.shape
    return fitted.save(path.with_suffix(".vc"))


def toggle() -> float:
    network = vc.Network("decay", (vc.sim.Species("U", 30),), (vc.sim.Parameter("g", 1.0, "1/h"),),
                         (vc.sim.Reaction("lose", "U ->", "g * U"),))
    cells = vc.simulate(network, 100, (6.0,), run=vc.sim.RunConfig(n_jobs=1))
    return float(vc.sim.summarise(cells)["mean"].iloc[0])


def look(effects: Effects, table: pd.DataFrame, folder: Path) -> None:
    left, right = vc.pl.figure(2)
    vc.pl.forest(effects, "fitness", ax=left)
    vc.pl.ranking(table, limit=10, ax=right)
    vc.pl.volcano(effects, min_effect=0.2, max_q=0.05)
    left.figure.savefig(folder / "effects.png")
