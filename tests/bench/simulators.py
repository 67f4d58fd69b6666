"""Our simulators beside others: same run, same machine, in turns. One table with ratio and physical limit.

    python tests/bench/simulators.py PEER_PYTHON [TRAJECTORIES]

GillesPy2 (GPL-3), bioscrape and vivarium-core live in PEER_PYTHON's environment; libRoadRunner is a test dependency.
"""
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import roadrunner
from scipy.stats import ks_2samp

from virtualcell.sim.approximate import Solver
from virtualcell.sim.compose import Composite, Process, Variable, initial_state, run_composite
from virtualcell.sim.network import rates_at, stoichiometry
from virtualcell.sim.sbml import to_sbml
from virtualcell.sim.trajectories import RunConfig, simulate
from virtualcell.systems.colony import Culture, simulate_colony
from virtualcell.systems.examples import gene_network
from virtualcell.systems.tcell import T_MAX_AU, simulate_tcell_clones, tcell_network

ROUNDS, HERE = 3, Path(__file__).parent
NETWORK = tcell_network(chromatin=False)
ONE, TWO = RunConfig(n_jobs=1, progress=False, pilot=0), RunConfig(n_jobs=2, progress=False, pilot=0, chunk=512)
say = sys.stdout.write


def timed(call, clock=time.process_time):
    start = clock()
    result = call()
    return clock() - start, result


def best(call, rounds=ROUNDS, clock=time.process_time):
    found = [timed(call, clock) for _ in range(rounds)]
    return statistics.median(seconds for seconds, _ in found), found[-1][1]


def peer(python, script, *arguments):
    """CPU seconds or a rate, and the sample of a peer in its own environment."""
    site = next(Path(python).absolute().parent.parent.glob("lib/python*/site-packages"))  # for GillesPy2's SCons
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.npy"
        done = subprocess.run([python, HERE / script, *map(str, arguments), *([out] if arguments else [])], text=True,
                              capture_output=True, env=os.environ | {"PYTHONPATH": f"{site}:{HERE}"})
        if done.returncode: raise RuntimeError(done.stderr[-2000:])
        return [float(word) for word in done.stdout.split()[:1]][0], np.load(out) if arguments else None


def by_roadrunner(n, seed):
    with tempfile.TemporaryDirectory() as folder: runner = roadrunner.RoadRunner(str(to_sbml(NETWORK, Path(folder) / "n.xml")))
    runner.setIntegrator("gillespie")
    runner.integrator.seed = seed
    runner.integrator.variable_step_size = False
    found = np.empty((n, 6))
    start = time.process_time()
    for k in range(n):
        runner.resetToOrigin()
        found[k] = np.asarray(runner.simulate(0, T_MAX_AU, 2))[-1, 1:]
    return time.process_time() - start, found


