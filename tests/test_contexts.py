"""Evaluation over contexts: cell types of Kang, conditions of Zhu, three lines of the virtual laboratory.

Kang 2018 and Zhu 2025 are not shipped: the tests skip where VIRTUALCELL_DATA lacks them."""
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from virtualcell.analysis.estimate import estimate_effects, pseudobulk
from virtualcell.data.dialects import apply_mapping, guess_mapping
from virtualcell.data.readers import read_h5ad
from virtualcell.effects import Effects, concat, select
from virtualcell.evaluate.scores import CEILING, cross_validate, scorecard, shared_rows, split_half
from virtualcell.evaluate.splits import split_effects
from virtualcell.lab.pooled import PerturbSeqDesign, simulate_perturb_seq
from virtualcell.models.baselines import baselines
from virtualcell.protocol import Training
from virtualcell.sim.simulator import NetworkSimulator
from virtualcell.systems.examples import gene_network


def at_hand(name):
    path = Path(os.environ.get("VIRTUALCELL_DATA", "")) / name
    if not os.environ.get("VIRTUALCELL_DATA") or not path.exists():
        pytest.skip(f"{name} is not at hand; set VIRTUALCELL_DATA to its folder")
    return path


def card_of(effects, truth=None):
    if truth is not None:
        effects, truth = shared_rows(effects, truth)
    training, split = Training(effects=effects), split_effects(effects, "context")
    return scorecard(cross_validate(baselines(training), training, split, truth)).set_index("model")


def test_the_cell_types_of_kang():
    """Interferon beta in five cell types, two donors: one intervention, so nothing may be called better."""
    raw = read_h5ad(at_hand("kang2018_pbmc_ifnb.h5ad"))
    cells = apply_mapping(raw, guess_mapping(raw), control="ctrl")
    half = split_half((cells.obs["perturbation"].astype(str) + cells.obs["cell_type"].astype(str)
                       + cells.obs["donor"].astype(str)).to_numpy())
    train, truth = (estimate_effects(pseudobulk(cells[rows].copy(), "donor", ("cell_type",), min_cells=10))
                    for rows in (half, ~half))
    assert len(set(train.contexts)) >= 4 and len(set(train.interventions)) == 1
    card = card_of(train, truth)
    assert card.loc["context mean", "n_rows"] >= 4 and card.loc["context mean", "n_supported"] == 1
    assert card.loc["context mean", "verdict"] == "not enough data"
    assert card.loc["context mean", "rmse"] < card.loc["no change", "rmse"]  # interferon does much the same everywhere
    assert card.loc[CEILING, "rmse"] < card.loc["no change", "rmse"]
    two = list(dict.fromkeys(train.contexts))[:2]
    pair = card_of(select(train, contexts=two), select(truth, contexts=two))
    assert pair.loc["context mean", "n_supported"] == 1 and np.isfinite(pair.loc["context mean", "rmse"])


def zhu(n_regulators=150):
    """Knock-downs of regulators in CD4 T cells: what they do to two signatures at rest, after 8 h and after 48 h."""
    table = pd.read_parquet(at_hand("tcell_perturbseq/zhu2025_cd4_regulator_coefficients.parquet"))
    table = table.drop_duplicates(["regulator", "celltype", "signature"])
    wide = table.pivot(index=["celltype", "regulator"], columns="signature", values=["coef_mean", "coef_sem"]).dropna()
    whole = wide.groupby("regulator").size() == 3
    names = sorted(whole[whole].index)[:n_regulators]
    parts = []
    for condition in ("Rest", "Stim8hr", "Stim48hr"):
        rows = wide.loc[condition].loc[names]
        parts.append(Effects(obs={"intervention": [f"CRISPRi:{name}" for name in names],
                                  "context": [{"condition": condition}] * len(names)},
                             var={"feature": list(rows["coef_mean"].columns), "unit": "coefficient", "kind": "score"},
                             mean=rows["coef_mean"].to_numpy(), sd=rows["coef_sem"].to_numpy(), origin="measured"))
    return concat(parts)


def test_the_three_conditions_of_zhu():
    effects = zhu()
    assert len(set(effects.contexts)) == 3 and len(set(effects.interventions)) == 150
    card = card_of(effects)
    mean = card.loc["context mean"]
    assert mean["n_supported"] == 150 and mean["n_rows"] == 450
    assert mean["verdict"] in ("better than the mean", "no better than the mean")
    assert (card["gain_low"] <= card["gain_over_mean"]).where(card["gain_low"].notna(), True).all()


def line(number):
    """The same 12 regulators in another line: the network keeps its wiring, productions differ by a factor."""
    from dataclasses import replace
    network = gene_network(30, 12, random_state=5)
    rng = np.random.default_rng(number)
    changed = tuple(replace(p, value=p.value * float(np.exp(rng.normal(0, 0.25)))) if p.name.startswith("k_") else p
                    for p in network.parameters)
    return NetworkSimulator(replace(network, name=f"line {'ABC'[number]}", parameters=changed), time=48.0)


def test_three_lines_of_the_virtual_laboratory():
    import anndata
    targets = [f"G{i}" for i in range(1, 13)]
    design = PerturbSeqDesign(guides_per_target=2, n_control_guides=6, cells_per_guide=60, n_batches=1, batch_sd=0.0)
    cells = anndata.concat([simulate_perturb_seq(line(k), targets, design, random_state=k)[0] for k in range(3)],
                           index_unique="_", merge="same")
    assert set(cells.obs["cell_type"]) == {"line A", "line B", "line C"}
    with pytest.raises(ValueError, match="cell_type"):
        pseudobulk(cells)
    groups = cells.obs[["perturbation", "cell_type", "replicate"]].astype(str).agg("|".join, axis=1)
    half = split_half(groups.to_numpy())
    train, truth = (estimate_effects(pseudobulk(cells[rows].copy(), contexts=("cell_type",), min_cells=5))
                    for rows in (half, ~half))
    card = card_of(train, truth)
    mean = card.loc["context mean"]
    assert mean["n_supported"] == 12 and mean["n_rows"] == 36
    assert mean["verdict"] == "better than the mean"  # the wiring is the same in all lines
    assert card.loc[CEILING, "rmse"] < card.loc["no change", "rmse"]
