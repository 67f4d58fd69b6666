"""Run every page of the notebooks:  python tools/check_pages.py [--jobs 2] [--flags slow] [--force] [PAGE …]

Prints the slowest twenty, and fails if a page fails or takes longer than its budget; a page that has run already, here
or for `make docs`, keeps its time (tools/pages.py). Cells that need more stand behind `#| slow`: with --flags, the
pages that have such cells run with them, always and without a budget.
"""
import argparse
import sys
import time
from pathlib import Path

import pages

BUDGET_S = 20.0  # of one page, without the cells behind flags


def main():
    parser = argparse.ArgumentParser(description="Run every page of the notebooks")
    parser.add_argument("pages", nargs="*", type=Path, help="by default all")
    parser.add_argument("--jobs", type=int, default=2, help="pages run at once")
    parser.add_argument("--flags", default="", help="flags of cells that are left out otherwise, such as slow")
    parser.add_argument("--force", action="store_true", help="run pages again that have run already")
    args = parser.parse_args()
    flags, started = args.flags.split(), time.perf_counter()
    chosen = [page.resolve() for page in args.pages] or pages.notebooks()
    if flags:  # only pages that have such cells
        chosen = [p for p in chosen if any(f"#| {flag}" in p.read_text(encoding="utf-8") for flag in flags)]
    if args.force:
        for page in chosen: pages.place(page).unlink(missing_ok=True)
    new = [page for page in chosen if flags or not pages.place(page).exists()]
    work = (lambda page: pages.run(page, flags)) if flags else pages.executed
    broken = [str(page.relative_to(pages.ROOT)) for page, passed in pages.in_forks(work, new, args.jobs) if not passed]
    times = {page.relative_to(pages.ROOT): pages.seconds(pages.place(page)) for page in chosen
             if not flags and pages.place(page).exists()}
    for page, seconds in sorted(times.items(), key=lambda row: -row[1])[:20]:
        print(f"{seconds:6.1f} s  {page}")
    late = [str(page) for page, seconds in times.items() if seconds > BUDGET_S]
    print(f"{len(chosen)} pages, {len(new)} of them run now, in {time.perf_counter() - started:.0f} s")
    if broken:
        print("failed:", *broken, sep="\n  ", file=sys.stderr)
    if late:
        print(f"above {BUDGET_S:g} s (put what takes long behind #| slow):", *late, sep="\n  ", file=sys.stderr)
    sys.exit(bool(broken or late))


if __name__ == "__main__":
    main()
