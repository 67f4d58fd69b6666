"""The GPU benchmark's networks are the library's, its script runs, and the device agrees with the processor."""
import importlib.util
import json
import os
import subprocess
import sys

import pytest
from scipy.stats import ks_2samp

from virtualcell.core import canonical
from virtualcell.sim.network import compile_plan
from virtualcell.sim.trajectories import RunConfig, choose_device, simulate
from virtualcell.systems.tcell import DEFAULT_MODEL, SNAPSHOTS_AU, T_MAX_AU, tcell_division, tcell_network


def held():
    found = {}
    for name, chromatin in (("network", False), ("full", True)):
        network = tcell_network(chromatin=chromatin)
        division = tcell_division(DEFAULT_MODEL)
        found[name] = {"plan": compile_plan(network, "triton")._asdict(), "start": network.start,
                       "values": network.values,
                       "division": {"mean": division.mean, "sd": division.sd}, "times": SNAPSHOTS_AU, "end": T_MAX_AU}
    return json.loads(canonical(found))


def test_the_benchmark_runs_the_librarys_networks(root):
    path = root / "tests" / "bench" / "commitment.json"
    if os.environ.get("RENEW"): path.write_text(json.dumps(held(), indent=1) + "\n")
    assert json.loads(path.read_text()) == held(), "RENEW=1 pytest tests/test_gpu.py writes it again"


@pytest.mark.slow
def test_the_benchmark_script_runs(root):
    if importlib.util.find_spec("triton") is None: pytest.skip("no triton here")
    script = root / "tests" / "bench" / "gpu.py"
    done = subprocess.run([sys.executable, script, "--small"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "exact events" in done.stdout and "clones, full model" in done.stdout


@pytest.mark.gpu
def test_the_device_gives_the_processors_distributions():
    import torch
    if not torch.cuda.is_available(): pytest.skip("no CUDA device")
    network, times = tcell_network(chromatin=False), (60.0, 287.0)
    lanes, cells = (simulate(network, 20_000, times, random_state=seed, run=RunConfig(device=device))
                    for seed, device in ((1, "cuda"), (2, "cpu")))
    p = [ks_2samp(lanes.states[:, k, i], cells.states[:, k, i]).pvalue for k in range(2) for i in range(6)]
    assert min(p) > 0.01 / 12
    again = simulate(network, 20_000, times, random_state=1, run=RunConfig(device="cuda"))
    assert (again.states == lanes.states).all()


def test_a_gpu_that_is_not_there_is_an_error_not_a_slow_answer():
    if choose_device(RunConfig()) == "cuda": pytest.skip("there is one")
    with pytest.raises(ValueError, match="a CUDA device, found none"):
        choose_device(RunConfig(device="cuda"))
