"""Run every page of the notebooks:  python tools/check_pages.py [--jobs 2] [--flags slow] [PAGE …]

Prints the slowest twenty, and fails if a page fails or takes longer than its budget. A page's time is the smaller of
wall clock and processor time, so that a neighbour at work does not make a page slow. Cells that need more stand behind
`#| slow`.
"""
import argparse
import os
import resource
import sys
import time
import tomllib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUDGET_S = 20.0  # of one page, without the cells behind flags


def used():
    """Processor seconds of this process and of those it has waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def run(path, skip, force):
    """(page, whether it passed, seconds)"""
    from nbdev.test import test_nb
    wall, cpu = time.perf_counter(), used()
    passed, _ = test_nb(path, skip_flags=skip, force_flags=force, basepath=ROOT)
    return path, passed, min(time.perf_counter() - wall, used() - cpu)


def main():
    parser = argparse.ArgumentParser(description="Run every page of the notebooks")
    parser.add_argument("pages", nargs="*", type=Path, help="by default all")
    parser.add_argument("--jobs", type=int, default=2, help="pages run at once")
    parser.add_argument("--flags", default="", help="flags of cells that are left out otherwise, such as slow")
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["MPLBACKEND"] = "Agg"
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["nbdev"]
    pages = [p.resolve() for p in args.pages] or sorted(
        p for p in (ROOT / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    force = args.flags.split()
    if force:  # only pages that have such cells
        pages = [p for p in pages if any(f"#| {flag}" in p.read_text(encoding="utf-8") for flag in force)]
    started = time.perf_counter()
    with ProcessPoolExecutor(args.jobs, max_tasks_per_child=1) as pool:  # a fresh process for every page
        found = list(pool.map(run, pages, [config["tst_flags"].split()] * len(pages), [force] * len(pages)))
    for path, _, seconds in sorted(found, key=lambda row: -row[2])[:20]:
        print(f"{seconds:6.1f} s  {path.relative_to(ROOT)}")
    broken = [str(path.relative_to(ROOT)) for path, passed, _ in found if not passed]
    late = [str(path.relative_to(ROOT)) for path, _, seconds in found if seconds > BUDGET_S and not force]
    print(f"{len(found)} pages in {time.perf_counter() - started:.0f} s")
    if broken:
        print("failed:", *broken, sep="\n  ", file=sys.stderr)
    if late:
        print(f"above {BUDGET_S:g} s (put what takes long behind #| slow):", *late, sep="\n  ", file=sys.stderr)
    sys.exit(bool(broken or late))


if __name__ == "__main__":
    main()
