"""Kills, full disks, forbidden folders, hostile text: nothing is lost, and the message has three parts."""
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from virtualcell.core import StorageError, writable_folder, write_atomic
from virtualcell.ledger import Ledger, LedgerError
from virtualcell.report.cli import main

SCREEN = """
import sys, pandas as pd
import virtualcell as vc
program = vc.Program.load("tcell_commitment")
names = vc.enumerate_candidates(program).allowed.interventions[:12]
model = vc.models.SimulatedResponse(vc.systems.TCellSimulator(n_clones=60, random_state=3)).fit(vc.Training())
effects = vc.run_screen(model, names, sys.argv[1], chunk_size=1)
vc.effects.to_frame(effects).to_csv(sys.argv[2], index=False)
"""


def test_a_killed_screen_resumes_and_gives_the_same_table(tmp_path):
    def start(folder, table):
        return subprocess.Popen([sys.executable, "-c", SCREEN, str(tmp_path / folder), str(tmp_path / table)])

    assert start("whole", "whole.csv").wait(100) == 0
    running, end = start("killed", "killed.csv"), time.monotonic() + 60
    while len(list((tmp_path / "killed").glob("chunk-*.json"))) < 6:
        assert running.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL and not (tmp_path / "killed.csv").exists()
    kept = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "killed").glob("chunk-*.json")}
    assert 6 <= len(kept) < 12
    assert start("killed", "killed.csv").wait(100) == 0
    assert (tmp_path / "killed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert all((tmp_path / "killed" / name).stat().st_mtime_ns == t for name, t in kept.items())  # not computed again


def _hold(path, ready, done):
    with Ledger(path).writer() as write:
        write("peek", {"who": "first"})
        ready.set()
        done.wait(20)


def test_a_second_process_cannot_write(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    first = context.Process(target=_hold, args=(tmp_path / "l.jsonl", ready, done))
    first.start()
    assert ready.wait(30)
    with pytest.raises(LedgerError, match="another writer at work. Wait until it is done"):
        Ledger(tmp_path / "l.jsonl").append("peek", {})
    assert Ledger(tmp_path / "l.jsonl").verify().n_entries == 1  # reading goes on
    done.set()
    first.join(20)
    Ledger(tmp_path / "l.jsonl").append("peek", {"who": "second"})
    assert Ledger(tmp_path / "l.jsonl").verify() == (True, 2, Ledger(tmp_path / "l.jsonl").head, "")


APPEND = """
import sys
from virtualcell.ledger import Ledger
with Ledger(sys.argv[1]).writer() as write:
    for i in range(100_000): write("peek", {"i": i, "text": "x" * 200})
"""


def test_a_killed_writer_leaves_a_chain_that_goes_on(tmp_path):
    path = tmp_path / "l.jsonl"
    running = subprocess.Popen([sys.executable, "-c", APPEND, str(path)])
    end = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < 20_000:
        assert running.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    running.kill()
    running.wait()
    before = Ledger(path).verify()
    assert before.n_entries > 10 and (before.ok or "torn" in before.problem)
    Ledger(path).append("close", {})
    assert Ledger(path).verify().n_entries == before.n_entries + 1


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    path = write_atomic(tmp_path / "table.csv", "old\n")
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.append("peek", {"i": 0})

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device. The disk is full: free some space"):
        write_atomic(path, "new\n")
    with pytest.raises(StorageError, match="The disk is full"):
        ledger.append("peek", {"i": 1})
    monkeypatch.undo()
    assert path.read_text() == "old\n" and sorted(p.name for p in tmp_path.iterdir()) == ["l.jsonl", "table.csv"]
    assert ledger.verify().n_entries == 1 and ledger.append("peek", {"i": 1})["i"] == 1


def test_a_folder_that_cannot_be_written_to_is_refused_before_any_work(tmp_path, monkeypatch):
    with pytest.raises(StorageError, match="Choose another folder"):
        writable_folder("/proc/virtualcell")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Choose another folder"):
        writable_folder(tmp_path / "file" / "folder")
    if os.geteuid():  # root may write anywhere
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(StorageError, match="change its permissions"):
            writable_folder(tmp_path / "locked" / "out")
    start = time.monotonic()
    assert main(["report", "tcell_screen", "--out", "/proc/virtualcell"]) == 2
    assert time.monotonic() - start < 10


def test_wrong_words_end_with_one_message(capsys):
    for words, text in ((["report", "tcell"], "one of the templates"),
                        (["report", "tcell_screen", "--set", "seed=1"], "parameters among"),
                        (["report", "tcell_screen", "--set", "n_clones=lots"], "n_clones as int"),
                        (["report", "tcell_screen", "--set", "x"], "key=value"),
                        (["data", "fetch", "papalexi"], "data set among")):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert text in said and "Expected" in said and ", found " in said and "Traceback" not in said


def test_bad_values_stop_a_report_at_once_and_keep_the_old_one(tmp_path, capsys):
    (tmp_path / "results.json").write_text('{"old": 1}\n')
    start = time.monotonic()
    assert main(["report", "tcell_screen", "--set", "n_clones=3", "--out", str(tmp_path)]) == 2
    assert time.monotonic() - start < 2 and "Expected n_clones from 150 to 20000, found 3" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]  # refused before anything ran
    assert json.loads((tmp_path / "results.json").read_text()) == {"old": 1}


def test_a_program_with_a_gene_that_the_model_does_not_know(tmp_path, capsys):
    from virtualcell.constraints.program import Program
    text = Program.load("tcell_commitment").to_yaml().replace("Tcf7", "CD5")
    mine = tmp_path / "mine.yaml"
    mine.write_text(text)
    assert main(["report", "tcell_screen", "--set", f"program_file={mine}", "--out", str(tmp_path / "out")]) == 2
    assert "Expected a target among Runx1, Tcf7, Gata3, PU.1, X, Notch" in capsys.readouterr().err


def test_hostile_names_stay_text_everywhere(tmp_path):
    """HTML and formulas in `obs` pass through mapping, status, pseudobulk, tables and pages as text."""
    from virtualcell.analysis.estimate import estimate_effects, pseudobulk
    from virtualcell.data.dialects import apply_mapping
    from virtualcell.data.schema import set_status, status_table
    from virtualcell.effects import to_frame
    from virtualcell.report.render import run_report
    bad = ["=HYPERLINK(http://x)", "@cmd", "-1+1", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>"]
    counts = np.random.default_rng(0).poisson(5, (240, 6)).astype("float32")
    obs = pd.DataFrame({"condition": np.tile(["ctrl", *bad[:3]], 60),
                        "replicate": np.repeat(["r1", *bad[3:]], 80)}, index=[f"c{i}" for i in range(240)])
    cells = anndata.AnnData(counts, obs, pd.DataFrame(index=[f"=g{i}" for i in range(6)]), layers={"counts": counts})
    named = apply_mapping(cells)
    with pytest.raises(ValueError, match="script"):
        apply_mapping(anndata.AnnData(counts, obs.assign(condition=np.tile(["ctrl", *bad[2:]], 60))))
    set_status(named, np.ones(240, bool), "validated", "<b>fine</b>")
    effects = to_frame(estimate_effects(pseudobulk(named, min_cells=5))).assign(note=bad[3])
    effects.to_parquet(tmp_path / "effects.parquet")
    status_table(named).to_parquet(tmp_path / "status.parquet")
    import nbformat
    code = nbformat.v4.new_code_cell
    body = ("import pandas as pd\nfrom virtualcell.report.show import show_results, show_table\n"
            f"show_table(pd.read_parquet({str(tmp_path / 'effects.parquet')!r}), 'effects')\n"
            f"show_table(pd.read_parquet({str(tmp_path / 'status.parquet')!r}), 'status')\n"
            f"show_results({{'name': {bad[3]!r}}})")
    cells_of = [nbformat.v4.new_markdown_cell("# T"), code("n = 1  # n", metadata={"tags": ["parameters"]}), code(body)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells_of), tmp_path / "t.ipynb")
    run_report(str(tmp_path / "t.ipynb"), tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    hidden = "&lt;script&gt;alert"
    assert hidden in page and not any(text in page for text in ("<script>alert", "<img src=x", "<b>fine"))
    for table in ("effects", "status"):
        for line in (tmp_path / "out" / "tables" / f"{table}.csv").read_text().splitlines():
            assert not any(field.lstrip('"')[:1] in ("=", "+", "@") for field in line.split(","))


@pytest.mark.parametrize("name", ["obs.csv", "notes.txt"])
def test_text_with_the_wrong_ending(tmp_path, name):
    from virtualcell.data.readers import FileFormatError, read_h5ad
    path = Path(tmp_path / name).with_suffix(".h5ad")
    path.write_text("gene,effect\nCD5,1\n")
    with pytest.raises(FileFormatError, match="Expected an HDF5 file at .*, found text"):
        read_h5ad(path)
