"""What the README promises: its examples run, also twice in one folder, and print what stands below them."""
import re
import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def programs(readme):
    """[code, shown output] of each program; a block without the import goes on with the one before."""
    found = []
    for language, text in re.findall(r"```(python|text)\n(.*?)```", readme, re.S):
        if language == "python" and re.match("(import|from) virtualcell", text):
            found.append(["", ""])
        found[-1][language == "text"] += text
    return found


def run(program, folder, times=2):
    code, shown = program
    for _ in range(times):
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout == shown


def test_the_first_example_is_short(programs, readme):
    first = readme.split("```python\n")[1].split("```")[0]
    assert len(first.splitlines()) <= 12 and programs[0][0].startswith(first) and len(programs) == 3


def test_the_first_example_and_the_loop_that_goes_on_with_it(programs, tmp_path):
    run(programs[0], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["screen"]


def test_own_data(programs, tmp_path):
    """Fourteen knock-outs, three donors, two cell types, in the column names of the field."""
    import anndata
    import pandas as pd
    genes = ["CD5", "IL7R", "CD3E", "LCK", "ZAP70", "LAT", "IL2RA", "TP53", "MYC", "JAK2", "STAT1", "IRF1", "GATA3"]
    rows = [(gene, donor, kind) for donor in ("d1", "d2", "d3") for kind in ("CD4", "CD8")
            for gene in ("non-targeting", *genes) for _ in range(25)]
    obs = pd.DataFrame(rows, columns=["target_gene", "donor", "cell_type"], index=[f"c{i}" for i in range(len(rows))])
    counts = np.random.default_rng(0).poisson(5, (len(rows), 30)).astype("float32")
    anndata.AnnData(counts, obs, pd.DataFrame(index=[f"g{i}" for i in range(30)])).write_h5ad(tmp_path / "mine.h5ad")
    run(programs[1], tmp_path)
    assert (tmp_path / "model.vc").exists()


def test_own_mechanism(programs, tmp_path):
    run(programs[2], tmp_path, times=1)  # leaves nothing behind


def test_what_it_names_exists(root, readme):
    targets = [part.split(")")[0] for part in readme.split("](")[1:]]
    headings = {"#" + heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)", readme, re.M)}
    assert [t for t in targets if not (t in headings or t[0] != "#" and (root / t).exists())] == []
    for command in ("make report", "make test", "make lab", "make docs"):
        assert command in readme and f"\n{command.split()[1]}:" in (root / "Makefile").read_text(encoding="utf-8")


def test_reports_it_lists_are_those_that_ship(root, readme):
    assert set(re.findall(r"^\| `virtualcell report (\w+)`", readme, re.M)) == {
        path.stem for path in (root / "templates").glob("*.ipynb")}
