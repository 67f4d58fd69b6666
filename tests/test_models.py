"""Laws that every model keeps: baselines, kernels, wrappers, simulators, and one that a user wrote in fifteen lines."""
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from virtualcell.constraints.intervention import parse
from virtualcell.core import file_digest, plain, stream
from virtualcell.effects import Effects, concat, take
from virtualcell.evaluate.calibration import with_crossval_error
from virtualcell.models.baselines import (
    Additive,
    ContextMean,
    Linear,
    LinearResponse,
    MatchingMean,
    Neighbours,
    NoChange,
    PerturbedMean,
)
from virtualcell.models.prior_gp import PriorGP
from virtualcell.models.simulator import SimulatedResponse
from virtualcell.protocol import Answers, Knowledge, Model, Prediction, Training, load_fitted
from virtualcell.screen.simulate import run_screen
from virtualcell.sim.simulator import NetworkSimulator
from virtualcell.systems.examples import example
from virtualcell.systems.tcell_simulator import TCellSimulator

LINES = ({"cell_line": "A"}, {"cell_line": "B"})
GENES = [f"G{i}" for i in range(24)]


@dataclass(frozen=True)
class Written(Model):
    """Somebody's own: half of the mean effect, and a random number that the seed decides."""
    share: float = 0.5
    name: str = "written by a user"
    needs: ClassVar[tuple[str, ...]] = ("effects",)

    def learn(self, training, random_state):
        return {"mean": self.share * training.effects.mean.mean(0), "noise": stream(random_state, "own").normal(size=1)}

    def respond(self, fitted, query):
        mean = np.tile(fitted.arrays["mean"] + fitted.arrays["noise"], (len(query), 1))
        return Prediction(mean, np.ones_like(mean), np.ones(len(query), bool))


def from_the_tutorial():
    """The class that `write a model` writes, as it stands on the page."""
    page = Path(__file__).parent.parent / "nbs" / "how_to" / "10_write_a_model.ipynb"
    cells = ["".join(c["source"]) for c in json.loads(page.read_text(encoding="utf-8"))["cells"]]
    names = {"__name__": "tutorial"}
    for start in ("from dataclasses import", "@dataclass(frozen=True)\nclass Kernel"):
        exec(next(text for text in cells if text.startswith(start)), names)  # the project's own page
    return names["Kernel"]()


def learned_from(contexts=({},), seed=0):
    """Knock-outs at the start of 24 genes and 4 pairs, on 24 features; knowledge; control cells."""
    rng = stream(seed, "laws")
    names = [*(f"KO:{g}" for g in GENES), *(f"KO:G{i}+KO:G{i + 1}" for i in range(4))]
    parts = [Effects(obs={"intervention": names, "context": [place] * len(names), "n_replicates": 3},
                     var={"feature": GENES, "unit": "log1p CP10k"}, mean=rng.normal(size=(28, 24)),
                     sd=np.full((28, 24), 0.1), origin="measured") for place in contexts]
    counts = rng.poisson(5, (60, 24)).astype(float)
    cells = AnnData(counts, pd.DataFrame({"perturbation": "control"}, index=[f"c{i}" for i in range(60)]),
                    pd.DataFrame(index=GENES), layers={"counts": counts.copy()})
    known = Knowledge(name="toy", targets=tuple(GENES), matrix=rng.normal(size=(24, 3)))
    return Training(effects=concat(parts), cells=cells, knowledge=(known,))


LEARNED = [NoChange(), PerturbedMean(), ContextMean(), Additive(), MatchingMean(), Linear(), Neighbours(),
           LinearResponse(), PriorGP(), with_crossval_error(Linear(), 3), with_crossval_error(PerturbedMean(), 2),
           Written(), from_the_tutorial()]
TOGGLE = SimulatedResponse(NetworkSimulator(example("toggle"), time=4.0, n_cells=40), "toggle")
CLONES = SimulatedResponse(TCellSimulator(n_clones=20), "clones")
SIMULATED = [(CLONES, ["KD:PU.1=20%", "KD:PU.1=20%@16h", "KD:Gata3=20%"]),
             (TOGGLE, ["KD:U=20%", "OE:V=3x", "KD:V=50%"])]
