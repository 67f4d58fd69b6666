"""Run pages, each in a process of its own, and keep what they show: shared by check_pages.py and docs.py.

Libraries that take seconds to import are loaded once, and every page starts in a fork of that process. A page that ran
through is kept in _proc/pages/ under a digest of everything that can change what it shows: its cells, the library, the
templates, the files beside the notebooks, the lock, the Python version, and whether public data are at hand. So `make
test` and `make docs` run each page once between them.
"""
import hashlib
import importlib
import json
import multiprocessing
import os
import re
import resource
import sys
import time
import tomllib
from contextlib import chdir
from functools import cache
from multiprocessing.connection import wait
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NBS, KEPT = ROOT / "nbs", ROOT / "_proc" / "pages"
FLAGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["nbdev"]["tst_flags"].split()
CELL_TIMEOUT_S = 600
HEAVY = ("numba", "scipy.stats", "scipy.optimize", "matplotlib.pyplot", "anndata", "scanpy", "torch", "pyarrow.parquet",
         "sklearn.linear_model", "ipywidgets", "nbdev.processors", "execnb.shell", "virtualcell.report.render")


def notebooks():
    """Every page, in reading order."""
    return [path for path in sorted(NBS.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]


@cache
def surroundings():
    """Digest of what every page depends on."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {bool(os.environ.get('VIRTUALCELL_DATA'))}".encode())
    files = [ROOT / "constraints.txt", ROOT / "pyproject.toml", Path(__file__)]
    files += [p for folder in ("virtualcell", "templates") for p in sorted((ROOT / folder).rglob("*"))]
    files += [p for folder in ("tables", "pictures") for p in sorted((NBS / folder).rglob("*"))]
    for path in files:
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts):
            digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def place(source):
    """Where the page of notebook `source` is kept once it ran through."""
    cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
    cells = json.dumps([(cell["cell_type"], "".join(cell["source"])) for cell in cells])
    key = hashlib.sha256((surroundings() + cells).encode()).hexdigest()[:16]
    return KEPT / source.relative_to(NBS).parent / f"{source.stem}-{key}.ipynb"


def used():
    """Processor seconds of this process and of those it has waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def run(source, force=()):
    """Run notebook `source` here, with cells behind the flags in `force`; returns it with outputs and its seconds.

    A page's time is the smaller of wall clock and processor time, so that a neighbour at work does not make it slow.
    """
    from execnb.shell import CaptureShell
    from ipywidgets import Widget
    from nbdev.process import NBProcessor
    nb = NBProcessor(source, rm_directives=False, process=True).nb
    left_out = re.compile(r"^#\|\s*(" + "|".join(set(FLAGS) - set(force)) + r")\b", re.M)
    wall, cpu = time.perf_counter(), used()
    shell = CaptureShell(source, mpl_format="png")
    with chdir(source.parent):
        for cell in nb.cells:
            if cell.cell_type == "code" and not left_out.search(cell.source):
                shell.cell(cell, timeout=CELL_TIMEOUT_S)
                if shell.exc is not None: sys.exit(shell.prettytb(fname=source))
    nb.metadata["seconds"] = round(min(time.perf_counter() - wall, used() - cpu), 2)
    if (state := Widget.get_manager_state())["state"]:
        nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
    return nb


def executed(source):
    """The page of notebook `source`: kept, or run now and kept."""
    from fastcore.nbio import write_nb
    kept = place(source)
    if not kept.exists():
        nb = run(source)
        kept.parent.mkdir(parents=True, exist_ok=True)
        for old in kept.parent.glob(f"{source.stem}-*.ipynb"): old.unlink(missing_ok=True)
        half = kept.with_suffix(f".{os.getpid()}")
        write_nb(nb, half)
        half.replace(kept)
    return kept


def seconds(kept):
    return json.loads(kept.read_text(encoding="utf-8"))["metadata"]["seconds"]


def in_forks(work, pages, jobs):
    """Call `work(page)` in a fork of this process for each page; yields (page, whether it ran through)."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # several pages share the machine
    os.environ["IN_TEST"] = "1"  # nbdev's own switch: cells may see that nobody is watching
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # figures belong on the page
    for name in HEAVY: importlib.import_module(name)
    fork, waiting, running = multiprocessing.get_context("fork"), list(pages), {}
    while waiting or running:
        while waiting and len(running) < jobs:
            process = fork.Process(target=work, args=(waiting[0],))
            process.start()
            running[process.sentinel] = waiting.pop(0), process
        for sentinel in wait(list(running)):
            page, process = running.pop(sentinel)
            process.join()
            yield page, process.exitcode == 0
