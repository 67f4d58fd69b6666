"""What is known of targets: read honestly, kept in a file, part of what is fitted, and nothing else is answered for."""
import gzip
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_models import ASKED, GENES, learned_from

from virtualcell.artifact import ArtifactError
from virtualcell.constraints.intervention import parse
from virtualcell.core import ContractError, file_digest, stream
from virtualcell.data.knowledge import coverage, read_knowledge
from virtualcell.evaluate.calibration import with_crossval_error
from virtualcell.models.baselines import Neighbours, PerturbedMean
from virtualcell.models.prior_gp import PriorGP
from virtualcell.protocol import Training, load_fitted, load_knowledge
from virtualcell.screen.enumerate import Candidates

MODELS = [Neighbours(), PriorGP(), with_crossval_error(Neighbours(), 2), PerturbedMean()]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{type(model).__name__} {model.name}")
ABOUT = {"name": "mine", "source": "this test", "licence": "CC0"}


def variants(table):
    """One table for each thing that can be said differently."""
    number, unknown = table.matrix.copy(), table.mask.copy()
    number[3, 1] = np.nextafter(number[3, 1], np.inf)
    unknown[5] = False
    turned = {"targets": table.targets[::-1], "matrix": table.matrix[::-1]}
    for change in ({"matrix": number}, {"mask": unknown}, {"source": "elsewhere"}, {"licence": "not to be shared"},
                   {"features": ("x", "y", "z")}, {"name": "other"}, turned):
        yield replace(table, **change)


@every_model
def test_whatever_is_said_of_knowledge_is_in_the_digest_of_what_is_fitted(model):
    training = learned_from()
    others = [replace(training, knowledge=(one,)) for one in variants(training.knowledge[0])]
    assert len({model.fit(one).digest for one in (training, *others)}) == len(others) + 1
    again = replace(training.knowledge[0], matrix=training.knowledge[0].matrix.copy())
    assert model.fit(replace(training, knowledge=again)).digest == model.fit(training).digest


@every_model
def test_a_model_asked_with_other_knowledge_refuses(model, tmp_path):
    training = learned_from()
    fitted, table = model.fit(training), training.knowledge[0]
    for one in (fitted, load_fitted(fitted.save(tmp_path / "model.vc"))):
        assert one.knowledge == {"toy": table.digest}
        said = load_knowledge(table.save(tmp_path / "toy.vc"))
        assert one.predict(ASKED, knowledge=said).digest == one.predict(ASKED).digest
        for other in variants(table):
            with pytest.raises(ContractError) as refused:
                one.predict(ASKED, knowledge=(other,))
            assert table.digest[:12] in str(refused.value) and other.digest[:12] in str(refused.value)
        with pytest.raises(ContractError, match="found other"):
            one.predict(ASKED, knowledge=[table, replace(table, name="other")])


def test_a_model_that_saw_none_refuses_any():
    table = learned_from().knowledge[0]
    with pytest.raises(ContractError, match=r"learned from \(nothing\), found toy"):
        PerturbedMean().fit(replace(learned_from(), knowledge=())).predict(ASKED, knowledge=table)
    with pytest.raises(ContractError, match="found toy twice or more"):
        Training(knowledge=(table, replace(table, source="elsewhere")))


@every_model
def test_what_is_not_known_is_not_zero(model):
    """Whatever stands in a masked row, the answer is the same; and the target has no support from it."""
    training = learned_from()
    table, mask = training.knowledge[0], np.array([gene not in ("G3", "G7") for gene in GENES])
    rubbish = [np.where(mask[:, None], table.matrix, value) for value in (0.0, 1e9, np.nan)]
    fits = [model.fit(replace(training, knowledge=replace(table, matrix=one, mask=mask))) for one in rubbish]
    assert len({one.digest for one in fits}) == 1
    if "knowledge" in model.needs:
        assert not fits[0].predict(["KO:G3", "KO:G7"]).support.any() and fits[0].predict(["KO:G5"]).support.all()


def test_a_file_of_knowledge_is_whole_or_refused(tmp_path):
    table = replace(learned_from().knowledge[0], features=("a", "b", "c"), source="é", licence="CC0")
    path = table.save(tmp_path / "toy.vc")
    assert load_knowledge(path).digest == table.digest and load_knowledge(path).features == table.features
    assert file_digest(load_knowledge(path).save(tmp_path / "again.vc")) == file_digest(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArtifactError):
        load_knowledge(path)