ASKED = ["KO:G3", "KO:G30", "KO:G0+KO:G1", "KO:G5+KO:G9", "KO:G7"]


def cases():
    for model in LEARNED:
        label = f"{type(model).__name__} {model.name}"
        yield pytest.param(model, learned_from(), ASKED, id=label)
        yield pytest.param(model, learned_from(LINES), ASKED, id=f"{label}, two lines")
    for model, asked in SIMULATED:
        yield pytest.param(model, Training(), asked, id=f"{model.name}, not calibrated")
        results = model.fit(Training()).predict(asked)
        lab = replace(results, mean=0.7 * results.mean, sd=results.sd + 0.01, origin="simulated")
        yield pytest.param(model, Training(effects=lab), asked, id=f"{model.name}, calibrated")


def where(training):
    return training.effects.contexts[0] if training.effects is not None else None


every_model = pytest.mark.parametrize(("model", "training", "asked"), list(cases()))


@every_model
def test_equal_seeds_give_equal_bytes_and_nothing_is_changed(model, training, asked, tmp_path):
    before = plain(model), training.digest
    first, second = model.fit(training, random_state=3), model.fit(training, random_state=3)
    assert (plain(model), training.digest) == before
    paths = [one.save(tmp_path / f"{i}.vc") for i, one in enumerate((first, second))]
    assert file_digest(paths[0]) == file_digest(paths[1]) and first.digest == second.digest
    assert first.predict(asked, where(training)).digest == second.predict(asked, where(training)).digest
    assert model.fit(training, random_state=4).digest != first.digest


@every_model
def test_a_saved_model_comes_back_to_the_byte(model, training, asked, tmp_path):
    fitted = model.fit(training)
    assert isinstance(fitted, Answers)
    path = fitted.save(tmp_path / "model.vc")
    again = load_fitted(path)
    assert again.digest == fitted.digest and type(again.model) is type(fitted.model)
    assert file_digest(again.save(tmp_path / "again.vc")) == file_digest(path)
    assert again.predict(asked, where(training)).digest == fitted.predict(asked, where(training)).digest


@every_model
def test_a_prediction_depends_on_its_own_row_only(model, training, asked):
    fitted, place = model.fit(training), where(training)
    together = fitted.predict(asked, place)
    assert together.origin == "predicted" and together.interventions == tuple(map(parse, asked))
    assert not np.isnan(together.sd).any() and together.sd.shape == together.mean.shape
    for rows in ([2], [2, 0], list(range(len(asked)))[::-1]):
        alone, there = fitted.predict([asked[i] for i in rows], place), take(together, rows)
        assert alone.keys == there.keys and (alone.support == there.support).all()
        assert np.allclose(alone.mean, there.mean, rtol=1e-10, atol=1e-13)
        assert np.allclose(alone.sd, there.sd, rtol=1e-10, atol=1e-13)
    control = fitted.predict(["control"], place)
    assert not control.mean.any() and not control.sd.any()


@every_model
def test_a_screen_resumes_with_a_model_from_a_file(model, training, asked, tmp_path):
    fitted, place = model.fit(training), where(training)
    whole = run_screen(fitted, asked, tmp_path / "whole", place, chunk_size=1)
    again = load_fitted(fitted.save(tmp_path / "model.vc"))
    run_screen(fitted, asked[:2], tmp_path / "part", place, chunk_size=1)
    kept = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "part").iterdir()}
    resumed = run_screen(again, asked, tmp_path / "part", place, chunk_size=1)
    assert resumed.digest == whole.digest
    assert all((tmp_path / "part" / name).stat().st_mtime_ns == t for name, t in kept.items())
    names = sorted(p.name for p in (tmp_path / "whole").glob("*.parquet"))
    assert names == sorted(p.name for p in (tmp_path / "part").glob("*.parquet"))
    assert all((tmp_path / "whole" / n).read_bytes() == (tmp_path / "part" / n).read_bytes() for n in names)


