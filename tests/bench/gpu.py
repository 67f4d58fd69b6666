"""Fused kernels on a GPU: needs torch, triton and numpy, nothing else.  python tests/bench/gpu.py [--small]

Prints one table: exact events per second, Langevin cell-steps per second, a million clones, agreement with known
answers of the processor. `commitment.json` holds the commitment networks as the library writes them
(tests/test_gpu.py keeps it in step). `--small` is a check of the script itself, in Triton's interpreter if need be.
"""
import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

SMALL = "--small" in sys.argv
if SMALL: os.environ.setdefault("TRITON_INTERPRET", "1")

import torch  # noqa: E402
import triton  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from virtualcell.kernels import clones, fused  # noqa: E402
from virtualcell.kernels.emit import Plan  # noqa: E402

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
HELD = json.loads((Path(__file__).parent / "commitment.json").read_text())
TABLE = {"R": 5.94, "T": 29.5, "G": 3.31, "P": 3.11, "X": 7.57, "N": 7.35}  # 10,000 exact cells on a processor
say = sys.stdout.write


def freeze(value):
    return tuple(map(freeze, value)) if isinstance(value, list) else value


def network(name):
    held = HELD[name]
    return fused.load(Plan(**{key: freeze(value) for key, value in held["plan"].items()})), held


def keys(n, seed=1):
    """Mixed counters; the library takes its seeds from a digest, this script does not need one."""
    return clones.mix(torch.arange(n, dtype=torch.int64) + clones.signed(seed * clones.GAMMA)).numpy().view(np.uint64)


def cells(name, method, n, span, extra=()):
    code, held = network(name)
    state = torch.tensor(held["start"], dtype=torch.float32, device=DEVICE)[:, None].repeat(1, n).contiguous()
    tensor = lambda values: torch.tensor(values, dtype=torch.float32, device=DEVICE)
    work = (tensor(held["values"]), torch.ones(len(held["plan"]["rates"]), device=DEVICE),
            torch.tensor(keys(n).view(np.int64), device=DEVICE), torch.full((n,), span, device=DEVICE),
            torch.zeros(n, dtype=torch.int32, device=DEVICE))
    if DEVICE == "cuda": torch.cuda.synchronize()
    start = time.perf_counter()
    fused.launch(code, method, state, *work, extra)
    if DEVICE == "cuda": torch.cuda.synchronize()
    return time.perf_counter() - start, state, int(work[-1].sum(dtype=torch.int64))


def rule(state, own):
    """Without X closed sites become intermediate and half of the intermediate ones open."""
    gone = (state[4] == 0).float()
    opened = clones.heads(own, state[7]) * gone
    moved = state.clone()
    moved[8] += opened
    moved[7] += gone * state[6] - opened
    moved[6] -= gone * state[6]
    return moved


def million_clones(n):
    code, held = network("full")
    plan = SimpleNamespace(onset=np.array([0.0]), values=np.array(held["values"])[None, None],
                           factors=np.ones((1, len(held["plan"]["rates"]))), start=np.array(held["start"]))
    measure = lambda state: torch.stack([torch.ones_like(state[0]), (state[8] >= 375).float(), state[8]])
    times, end = np.array(held["times"]), held["end"]
    if SMALL: times, end = times[:1] / 4, float(times[0]) / 3
    start = time.perf_counter()
    sums, events = clones.totals(code, plan, SimpleNamespace(**held["division"]), keys(n, 2), end, times, measure, rule, DEVICE)
    return time.perf_counter() - start, sums, events


def main():
    n, span = (64, 4.0) if SMALL else (2**20, 287.325)
    where = torch.cuda.get_device_name() if DEVICE == "cuda" else "no GPU: Triton's interpreter, times mean nothing"
    driver = torch.version.cuda if DEVICE == "cuda" else "–"
    say(f"{where}, CUDA {driver}, torch {torch.__version__}, triton {triton.__version__}\n\n| what | measured | goal |\n|---|---|---|\n")
    for _ in range(2): seconds, state, events = cells("network", "race", n, span)  # the first run compiles
    say(f"| exact events, {n:,} cells | {events / seconds:.3g}/s ({seconds:.2f} s) | 3e9/s |\n")
    if not SMALL:
        means = state.mean(1).tolist()
        errors = (state.std(1) * (1 / n + 1 / 10_000) ** 0.5).tolist()
        z = [abs(mean - want) / error for mean, want, error in zip(means, TABLE.values(), errors, strict=True)]
        say(f"| means against the processor's | largest z {max(z):.1f} | below 4 |\n")
        say(f"| PU.1 lost | {(state[3] == 0).float().mean():.4f} | 0.714 ± 0.018 |\n")
        assert max(z) < 4.5, z
    steps = 20 if SMALL else 1000
    for _ in range(2): seconds, _, _ = cells("network", "langevin", n, span, (steps,))
    say(f"| Langevin cell-steps, {steps} in registers | {n * steps / seconds:.3g}/s | 3e10/s |\n")
    for _ in range(2): seconds, state, events = cells("network", "leap", n // 4, span, (0.03, 10.0))
    say(f"| leaping, {n // 4:,} cells | {events / seconds:.3g} events/s | – |\n")
    seconds, sums, events = million_clones(4 if SMALL else 1_000_000)
    say(f"| {len(sums):,} clones, full model | {seconds:.1f} s, {events / seconds:.3g} events/s | 60 s |\n")
    if not SMALL:
        share = (sums[:, -1, 1] / sums[:, -1, 0].clip(1)).mean()
        say(f"| cells per clone, committed, day 5 | {sums[:, -1, 0].mean():.1f}, {share:.4f} | 141, 0.229 to 0.259 |\n")
        assert 0.229 <= share <= 0.259


if __name__ == "__main__":
    main()