@pytest.mark.parametrize("ending", ["csv", "tsv.gz", "parquet"])
def test_a_table_is_read_to_the_last_digit_and_holes_stay_holes(ending, tmp_path):
    rng = stream(0, "holes", ending)
    values = rng.normal(size=(200, 4)) * 10.0 ** rng.integers(-200, 149, (200, 4))
    values[rng.random((200, 4)) < 0.1] = np.nan
    held = pd.DataFrame(values, columns=list("abcd")).assign(gene=[f"T{i}" for i in range(200)])
    path = tmp_path / f"mine.{ending}"
    if ending == "parquet":
        held.to_parquet(path)
    else:
        held.to_csv(path, sep="," if ending == "csv" else "\t", index=False)
    table, whole = read_knowledge(path, **ABOUT, standardise=False), ~np.isnan(values).any(1)
    assert table.features == tuple("abcd") and np.array_equal(table.mask, whole) and 50 < whole.sum() < 200
    assert np.array_equal(table.matrix[whole], values[whole]) and np.isnan(table.matrix[~whole]).all()
    brought = read_knowledge(path, **ABOUT).matrix[whole]
    assert np.allclose(brought.mean(0), 0, atol=1e-12) and np.allclose(brought.std(0), 1)
    covered = coverage(table, [*table.targets, "elsewhere"])
    assert covered["known"].sum() == whole.sum() and covered["reason"].value_counts()["not complete"] == (~whole).sum()


@pytest.mark.parametrize(("columns", "message"), [
    ({"gene": ["A", "B"], "x": ["1.5", "2,5"]}, r"beside the targets \(gene\), found x \('2,5' in row 2, B\)"),
    ({"gene": ["A", "B"], "day": pd.to_datetime(["2024-01-01", "2024-01-02"])}, r"found day \(datetime64"),
    ({"gene": ["A", "A "], "x": [1, 2]}, "found duplicates: A. Merge"),
    ({"gene": ["A", " "], "x": [1, 2]}, "found 1 without one"),
    ({"gene": ["A", "B"], "x": [1, -np.inf]}, r"found -inf in x \(row 2, B\)"),
    ({"gene": ["A", "B"], "x": [2e150, 1]}, r"within ±1e150, found 2e\+150 in x \(row 1, A\)"),
    ({"gene": ["A", "B"], "x": [1, 2], "y": [3, 3]}, r"found the same in all: y \(3\)"),
    ({"gene": ["A", "B"], "x": [1, np.nan]}, r"found the same in all: x \(1\)"),
    ({"gene": ["A", "B"], "x": [np.nan, np.nan]}, r"none: x \(100% missing\)"),
    ({"x": [1.0, 2.0], "y": [1.0, 2.0]}, "a text column with the names of targets, found x, y"),
    ({"gene": [], "x": []}, "one row per target in mine, found no rows"),
])
def test_tables_that_cannot_be_right_are_refused(columns, message):
    with pytest.raises(ContractError, match=message):
        read_knowledge(pd.DataFrame(columns), **ABOUT)


@pytest.mark.parametrize(("scale", "origin"), [(1000, 0), (1, 2000), (1e-150, 0), (-1e140, 1e140)])
def test_unit_and_origin_of_a_column_change_no_answer(scale, origin):
    training, values = learned_from(), stream(0, "units").normal(size=(24, 3))
    means = []
    for x in (values[:, 0], values[:, 0] * scale + origin):
        held = pd.DataFrame({"gene": GENES, "x": x, "y": values[:, 1], "z": values[:, 2]})
        means.append(PriorGP().fit(replace(training, knowledge=read_knowledge(held, **ABOUT))).predict(ASKED).mean)
    assert np.allclose(means[0], means[1], atol=1e-8)


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "csv.gz", "tsv.gz"])
@pytest.mark.parametrize(("lines", "message"), [
    ("gene,x,y|A,1,2,3|B,4,5,6", "3 values in each line of mine.*, found 4 in line 2"),
    ("gene,x,y|A,1,2|B,4", "found 2 in line 3"),
    ("gene,x,y|A,1,2|B,4,5,", "found 4 in line 3"),
    ("gene;x;y|A;1,5;2|B;1;2", "(found one column 'gene;x;y'|found 2 in line 2)"),
    ("gene,x,y", "found no rows"),
    ("gene,x,y|A,1,2|B,1e400,2", r"found x \('1e400' in row 2, B\)"),
    ("", "EmptyDataError"),
])
def test_a_text_file_never_shifts(ending, lines, message, tmp_path):
    separator, path = "," if ending.startswith("csv") else "\t", tmp_path / f"mine.{ending}"
    content = lines.replace(",", separator).replace("|", "\r\n").encode()
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    with pytest.raises(ContractError, match=message):
        read_knowledge(path, **ABOUT)


def test_coverage_counts_the_targets_of_whatever_names_them():
    table = replace(learned_from().knowledge[0], targets=("KO:odd", "control", *GENES[2:]))
    assert coverage(table, ["KO:G2+KO:G3@48h", parse("KO:G2"), "G2", "HGNC:5", "KO:odd", "control"]).set_index(
        "target")["n_asked"].to_dict() == {"G2": 3, "G3": 1, "HGNC:5": 1, "KO:odd": 1, "control": 1}
    parts = parse("KO:G2+KO:G3").parts
    offer = Candidates(parts, np.array([[0, -1], [0, 1]]), np.ones(2), "none")
    assert coverage(table, offer)["n_asked"].tolist() == coverage(table, offer.frame["intervention"])[
        "n_asked"].tolist() == [2, 1]
    for wrong in ("G2", "KO:G2", offer.frame):
        with pytest.raises(ContractError, match="Expected .*, found .*\\. (Write|Pass)"):
            coverage(table, wrong)