@every_model
def test_features_are_aligned_by_name(model, training, asked):
    if training.effects is None:
        return
    turned = replace(training, effects=take(training.effects, range(len(training.effects)),
                                            training.effects.features[::-1]))
    first, second = (model.fit(one).predict(asked, where(one)) for one in (training, turned))
    second = take(second, range(len(asked)), first.features)
    assert np.allclose(first.mean, second.mean, atol=1e-9) and (first.support == second.support).all()
    finite = np.isfinite(first.sd)
    assert (finite == np.isfinite(second.sd)).all() and np.allclose(first.sd[finite], second.sd[finite], atol=1e-9)


@pytest.mark.parametrize("model", LEARNED, ids=lambda model: f"{type(model).__name__} {model.name}")
def test_what_was_not_seen_is_not_supported(model):
    """Trained on knock-outs at the start: nothing is known of another kind, another time, another way of delivery."""
    fitted = model.fit(learned_from())
    strange = ["OE:G1=4x", "CRISPRa:G1@48h", "CRISPRi:G1", "KO:G1@48h", "KO:G1~RNP", "KD:G1=20%", "KO:G0+OE:G1=4x",
               "drug:G1=5nM", "other:G1"]
    assert not fitted.predict(strange).support.any()
    assert not fitted.predict(["KO:G3"], {"cell_line": "elsewhere"}).support.any() or model.crosses_contexts
    two = model.fit(learned_from(LINES))
    for place in ({"cell_line": "A"}, {"cell_line": "C"}):
        assert not two.predict(strange, place).support.any()


@pytest.mark.parametrize("model", [m for m in LEARNED if not isinstance(m, NoChange | Written)],
                         ids=lambda model: f"{type(model).__name__} {model.name}")
def test_kinds_are_told_apart(model):
    """Over-expression does the opposite of the knock-out; a model that saw both does not answer alike."""
    training = learned_from()
    other = [str(one).replace("KO:", "OE:") for one in training.effects.interventions]
    over = replace(training.effects, obs=training.effects.obs.assign(intervention=other), mean=-training.effects.mean)
    fitted = model.fit(replace(training, effects=concat([training.effects, over])))
    asked = ["KO:G3", "KO:G0+KO:G1", "KO:G5"]
    out, up = fitted.predict(asked), fitted.predict([name.replace("KO:", "OE:") for name in asked])
    both = out.support & up.support
    assert both.any()
    assert (np.abs(out.mean - up.mean)[both].max(1) > 0.1).all()
    assert (out.support == up.support).all()


def test_every_model_of_the_library_is_on_trial():
    import importlib
    import pkgutil

    import virtualcell.evaluate
    import virtualcell.models
    for package in (virtualcell.models, virtualcell.evaluate):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")

    def below(kind):
        return {one for sub in kind.__subclasses__() for one in ({sub} | below(sub))}

    tried = {type(model) for model in [*LEARNED, *(model for model, _ in SIMULATED)]}
    assert {one for one in below(Model) if one.__module__.startswith("virtualcell.")} <= tried


READ = """
import sys
from virtualcell.protocol import load_fitted
fitted = load_fitted(sys.argv[1])
print(fitted.digest, fitted.predict(sys.argv[2:]).digest)
"""


@pytest.mark.parametrize("model", [PriorGP(), with_crossval_error(Neighbours(), 2), TOGGLE],
                         ids=lambda model: type(model).__name__)
def test_a_new_process_reads_a_saved_model(model, tmp_path):
    fitted = model.fit(Training() if model is TOGGLE else learned_from())
    asked = ["KD:U=20%"] if model is TOGGLE else ASKED
    path = fitted.save(tmp_path / "a model.vc")
    done = subprocess.run([sys.executable, "-c", READ, str(path), *asked], capture_output=True, text=True)
    assert done.stdout.split() == [fitted.digest, fitted.predict(asked).digest], done.stderr
