"""Exact simulation of the commitment network against GillesPy2's C++ solver: same run, one core each, in turns.

    python tests/bench/network_speed.py PEER_PYTHON [TRAJECTORIES]

Prints CPU seconds, the ratio, Kolmogorov-Smirnov p of every species, the time of 150 clones, and the physical limit.
"""
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.stats import ks_2samp

from virtualcell.core import canonical
from virtualcell.ledger import GENESIS, Ledger, entry_hash
from virtualcell.sim.tcell import SPECIES, simulate_cells, simulate_clones

ROUNDS = 3
OPERATIONS_PER_EVENT = 120  # rates, scan, two draws and a logarithm, counted by hand
PER_CYCLE = 2  # scalar operations that a core sustains


def ours(n, seed):
    start = time.process_time()
    paths, events = simulate_cells(n, chromatin=False, random_state=seed)
    return time.process_time() - start, paths[:, 0, :6], events


def theirs(peer, n, seed, folder):
    out = Path(folder) / f"{seed}.npy"
    script = Path(__file__).with_name("peer_gillespy2.py")
    # GillesPy2 starts SCons with the base interpreter, which must be able to import it.
    site = next(Path(peer).absolute().parent.parent.glob("lib/python*/site-packages"))
    done = subprocess.run([peer, script, str(n), str(seed), out], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(site)})
    if done.returncode: raise RuntimeError(done.stderr[-2000:])
    said = done.stdout.split()
    return float(said[0]), np.load(out), float(said[1]), said[2]


def ledger_seconds(n=100_000):
    prev, lines = GENESIS, []
    for i in range(n):
        entry = {"i": i, "time_utc": "", "actor": "", "type": "peek", "payload": {}, "prev": prev}
        entry["hash"] = prev = entry_hash(entry)
        lines.append(canonical(entry).encode() + b"\n")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "l.jsonl").write_bytes(b"".join(lines))
        start = time.perf_counter()
        assert Ledger(Path(folder) / "l.jsonl").verify().n_entries == n
        return time.perf_counter() - start


def main():
    peer, n = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    simulate_cells(2), simulate_clones(1)  # compile
    mine, other = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, ROUNDS + 1):  # in turns, so that both meet the same machine
            seconds, sample, events = ours(n, seed)
            mine.append(seconds)
            spent, reference, compile_s, version = theirs(peer, n, seed, folder)
            other.append(spent)
    a, b = statistics.median(mine), statistics.median(other)
    start = time.process_time()
    clones = simulate_clones(150, random_state=1)
    clone_s = time.process_time() - start
    p = [ks_2samp(sample[:, k], reference[:, k]).pvalue for k in range(6)]
    say = sys.stdout.write
    chip = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    table = [("virtualcell, exact, one core", a, n / a, events / a, b / a),
             (f"GillesPy2 {version} SSACSolver, C++ (and {compile_s:.1f} s compilation)", b, n / b, events / b, 1.0)]
    say(f"{chip}, Python {platform.python_version()}, {n} trajectories, median of {ROUNDS}, compilation left out\n\n")
    say("| what | CPU s | trajectories/s | events/s | ratio |\n|---|---|---|---|---|\n")
    for what, *numbers in table:
        say(f"| {what} | {numbers[0]:.3f} | {numbers[1]:,.0f} | {numbers[2]:.3g} | {numbers[3]:.1f} |\n")
    say(f"\n150 clones of the full model: {clone_s:.2f} s CPU, {clones.events / clone_s:.3g} events/s\n")
    say(f"ledger of 100,000 entries verified in {ledger_seconds():.2f} s\n")
    say("Kolmogorov-Smirnov p: " + ", ".join(f"{s} {v:.2f}" for s, v in zip(SPECIES, p, strict=True)) + "\n")
    say(f"limit: about {OPERATIONS_PER_EVENT} operations an event; at {PER_CYCLE} per cycle of 3 GHz that is "
        f"{PER_CYCLE * 3e9 / OPERATIONS_PER_EVENT:.3g} events/s on one core; this run reached {events / a:.3g}\n")
    assert b / a >= 3 and min(p) > 0.01 and clone_s <= 2


if __name__ == "__main__":
    main()
