"""The reports: what they must hold, and that the same record gives the same bytes."""
import html
import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from virtualcell.constraints.program import Budget, Limits, Program
from virtualcell.report import screens, simulations
from virtualcell.report.answer import TITLES, Answer, answer_html
from virtualcell.report.render import ReportError, run_report
from virtualcell.systems.tcell import FACTORS, REFERENCE

CONCLUDE = {"colony_experiment": simulations.colony_answer, "composite_experiment": simulations.culture_answer,
            "tcell_experiment": simulations.commitment_answer, "tcell_screen": screens.campaign_answer,
            "crispr_screen": screens.knockout_answer, "perturbation_screen": screens.prediction_answer}
SAID = {"0.1", "0.5", "0.8", "3", "20", "95"}  # thresholds and levels that the sentences state; 20 % of normal
NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)?(?![\w⁰¹²³⁴⁵⁶⁷⁸⁹]|\.\d)")
SMALL = {"n_clones": 150, "n_clones_screen": 40, "n_clones_lab": 20}


def tables(folder):
    return {p.name: p.read_bytes() for p in sorted((folder / "tables").glob("*.csv"))}


def leaves(value):
    """All numbers in results, and the lengths of lists."""
    if isinstance(value, dict): return [x for one in value.values() for x in leaves(one)]
    if isinstance(value, list): return [float(len(value)), *(x for one in value for x in leaves(one))]
    return [] if value is None or isinstance(value, str | bool) else [float(value)]


def sources(results):
    """What a sentence may say of a number: itself, ends of its interval, a percentage, a tenth or a half."""
    ends = [results[key] + z * (results.get(f"{key}_se") or 0) for key in results for z in (-1.96, 0, 1.96)
            if isinstance(results[key], int | float)]
    shares = [x for key, x in results.items() if key.startswith("looked_at") for x in range(len(x) + 1)]
    return [scale * x for x in [*leaves(results), *ends, *shares] for scale in (1, 100, 0.1, 0.5)]


def check_answer(results, template, page):
    """The block is made from results.json alone, stands first, and says no number that is not in it."""
    numbers = {key: value for key, value in results.items() if key != "answer"}
    answer = CONCLUDE[template](numbers)
    assert results["answer"] == vars(answer) and set(results["answer"]) == set(TITLES) and len(TITLES) <= 5
    blocks = list(re.finditer(r"<div[^>]*vc-answer.*?</div>", page, re.S))  # nbconvert writes tags and quotes its way
    words = lambda text: html.unescape(re.sub(r"<[^>]+>", "", text))
    assert [words(block[0]) for block in blocks] == [words(answer_html(answer))]
    assert page.index("<h1") < blocks[0].start() < page.index("Parameters:") < page.index("<h2")
    known = sources(numbers)
    for text in vars(answer).values():
        for word in NUMBER.findall(re.sub(r"day 5|BMP4|[\d.]+ × 10⁻\S+|× 10⁶", "", text)):
            value, digits = float(word.replace(",", "").replace("−", "-")), len(word.partition(".")[2])
            slack = 0.51 * 10.0**-digits + 0.05 * abs(value) * (value > 9)  # two digits, from 10 up
            near = [x for x in known if abs(abs(x) - abs(value)) <= slack]
            assert word in SAID or near, (word, text)


def check_folder(folder, results):
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert json.loads((folder / "results.json").read_text()) == results
    record = json.loads((folder / "record.json").read_text())
    assert {"template_sha256", "parameters", "parameters_sha256", "data", "versions", "random_state", "device",
            "git_commit", "seconds"} <= set(record)
    assert not re.search(r"(src|href)=\"(https?:)?//", page) and "<script src" not in page
    assert "Traceback" not in page and "Warning" not in page
    check_answer(results, record["template"], page)
    assert tables(folder) and page.count("data:image/png") >= 2  # figures, whatever MPLBACKEND says outside
    return record