def exact_rows(python, n):
    simulate(NETWORK, 10, (T_MAX_AU,), run=ONE)
    mine, others = [], {"GillesPy2 SSACSolver, C++": [], "libRoadRunner gillespie": [], "bioscrape": []}
    for seed in range(1, ROUNDS + 1):  # in turns, so that all meet the same machine
        seconds, paths = timed(lambda seed=seed: simulate(NETWORK, n, (T_MAX_AU,), random_state=seed, run=ONE))
        mine.append(seconds)
        others["GillesPy2 SSACSolver, C++"].append(peer(python, "peer_gillespy2.py", n, seed))
        others["libRoadRunner gillespie"].append(by_roadrunner(n // 4, seed))
        others["bioscrape"].append(peer(python, "peer_bioscrape.py", n // 4, seed))
    wall, _ = best(lambda: simulate(NETWORK, 5 * n, (T_MAX_AU,), run=TWO), clock=time.perf_counter)
    a, rate = statistics.median(mine), paths.events / n
    yield "exact, one core", f"{n / a:,.0f} trajectories/s, {n * rate / a:.3g} events/s", "–", "5e7 events/s"
    ratios = {}
    for name, found in others.items():
        sample = found[-1][1]
        speed = len(sample) / statistics.median(seconds for seconds, _ in found)
        p = min(ks_2samp(paths.states[:, 0, k], sample[:, k]).pvalue for k in range(6))
        ratios[name] = n / a / speed, 5 * n / wall / speed
        yield name, f"{speed:,.0f} trajectories/s", f"ours {ratios[name][0]:.1f}× on one core, {ratios[name][1]:.1f}× on two; KS p {p:.2f}", ""
        assert p > 0.01 / 6, (name, p)
    yield "exact, two cores", f"{5 * n / wall:,.0f} trajectories/s, {5 * n * rate / wall:.3g} events/s", "", "1e8 events/s"
    if ratios["GillesPy2 SSACSolver, C++"][0] < 5: say("BELOW 5x GillesPy2 on one core\n")


def equation_rows():
    n = 20_000
    rk4 = Solver("ode", step=1.0)
    values = np.repeat(NETWORK.values[None], n, 0) * np.random.default_rng(0).uniform(0.9, 1.1, (n, 1))
    go = lambda run: simulate(NETWORK, 1, (T_MAX_AU,), method=rk4, values=values, run=run)
    go(ONE)
    one, paths = best(lambda: go(ONE))
    two, _ = best(lambda: go(TWO), clock=time.perf_counter)
    with tempfile.TemporaryDirectory() as folder: runner = roadrunner.RoadRunner(str(to_sbml(NETWORK, Path(folder) / "n.xml")))
    names = [p.name for p in NETWORK.parameters]
    found, some = np.empty((500, 6)), range(500)
    start = time.process_time()
    for _ in some:
        runner.resetToOrigin()
        runner.simulate(0, T_MAX_AU, 101)
    theirs = 500 / (time.process_time() - start)
    for k in some:
        runner.resetAll()
        for name, value in zip(names, values[k], strict=True): runner[name] = value
        runner.reset()
        found[k] = np.asarray(runner.simulate(0, T_MAX_AU, 101))[-1, 1:]
    error = np.abs(paths.states[:500, 0] - found) / np.maximum(np.abs(found), 1)
    yield ("equations, RK4, 20,000 parameter sets", f"{n / one:,.0f}/s on one core, {n / two:,.0f}/s on two",
           f"{n / one / theirs:.1f}× and {n / two / theirs:.1f}× libRoadRunner CVODE ({theirs:,.0f}/s); largest relative error {error.max():.1e}",
           "280 operations a step: 2e7 steps/s per core")


def slow_genes(network, rng, end):
    """The same exact simulation of one cell: a Python loop over events, numpy over genes. Returns events."""
    value, names = {p.name: p.value for p in network.parameters}, list(network.names)
    wires = [re.findall(r"(1 - w_\w+ \+ |1 - )?w_(\w+?)_(\w+) \* hill", one.rate) for one in network.reactions[::2]]
    regulator = np.array([[names.index(source) for _, _, source in row] for row in wires])
    weight = np.array([[value[f"w_{gene}_{source}"] for _, gene, source in row] for row in wires])
    half = np.array([[value[f"K_{gene}_{source}"] for _, gene, source in row] for row in wires]) ** 2
    up = np.array([["+" in before for before, _, _ in row] for row in wires])
    floor, slope = np.where(up, 1 - weight, 1.0), np.where(up, weight, -weight)
    rate, decay = (np.array([value[f"{kind}_{gene}"] for gene in names]) for kind in "kd")
    state, now, events, burst, n = network.start.copy(), 0.0, 0, stoichiometry(network).max(), len(names)
    while True:
        square = state[regulator] ** 2
        made = rate * (floor + slope * square / (half + square)).prod(1)
        rates = np.concatenate([made, decay * state])
        if events == 0: assert np.allclose(rates, np.ravel(rates_at(network, state[None])[0].reshape(n, 2).T))
        total = np.cumsum(rates)
        now += rng.exponential(1 / total[-1])
        if now > end: return events
        j = int(np.searchsorted(total, rng.random() * total[-1]))
        state[j % n] += burst if j < n else -1
        events += 1


def gene_rows():
    network, n = gene_network(100, 12, mean_log=1.5, random_state=1), 2000
    simulate(network, 10, (1.0,), run=ONE)
    one, paths = best(lambda: simulate(network, n // 4, (48.0,), run=ONE))
    two, _ = best(lambda: simulate(network, n, (48.0,), run=TWO), clock=time.perf_counter)
    seconds, events = timed(lambda: slow_genes(network, np.random.default_rng(0), 48.0))
    slow = events / seconds / (paths.events / len(paths))
    yield ("100 genes, exact, 48 h", f"{n / 4 / one:,.0f} cells/s on one core, {n / two:,.0f} on two",
           f"{n / 4 / one / slow:,.0f}× and {n / two / slow:,.0f}× a Python loop over cells ({slow:.2g} cells/s); published tools 6 to 34 cells/s",
           f"{paths.events / len(paths):,.0f} events a cell")


def other_rows(python):
    simulate_colony(Culture(hours=1))
    seconds, _ = best(lambda: simulate_colony(random_state=1))
    yield "colony, 48 h, 4,700 cells", f"{seconds:.2f} s on one core", f"{10.7 / seconds:.0f}× the numpy prototype (10.7 s)", "fields 0.2 s"
    seconds, clones = best(lambda: simulate_tcell_clones(150, random_state=1))
    yield "150 clones, network, chromatin, division", f"{seconds:.2f} s on one core, {clones.events / seconds:.3g} events/s", "", ""
    light = Composite((Variable("x", 1.0),), (Process("nothing", {"x": ""}, {"x": ""}, lambda s, dt, keys: {"x": s["x"] * 0.0}),))
    start = initial_state(light, 100_000)
    seconds, _ = best(lambda: run_composite(light, start, 50.0, 1.0, every=50))
    ours, theirs = 50 * 100_000 / seconds, peer(python, "peer_vivarium.py")[0]
    yield ("composition, 100,000 cells", f"{1e6 / ours:.4f} us per cell-step", f"{ours / theirs:,.0f}× vivarium-core ({1e6 / theirs:.0f} us)",
           "memory: 24 bytes, 0.002 us")


FIRST = """
import time; start = time.perf_counter()
import numpy as np, pandas as pd
loaded = time.perf_counter()
from virtualcell.systems.examples import LIBRARY
from virtualcell.sim.network import changed, from_dict
from virtualcell.sim.trajectories import RunConfig, simulate
content = dict(LIBRARY["toggle"]); content["reactions"] = dict(content["reactions"])
content["reactions"]["make_U"] = {"equation": "-> U", "rate": "a * K**2 / (K**2 + V**2) + %r * U / (1 + U)"}
paths = simulate(from_dict(content), 1000, (5.0,), run=RunConfig(progress=False))
print(time.perf_counter() - loaded, time.perf_counter() - start)
"""
BIG = """
import resource
from virtualcell.sim.network import from_dict
from virtualcell.sim.trajectories import RunConfig, simulate
six = from_dict({"name": "six", "species": {f"X{k}": 2 for k in range(6)}, "parameters": {"make": 2.0, "lose": 1.0},
    "reactions": {f"{v}{k}": {"equation": e.format(k=k), "rate": r.format(k=k)} for k in range(6)
                  for v, e, r in (("make", "-> X{k}", "make"), ("lose", "X{k} ->", "lose * X{k}"))}})
paths = simulate(six, 1_000_000, (0.2, 0.4, 0.6, 0.8, 1.0), run=RunConfig(progress=False))
print(paths.seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def session_rows():
    runs = [subprocess.run([sys.executable, "-c", FIRST % (0.01 * (time.time_ns() % 9973))], capture_output=True, text=True, check=True)
            for _ in range(3)]
    first, whole = (statistics.median(float(run.stdout.split()[k]) for run in runs) for k in (0, 1))
    yield "first result of a new network, compilation included", f"{first:.1f} s ({whole:.1f} s with numpy and pandas)", "", "LLVM: about 1 s"
    run = subprocess.run([sys.executable, "-c", BIG], capture_output=True, text=True, check=True)
    seconds, gib = map(float, run.stdout.split())
    yield "1,000,000 cells × 6 species × 5 times", f"{gib:.2f} GiB peak, {seconds:.1f} s on all cores", "", "states alone 0.11 GiB"


def main():
    python, n = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    chip = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    say(f"{chip}, {os.cpu_count()} cores, Python {platform.python_version()}; median of {ROUNDS}, compilation left out unless said\n\n")
    say("| what | measured | ratio | limit |\n|---|---|---|---|\n")
    for rows in (exact_rows(python, n), equation_rows(), gene_rows(), other_rows(python), session_rows()):
        for row in rows:
            say("| " + " | ".join(row) + " |\n")
            sys.stdout.flush()
    say(f"\npeak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB\n")


if __name__ == "__main__":
    main()
