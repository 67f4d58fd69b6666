"""One way for every simulator: a wet lab, a pooled screen and a virtual screen in the same lines; its laws."""
import numpy as np
import pytest

from virtualcell.analysis.estimate import estimate_effects, pseudobulk
from virtualcell.constraints.intervention import parse
from virtualcell.constraints.readout import Readout
from virtualcell.core import ContractError
from virtualcell.data.schema import check_cells
from virtualcell.lab.pooled import PerturbSeqDesign, simulate_perturb_seq
from virtualcell.lab.wetlab import SimulatedLab
from virtualcell.models.simulator import SimulatedResponse
from virtualcell.protocol import Training
from virtualcell.screen.simulate import run_screen
from virtualcell.sim.compose import Composite, Variable, network_process
from virtualcell.sim.network import from_dict
from virtualcell.sim.simulator import CompositeSimulator, Donor, NetworkSimulator
from virtualcell.systems.colony import ColonySimulator, Culture
from virtualcell.systems.examples import example
from virtualcell.systems.tcell_simulator import TCellSimulator


def switch(what):
    """Two markers that burst, and a signal that decays beside them; a dose leaves a share of a marker's bursts."""
    left = {part.target: part.dose / 100 for part in what.parts}
    markers = from_dict({"name": "markers", "species": {"M": 40, "W": 40}, "parameters": {"rate": 2.0, "lose": 0.25},
        "reactions": {f"{verb}_{s}": {"equation": e, "rate": r} for s in "MW" for verb, e, r in (
            ("burst", f"-> 5 {s}", f"rate * {left.get(s, 1.0)!r}"), ("lose", f"{s} ->", f"lose * {s}"))}})
    variables = (Variable("M", 40.0, "molecule"), Variable("W", 40.0, "molecule"), Variable("signal", 1.0))
    return Composite(variables, (network_process(markers, ("M", "W")),))


# a simulator; a strong knock-down and the gene it turns down; a readout and where it goes; another target
CASES = {
    "network": (NetworkSimulator(example("toggle"), time=12.0, n_cells=100), "U", ("U", -1), "V"),
    "colony": (ColonySimulator(Culture(radius_um=100, hours=24, step_s=2400), 3), "OCT4", ("T", -1), "CDX2"),
    "composite": (CompositeSimulator(switch, ("M", "W"), ("M", "W", "signal"), 12.0, 4.0, 100), "M", ("M", -1), "W"),
    "T cells": (TCellSimulator(n_clones=20), "PU.1", ("committed_fraction", 1), "Gata3")}
every_simulator = pytest.mark.parametrize(("simulator", "target", "readout", "other"), CASES.values(), ids=CASES)


@every_simulator
def test_a_wet_lab_in_one_line(simulator, target, readout, other):
    name, sign = readout
    lab = SimulatedLab(simulator, (Readout(name, unit=simulator.var.loc[name, "unit"], noise_sd=0.001),), 2, n_units=20)
    results = lab.run([f"KD:{target}=10%", f"KD:{target}=100%"])
    assert results.features == (name,) and results.origin == "simulated"
    assert sign * results.mean[0, 0] > 2 * results.sd[0, 0]
    assert abs(results.mean[1, 0]) < 4 * results.sd[1, 0]  # nothing was done
    assert (results.df >= 2 * 19).all() and np.isfinite(results.df).all()  # the spread of 2 × 20 units is estimated
    with pytest.raises(ContractError, match="readouts among"):
        SimulatedLab(simulator, (Readout("CD4 surface", unit="MFI"),))


@every_simulator
def test_a_pooled_screen_in_one_line(simulator, target, readout, other):
    design = PerturbSeqDesign(guides_per_target=2, n_control_guides=2, cells_per_guide=60, n_donors=2,
                              efficacy_mean=0.9, efficacy_sd=0.02, escape=0.0, two_guides=0.0, capture=0.6, ambient=0.0)
    cells, truth = simulate_perturb_seq(simulator, [target], design, random_state=3)
    check_cells(cells)
    found = estimate_effects(pseudobulk(cells, contexts="cell_type", pool_over="batch", min_cells=5))
    column = list(cells.var_names).index(target)
    assert truth.effects.mean[0, column] < 0 and found.mean[0, found.features.index(target)] < 0
    assert truth.effects.df.tolist() == [199 if simulator.made_of == "cells" else 7]  # relatives are not independent
    drawn = truth.guides.loc[truth.guides["target"] == target, "efficacy"].mean()  # by this experiment's own guides
    assert truth.effects.obs["remaining"].tolist() == pytest.approx([100 * (1 - drawn)], abs=1e-3)
    counts = cells.layers["counts"].toarray()
    control = cells.obs["is_control"].to_numpy()
    assert (counts == np.round(counts)).all()
    assert counts[~control, column].mean() < 0.6 * counts[control, column].mean()


