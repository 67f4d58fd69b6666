"""Splits: the same folds on every machine, whatever the order of rows; promises that hold, leaks that are named."""
import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from virtualcell.core import ContractError, stream
from virtualcell.effects import Effects, concat, take
from virtualcell.evaluate.leakage import audit, near_duplicates
from virtualcell.evaluate.scores import CEILING, cross_validate, scorecard, shared_rows
from virtualcell.evaluate.splits import (
    APART,
    Split,
    folds_of,
    load_split,
    parts_seen,
    split_by_labels,
    split_effects,
    times_of,
)
from virtualcell.models.baselines import NoChange, PerturbedMean
from virtualcell.protocol import Training

KINDS = tuple(APART)


def table(names, places=({},), seed=0, features=20, **obs):
    rows = [(name, place) for place in places for name in names]
    mean = stream(seed, "test splits").normal(size=(len(rows), features))
    return Effects(obs={"intervention": [name for name, _ in rows], "context": [place for _, place in rows], **obs},
                   var={"feature": [f"f{j}" for j in range(features)], "unit": "x"}, mean=mean,
                   sd=np.full(mean.shape, 0.5), origin="measured")


def rich(seed=0):
    """Singles, doses, kinds and pairs in donors × states × days, with some rows missing."""
    rng = stream(seed, "rich")
    n = int(rng.integers(4, 12))
    names = [f"KO:G{i}" for i in range(n)] + [f"CRISPRa:G{i}" for i in range(0, n, 3)] + ["drug:X=1nM", "drug:X=5nM"]
    names += [f"KO:G{a}+KO:G{b}" for a, b in {tuple(sorted(rng.choice(n + 2, 2, replace=False))) for _ in range(5)}]
    places = [{"donor": f"D{d}", "state": state, "day": int(rng.integers(1, 9))}
              for d in range(int(rng.integers(2, 8))) for state in ("rest", "stimulated")]
    whole = table(names, places, seed)
    return take(whole, rng.permutation(len(whole))[: int(0.8 * len(whole))])


def assigned(split):
    """The fold that predicts each row, −1 for none."""
    return np.where(split.test.any(0), split.test.argmax(0), -1).tolist()


def test_the_folds_are_those_that_reports_were_made_with():
    screen = table([f"KO:G{i}" for i in range(13)])
    assert assigned(split_effects(screen, n_folds=4)) == [0, 0, 0, 3, 3, 0, 2, 1, 3, 2, 1, 2, 1]
    assert len(split_effects(take(screen, range(3)))) == 3


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("by", KINDS)
def test_random_attacks(by, seed, tmp_path):
    effects = rich(seed)
    split = split_effects(effects, by, 2 + seed % 4, seed, "day")
    tested = split.test.sum(0)
    assert not (split.test & split.train).any() and tested.max() == 1
    if by not in ("combination", "time"):
        assert tested.min() == 1
    if by == "combination":
        assert [n == 1 for n in tested] == [len(set(one.targets)) > 1 for one in effects.interventions]
    if by == "time":
        when = times_of(effects, "day")
        assert all(when[train].max() < when[test].min() for test, train in folds_of(split, effects))
    said = audit(split, effects)
    assert not said["breaks"].any() and not set(said["what"]) & set(APART[by])
    turn = stream(seed, "turn").permutation(len(effects))
    folds, turned_folds = folds_of(split, effects), folds_of(split, take(effects, turn))
    for (test, train), (turned, rest) in zip(folds, turned_folds, strict=True):
        assert (test[turn] == turned).all() and (train[turn] == rest).all()
    again = load_split(split.save(tmp_path / "split.vc"))
    assert again.digest == split.digest == split_effects(effects, by, 2 + seed % 4, seed, "day").digest
    assert split_effects(effects, by, 2 + seed % 4, seed, "day", note="other").digest != split.digest
    assert repr(again) == repr(split)