@pytest.fixture(scope="module")
def tcell(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tcell report")
    return folder, run_report("tcell_screen", folder, SMALL)


def test_tcell_screen_holds_what_it_promises(tcell):
    folder, results = tcell
    check_folder(folder, results)
    days = [f"wt_committed_fraction_d{d}" for d in (2, 3, 4, 5)]
    kd = [f"kd_{f}_committed_fraction_d5" for f in FACTORS]
    for key in ("wt_cells_per_clone_d5", "wt_open_sites_d5", *days, *kd):
        assert results[key + "_se"] > 0 and isinstance(results[key], float)
    for key in ("top_intervention", "n_candidates", "n_removed", "events_per_second", "seconds_simulation",
                "ledger_head", "device"):
        assert key in results
    assert results["n_candidates"] == 60 and results["n_removed"] == 240 and len(results["ledger_head"]) == 64
    assert results["top_single_intervention"] == "KD:PU.1=20%"


def test_tcell_screen_agrees_with_the_reference(tcell):
    """Within the standard errors of ours and the reference's (2,000 and 500 clones) together.

    Three hold here; four keep sixteen comparisons from failing by chance where another logarithm gives other draws.
    """
    _, results = tcell
    for key, reference in REFERENCE.items():
        if key == "kd_committed_fraction":
            pairs = [(f"kd_{f}_committed_fraction_d5", value, 500) for f, value in reference.items()]
        else:
            pairs = [(f"{key}_d{d}", value, 2000) for d, value in reference.items()]
        for name, value, n in pairs:
            error = results[name + "_se"]
            assert abs(results[name] - value) <= 4 * error * (1 + SMALL["n_clones"] / n) ** 0.5 + 6e-4, (name,
                results[name], value, error)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Parameters for a quick run: a program of eight candidates."""
    path = tmp_path_factory.mktemp("program") / "mine.yaml"
    program = Program.load("tcell_commitment")
    options = tuple(replace(option, times_h=(0.0, 16.0)) for option in program.options)
    replace(program, options=options, limits=Limits(max_parts=1), budget=Budget(3, 2)).to_yaml(path)
    return SMALL | {"program_file": str(path), "n_rounds": 2}


def test_the_same_record_gives_the_same_tables_and_the_ledger_keeps_both_runs(short, tmp_path):
    first = run_report("tcell_screen", tmp_path / "a", short)
    assert first["n_candidates"] == 8 and first["n_removed"] == 0
    run_report("tcell_screen", tmp_path / "b", short | {"n_jobs": 1})
    assert tables(tmp_path / "a") == tables(tmp_path / "b")
    again = run_report("tcell_screen", tmp_path / "a", short)
    assert again["ledger_entries"] == 2 * first["ledger_entries"] and again["ledger_head"] != first["ledger_head"]
    assert tables(tmp_path / "a") == tables(tmp_path / "b")


@pytest.mark.slow  # more than a minute: 20 replays of four strategies on 17,994 genes
def test_crispr_screen(tmp_path):
    results = run_report("crispr_screen", tmp_path)
    record = check_folder(tmp_path, results)
    assert set(record["data"]) == {"au565_screen", "au565_copynumber", "reference_gene_sets", "gene_ontology"}
    assert results["auc_essential_hart"] >= 0.95 and results["rank_erbb2_before"] <= 10 < results["rank_erbb2_after"]
    assert results["nonessential_median_lfc_cn_gt12_before"] <= -1
    assert abs(results["nonessential_median_lfc_cn_gt12_after"]) <= 0.25
    assert 0.68 <= results["replicate_r_gene"] <= 0.70
    low, share, high = (results[f"surviving_share_erbb2{end}"] for end in ("_low", "", "_high"))
    assert 0 < low < share < high < 1
    assert results["n_seeds"] >= 20
    found = results["hits_found_by_round"]
    assert set(found) == {"random", "prior only", "model", "model, random start", "best possible"}
    last = {name: rows[-1] for name, rows in found.items()}
    assert last["model"]["low"] > last["random"]["high"] and all(row["high"] <= last["best possible"]["hits"]
        for row in last.values())
    assert len(pd.read_csv(tmp_path / "tables" / "genes.csv")) == 17_994


def test_perturbation_screen(tmp_path, public):
    public("papalexi2021")
    results = run_report("perturbation_screen", tmp_path)
    check_folder(tmp_path, results)
    for gene in ("ifngr1", "ifngr2", "jak2", "stat1"):
        assert results[f"stat1_after_{gene}_ko_high"] < 0
    card = pd.read_csv(tmp_path / "tables" / "scorecard.csv")
    assert set(card["model"]) >= {"no change", "perturbed mean", "context mean", "additive", "matching mean", "linear",
                                  "nearest neighbours", "linear response", "prior Gaussian process",
                                  "split half (ceiling)"}
    words = {"better than the mean", "no better than the mean", "not enough data", "the mean", "the ceiling"}
    assert set(card["verdict"]) <= words


def test_tcell_experiment(tmp_path):
    what = "KD:PU.1=20%@10h+KD:Runx1=100%@20h"
    results = run_report("tcell_experiment", tmp_path, {"n_clones": 150, "intervention": what})
    check_folder(tmp_path, results)
    for key in ("wt_committed_fraction_d5", "committed_fraction_d5", "cells_per_clone_d5", "open_sites_d5",
                "kd_PU.1_committed_fraction_d5", "effect_committed_fraction_d5", "sister_correlation_open_sites"):
        assert isinstance(results[key], float) and results[key + "_se"] >= 0, key
    assert results["committed_fraction_d5"] > results["wt_committed_fraction_d5"] + 0.08
    assert abs(sum(v for k, v in results.items() if k.startswith("lca_share")) - 1) < 1e-9
    assert {"lca_n", "lca_generation_mean", "lca_k_mean", "events_per_second", "device"} <= set(results)
    assert "data:image/gif;base64" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_colony_experiment(tmp_path):
    parameters = {"n_seeds": 2, "doses": "0.2, 2", "wiring": False, "hours": 40.0}
    results = run_report("colony_experiment", tmp_path, parameters)
    check_folder(tmp_path, results)
    assert results["ring_order"] >= 0.8 and results["oct4_kd_removes_T"] is True
    assert results["sox17_claim_tested"] is False and results["ring_radius_um_SOX17"] is None
    assert results["ring_radius_um_CDX2"] > results["ring_radius_um_T"] > results["ring_radius_um_SOX2"]
    assert abs(sum(results[f"composition_{fate}"] for fate in ("CDX2", "T", "SOX17", "SOX2", "none")) - 1) < 1e-9
    assert results["balance_error_max"] <= 1e-6
    assert "GARMEN-like" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_composite_experiment(tmp_path):
    results = run_report("composite_experiment", tmp_path, {"n_cells": 2000})
    check_folder(tmp_path, results)
    assert results["contradictions"] == ["glucose"] and results["n_overlaps"] == 1
    assert results["audit_error_max"] <= 1e-6 and results["carbon_drift"] <= 1e-6
    again = run_report("composite_experiment", tmp_path / "again", {"n_cells": 2000})
    assert again["marker_mean_end"] == results["marker_mean_end"]


@pytest.mark.parametrize("template", CONCLUDE)
def test_an_answer_needs_numbers(template):
    """Without results there is no answer: nothing is made up."""
    with pytest.raises((KeyError, ValueError)):
        CONCLUDE[template]({})


def test_an_answer_that_cannot_be_proved_wrong_is_refused():
    with pytest.raises(ValueError, match="Name what to measure"):
        Answer("Order it.", "Sure.", "Nothing.", "If it does not work.")


def test_a_file_is_named_from_where_the_caller_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ReportError, match="Expected datum, value, standard_error, source in .*found a, b"):
        run_report("composite_experiment", "report", {"data_file": "mine.csv", "n_cells": 200, "hours": 2.0})
    assert not (tmp_path / "report" / "results.json").exists()