@every_simulator
def test_a_virtual_screen_resumes_with_nothing_simulated(simulator, target, readout, other, tmp_path, monkeypatch):
    calls, simulate = [], type(simulator).simulate

    def counted(self, intervention, n, random_state):
        calls.append(intervention)
        return simulate(self, intervention, n, random_state)

    monkeypatch.setattr(type(simulator), "simulate", counted)
    model, names = SimulatedResponse(simulator), [f"KD:{target}=10%", f"KD:{other}=50%", f"KD:{target}=50%"]
    first = run_screen(model.fit(Training()), names, tmp_path, chunk_size=1, progress=False)
    assert {str(one) for one in calls} == {"control", *names}
    calls.clear()
    again = run_screen(model.fit(Training()), names, tmp_path, chunk_size=1, progress=False)
    lab = first.__class__(obs={"intervention": names}, var=first.var, mean=0.7 * first.mean, sd=first.sd + 0.01,
                          origin="simulated")
    calibrated = model.fit(Training(effects=lab)).predict(names)  # a round of a campaign
    assert calls == [] and again.digest == first.digest
    assert calibrated.mean.shape == first.mean.shape


@every_simulator
def test_laws_of_effects_and_units(simulator, target, readout, other):
    what = parse(f"KD:{target}=20%")
    effects = simulator.effects(["control", f"KD:{target}=100%", what], progress=False)
    assert not effects.mean[:2].any() and effects.mean[2].any()
    few, more = (simulator.simulate(what, n, 11) for n in (3, 7))
    assert few.shape == (3, len(simulator.var)) and (few == more[:3]).all()
    few, more = (simulator.cells(what, n, 11) for n in (5, 40))
    assert few.dtype == np.int64 and few.shape == (5, len(simulator.genes)) and (few == more[:5]).all()
    assert not (simulator.cells(what, 40, 12) == more).all()


@every_simulator
def test_a_wrong_target_is_refused_by_name(simulator, target, readout, other, monkeypatch):
    lab = SimulatedLab(simulator, (Readout(readout[0], unit=simulator.var.loc[readout[0], "unit"]),))
    model = SimulatedResponse(simulator).fit(Training())
    wrong = "KD:TBXT=20%"
    calls = [lambda: simulator.effects([f"KD:{target}=20%", wrong]), lambda: lab.run([f"KD:{target}=20%", wrong]),
             lambda: simulate_perturb_seq(simulator, [target, "TBXT"]), lambda: model.predict([wrong])]
    for name in ("simulate", "cells"):
        monkeypatch.setattr(type(simulator), name, lambda *_, **__: pytest.fail("something ran"))
    for call in calls:
        with pytest.raises(ContractError, match=rf"a target among .*{simulator.targets[0]}.*, found TBXT\."):
            call()


@every_simulator
def test_donors_differ_around_the_reference(simulator, target, readout, other):
    control, low = parse("control"), parse(f"KD:{target}=50%")
    column, n = simulator.genes.index(target), 100
    donors = np.array([simulator.cells(control, n, 5, Donor(k)).mean(0)[column] for k in range(16)])
    same = np.array([simulator.cells(control, n, 5 + k).mean(0)[column] for k in range(16)])
    assert len(set(donors.round(6))) > 12
    error = np.hypot(donors.std(ddof=1), same.std(ddof=1)) / 4
    assert abs(donors.mean() - same.mean()) < 4 * error
    rich, poor = (min(range(16), key=lambda k, s=s: s * Donor(k).factors([target])[target]) for s in (-1, 1))
    rich, poor = (simulator.cells(control, n, 5, Donor(k)).mean(0)[column] for k in (rich, poor))
    assert rich > poor
    assert simulator.cells(low, n, 5, Donor(1)).mean(0)[column] < donors[1]  # a dose is not undone by a donor