ELSEWHERE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from test_splits import KINDS, rich
from virtualcell.evaluate.splits import folds_of, load_split, split_effects
saved = [load_split(f"{sys.argv[2]}/{by}.vc") for by in KINDS]
print(json.dumps([[one.digest, [[a.tolist(), b.tolist()] for a, b in folds_of(one, rich())]] for one in saved]))
print(json.dumps([split_effects(rich(), by, 3, 5, "day").digest for by in KINDS]))
"""


def test_another_process_with_another_hash_seed(tmp_path, root):
    made = [split_effects(rich(), by, 3, 5, "day") for by in KINDS]
    for split in made:
        split.save(tmp_path / f"{split.by}.vc")
    mine = [[one.digest, [[a.tolist(), b.tolist()] for a, b in folds_of(one, rich())]] for one in made]
    for seed in ("1", "4242"):
        done = subprocess.run([sys.executable, "-c", ELSEWHERE, str(root / "tests"), str(tmp_path)], text=True,
                              capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
        saved, drawn = map(json.loads, done.stdout.splitlines()) if not done.stderr else pytest.fail(done.stderr)
        assert saved == mine and drawn == [one.digest for one in made]


def test_what_is_on_both_sides_is_named():
    places = [{"donor": donor, "state": state} for donor in ("D1", "D2") for state in ("rest", "stimulated")]
    effects = table([f"KO:G{i}" for i in range(10)], places, lot=["a", "b"] * 20)
    effects = concat([effects, replace(take(effects, [3]), obs={"intervention": ["KO:copy"], "context": [places[1]],
                                                               "lot": ["c"]}, mean=-3 * effects.mean[[3]].round(5))])
    states = [dict(place.items)["state"] for place in effects.contexts]
    found = audit(split_by_labels(effects, states, ("donor", "gene", "lot")), effects)
    broken = found[found["breaks"]]
    assert {("donor", "D1"), ("donor", "D2"), ("gene", "G4"), ("lot", "a")} <= set(zip(broken["what"], broken["name"],
                                                                                    strict=True))
    assert broken.loc[broken["what"] == "near-duplicate", "name"].str.fullmatch(
        "KO:G3 donor=D1, state=rest ≈ KO:copy donor=D1, state=stimulated").all()
    assert set(broken["what"]) == {"donor", "gene", "lot", "near-duplicate"}
    assert "state" not in set(found["what"]) and not found.loc[found["what"] == "intervention", "breaks"].any()
    one = found[(found["what"] == "donor") & (found["fold"] == 0)].set_index("name").loc["D1"]
    assert (one["n_test"], one["n_train"]) == (10, 11)


def test_a_split_that_goes_back_in_time_is_named():
    effects = table(["KO:A", "KO:B"], [{"day": day} for day in (1, 2, 3)])
    forward = split_effects(effects, "time", time_key="day")
    assert forward.train.sum(1).tolist() == [2, 4] and not audit(forward, effects)["breaks"].any()
    back = audit(replace(forward, train=~forward.test), effects)
    assert back.loc[back["breaks"], "what"].unique().tolist() == ["time"]
    assert back.loc[back["breaks"] & (back["fold"] == 0), "name"].tolist() == ["3"]


def test_spelling_and_parts_are_suspects():
    effects = table(["KO:PU.1", "KO:Pu1", "KO:A", "KO:A+KO:B", "KO:C"])
    found = audit(split_by_labels(effects, ["x", "y", "x", "y", "y"], ("gene",)), effects)
    assert found.loc[found["breaks"], "what"].unique().tolist() == ["spelling"]
    assert set(zip(found["what"], found["name"], strict=True)) == {("spelling", "PU.1 ~ Pu1"), ("part", "A")}
    loose = audit(split_by_labels(effects, ["x", "y", "x", "y", "y"], ()), effects)
    assert len(loose) == len(found) and not loose["breaks"].any()
    strict = audit(split_by_labels(effects, ["x", "y", "x", "y", "y"], ("gene", "part")), effects)
    assert set(strict.loc[strict["breaks"], "name"]) == {"A", "PU.1 ~ Pu1"}
    unlike = table(["KO:PU.1", "KO:Pu1+KO:B"])  # not the same set of targets
    assert not audit(split_by_labels(unlike, ["x", "y"], ("gene",)), unlike)["breaks"].any()
    pairs = table(["KO:PU.1+KO:B", "KO:b+KO:pu1"])
    broken = audit(split_by_labels(pairs, ["x", "y"], ("gene",)), pairs).query("breaks")
    assert set(broken["name"]) == {"B+PU.1 ~ b+pu1"}


@pytest.mark.parametrize("key", ["donor", "batch", "plate"])
def test_names_that_differ_in_case_or_blanks_only(key):
    names = ["D1", "d1 ", "D2"]
    if key == "donor":
        effects = table(["KO:A"], [{"donor": name} for name in names])
    else:
        effects = replace(table(["KO:A", "KO:B", "KO:C"]), obs={"intervention": ["KO:A", "KO:B", "KO:C"], key: names})
    found = audit(split_by_labels(effects, names, (key,)), effects)
    broken = found.query("breaks")
    assert set(broken["name"]) == {"D1 ~ d1 "} and set(broken["what"]) == {"spelling"}
    assert not audit(split_by_labels(effects, names, ()), effects)["breaks"].any()


@pytest.mark.parametrize(("control", "replicates", "features"),
                         [(0.0, 3, 40), (0.9, 2, 40), (0.98, 3, 8), (0.5, 3, 300)])
def test_honest_rows_are_not_accused(control, replicates, features):
    """No effects, one control for all, correlated features, rows of unlike depth, errors from few replicates."""
    alarms = 0
    for seed in range(40):
        rng = stream(seed, "honest", control, replicates, features)
        mix = np.hstack([rng.normal(size=(features, 4)) / 2, np.eye(features)])
        own = np.sqrt(1 - control) * np.exp(rng.normal(0, 0.4, (50, 1)))
        noise, of_control = (rng.normal(size=(replicates, n, features + 4)) @ mix.T for n in (50, 1))
        seen = own * noise - np.sqrt(control) * of_control
        effects = replace(table([f"KO:G{i}" for i in range(50)], features=features), mean=seen.mean(0),
                          sd=seen.std(0, ddof=1) / np.sqrt(replicates))
        alarms += near_duplicates(effects).size > 0
        copied = replace(take(effects, [9]), obs={"intervention": ["KO:copy"]}, mean=-0.5 * effects.mean[[9]].round(5))
        assert near_duplicates(concat([effects, copied])).tolist() == [[9, 50]]
    assert alarms == 0


def test_few_readouts_and_unknown_errors():
    effects = table([f"KO:G{i}" for i in range(30)], features=2)
    scaled = replace(take(effects, [4]), obs={"intervention": ["KO:copy"]}, mean=2 * effects.mean[[4]])
    exact = replace(scaled, mean=effects.mean[[4]])
    assert near_duplicates(concat([effects, scaled])).size == 0
    assert near_duplicates(concat([effects, exact])).tolist() == [[4, 30]]
    of_few_cells = replace(effects, mean=effects.mean.round(0), sd=effects.sd)
    assert near_duplicates(of_few_cells).size == 0
    nothing = replace(table([f"KO:G{i}" for i in range(30)]), mean=np.zeros((30, 20)))
    assert near_duplicates(nothing).size == 0
    unknown = table([f"KO:G{i}" for i in range(30)])
    unknown = replace(unknown, sd=np.full(unknown.sd.shape, np.inf))
    assert near_duplicates(unknown).size == 0
    again = replace(take(unknown, [4]), obs={"intervention": ["KO:copy"]}, mean=2 * unknown.mean[[4]])
    assert near_duplicates(concat([unknown, again])).tolist() == [[4, 30]]


def test_parts_that_were_seen():
    effects = table(["KO:A", "KO:B", "OE:C=2x", "KO:A+KO:B", "KO:B+KO:C", "KO:D+KO:E"])
    seen = parts_seen(split_effects(effects, "combination", 3))
    assert dict(zip(seen["intervention"].map(str), seen["n_seen"], strict=True)) == {
        "KO:A+KO:B": 2, "KO:B+KO:C": 1, "KO:D+KO:E": 0}


def test_cross_validation_keeps_the_promise():
    effects = table([f"KO:G{i}" for i in range(12)])
    training, split = Training(effects=effects), split_effects(effects)
    again = replace(effects, mean=effects.mean + 0.1)
    models = [NoChange(), PerturbedMean()]
    scores = cross_validate(models, training, split, take(again, np.arange(12)[::-1]))
    assert set(scores["model"]) == {"no change", "perturbed mean", CEILING}
    assert np.allclose(scores.loc[scores["model"] == CEILING, "rmse"], 0.1)
    turned = cross_validate(models, Training(effects=take(effects, np.arange(12)[::-1])), split, again)
    key = ["model", "intervention"]
    assert np.allclose(scores.astype({"intervention": str}).sort_values(key)["rmse"],
                       turned.astype({"intervention": str}).sort_values(key)["rmse"])
    for bad, text in (({"truth": effects}, "Leave truth out"), ({"truth": take(again, range(5))}, "shared_rows"),
                      ({"allow_leaks": "donor"}, "a list of leaks")):
        with pytest.raises(ContractError, match=text):
            cross_validate(models, training, split, **bad)
    with pytest.raises(ContractError, match="the 12 rows of the split, found no KO:G0"):
        cross_validate(models, training.rows(np.arange(1, 12)), split)
    one, two = shared_rows(take(effects, range(9)), take(again, range(3, 12)))
    assert one.keys == two.keys and len(one) == 6


def test_a_leak_is_refused_or_shown():
    effects = table([f"KO:G{i}" for i in range(6)], [{"donor": "D1"}, {"donor": "D2"}])
    training, split = Training(effects=effects), split_by_labels(effects, ["a", "b"] * 6, ("donor",))
    with pytest.raises(ContractError, match=r"donor D1, donor D2. Look at audit\(split, effects\)"):
        cross_validate([PerturbedMean()], training, split)
    shown = scorecard(cross_validate([PerturbedMean()], training, split, allow_leaks=("donor",)))
    assert shown["allowed_leaks"].tolist() == ["donor"]


def test_what_is_no_split_is_refused(tmp_path):
    effects = table(["KO:A", "KO:B", "KO:C"])
    good = split_effects(effects)
    for change, text in (({"train": good.train | good.test}, "on both"), ({"keys": good.keys[:1] * 3}, "each row once"),
                         ({"train": np.zeros((3, 3), bool)}, "rows to learn from in every fold")):
        with pytest.raises(ContractError, match=text):
            replace(good, **change)
    with pytest.raises(ContractError, match="found no KO:C. Take its rows"):
        folds_of(good, take(effects, [0, 1]))
    with pytest.raises(ContractError, match="KO:A cell_line=B"):
        folds_of(good, table(["KO:A", "KO:B", "KO:C"], [{"cell_line": "B"}]))
    with pytest.raises(ValueError, match="read-only"):
        good.test[0, 0] = True
    path = good.save(tmp_path / "split.vc")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ContractError, match="copy or save it again"):
        load_split(path)
    assert isinstance(good, Split) and "3 folds, 3 of 3 rows predicted, gene apart" in repr(good)
