"""What takes too long for a page: ten thousand trajectories against an independent simulator, twenty colonies."""
import warnings

import numpy as np
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from virtualcell.sim.approximate import Solver, run_steps
from virtualcell.sim.dosing import schedule
from virtualcell.sim.exact import cell_batch, compiled
from virtualcell.sim.network import from_dict, from_yaml, rates_at, to_yaml
from virtualcell.sim.sbml import to_sbml
from virtualcell.sim.streams import cell_keys
from virtualcell.sim.trajectories import ApproximationWarning, RunConfig, simulate, summarise
from virtualcell.systems.colony import Culture, simulate_colony
from virtualcell.systems.colony_rings import composition, ring_order, ring_radius
from virtualcell.systems.examples import LIBRARY, example
from virtualcell.systems.tcell import tcell_network

TIMES = {"birth_death": (1.0, 6.0), "dimerisation": (1.0, 10.0), "toggle": (3.0, 12.0), "repressilator": (4.0, 15.0),
         "commitment": (60.0, 287.325)}


def network_of(name):
    return tcell_network(chromatin=False) if name == "commitment" else example(name)


def referee(network, times, n, folder, seed=7):
    """Exact trajectories by libRoadRunner, which shares no code with ours and reads our SBML."""
    roadrunner = pytest.importorskip("roadrunner")
    runner = roadrunner.RoadRunner(str(to_sbml(network, folder / "network.xml")))
    runner.setIntegrator("gillespie")
    runner.integrator.seed = seed
    runner.integrator.variable_step_size = False
    runner.timeCourseSelections = ["time", *network.names]
    found = np.empty((n, len(times), len(network.names)))
    for cell in range(n):
        runner.resetToOrigin()
        before = 0.0
        for k, moment in enumerate(times):
            found[cell, k] = np.asarray(runner.simulate(before, moment, 2))[-1, 1:]
            before = moment
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", TIMES)
def test_exact_simulation_agrees_with_libroadrunner(name, tmp_path):
    network, times, n = network_of(name), TIMES[name], 10_000
    theirs = referee(network, times, n, tmp_path)
    ours = simulate(network, n, times, random_state=3, run=RunConfig(progress=False)).states
    p = [ks_2samp(ours[:, k, i], theirs[:, k, i]).pvalue for k in range(len(times)) for i in range(len(network.names))]
    assert min(p) > 0.01, p  # every species and time, uncorrected
    if name == "commitment":
        table = np.array([5.94, 29.5, 3.31, 3.11, 7.57, 7.35])
        last = ours[:, 1].astype(float)
        assert (abs(last.mean(0) - table) < 4 * last.std(0) * np.sqrt(2 / n) + 0.006).all()
        assert abs((last[:, 3] == 0).mean() - 0.714) < 0.018
        both = np.concatenate([ours[:, 1, 1], theirs[:, 1, 1]])
        rng = np.random.default_rng(0)
        null = []
        for _ in range(100):
            mixed = rng.permutation(both)
            null.append(wasserstein_distance(mixed[:n], mixed[n:]))
        assert wasserstein_distance(ours[:, 1, 1], theirs[:, 1, 1]) <= np.quantile(null, 0.99)


def test_an_approximation_of_the_commitment_model_says_that_it_is_wrong():
    network = tcell_network(chromatin=False)
    for method in ("langevin", "ode"):
        with pytest.warns(ApproximationWarning, match="instead of"):
            paths = simulate(network, 300, (150.0, 287.0), method=method, run=RunConfig(progress=False))
        assert paths.biased and "BIASED" in repr(paths)
    table = summarise(paths)
    assert table.query("species == 'T'")["mean"].iloc[1] > 38  # the equations see one of two kinds of cells
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not simulate(network, 300, (150.0,), method="leap", run=RunConfig(progress=False)).biased


def test_counts_are_whole_and_never_negative():
    for name in LIBRARY:
        states = simulate(example(name), 300, (2.0, 5.0), random_state=4, run=RunConfig(progress=False)).states
        assert states.dtype == np.int32 and (states >= 0).all(), name
        for method in ("leap", "langevin", "hybrid"):
            found = simulate(example(name), 200, (2.0, 5.0), method=method, random_state=4,
                             run=RunConfig(progress=False, pilot=0)).states
            assert (found >= 0).all(), (name, method)
    for method in ("exact", "leap"):
        closed = simulate(example("dimerisation"), 300, (40.0,), method=method,
                          run=RunConfig(progress=False, pilot=0)).states
        assert (abs(closed @ np.array([1.0, 2.0]) - 100) <= 1e-7).all(), method
    plan, keys = schedule(example("dimerisation")), cell_keys(1, np.arange(50))
    for method in (Solver("ode"), Solver("ode", step=0.1), Solver("langevin", step=0.05, at_zero="free")):
        cells = cell_batch(plan, keys, 5.0)  # as computed, before counts are kept in four bytes
        run_steps(example("dimerisation"), plan, cells, np.array([]), method)
        assert (abs(cells.state @ np.array([1.0, 2.0]) / 100 - 1) <= 1e-9).all(), method


def test_compiled_rates_are_the_readable_ones():
    """Every dialect against the reference, at random states."""
    rng = np.random.default_rng(5)
    for name in (*LIBRARY, "commitment"):
        network = network_of(name)
        code, out = compiled(network), np.empty(len(network.reactions))
        for state in rng.integers(0, 60, (20, len(network.names))).astype(float):
            code.rates(state, network.values, np.ones(len(out)), out)
            assert np.allclose(out, rates_at(network, state[None])[0], rtol=1e-12), name


def test_a_network_file_is_data(tmp_path):
    path = to_yaml(tcell_network(), tmp_path / "t.yaml")
    assert from_yaml(path).digest == tcell_network().digest
    text = path.read_text()
    path.write_text(text.replace("1 / (1 + p14*T + p15*G)", "__import__('os').getcwd()"))
    with pytest.raises(ValueError, match="numbers, names"):
        from_yaml(path)
    path.write_text("!!python/object/apply:os.getcwd []")
    with pytest.raises(ValueError, match="YAML"):
        from_yaml(path)
    for broken in ([], {"name": "x"}, {"name": "x", "species": {"A": {"start": 3}}, "reactions": {}}, {"speces": {}}):
        with pytest.raises(ValueError, match="Expected"):
            from_dict(broken)


@pytest.fixture(scope="module")
def colonies():
    from concurrent.futures import ThreadPoolExecutor
    grow = {bmp: lambda seed, bmp=bmp: simulate_colony(Culture(bmp=bmp), random_state=seed) for bmp in (1.0, 2.0)}
    with ThreadPoolExecutor(2) as pool:
        return {bmp: list(pool.map(one, range(20))) for bmp, one in grow.items()}


@pytest.mark.slow
def test_twenty_colonies_have_the_order_and_composition_of_the_specification(colonies):
    rows = {1.0: [[0, 0, 1], [0, 0.16, 0.84], [0, 0.96, None], [0.86, 0.12, None]],
            2.0: [[0, 0, 1], [0, 1, 0], [0.27, 0.73, 0], [1, 0, 0]]}
    assert min(ring_order(colony) for colony in colonies[1.0]) >= 0.8
    for bmp, wanted in rows.items():
        found = np.mean([composition(colony)[["CDX2", "T", "SOX2"]].to_numpy() for colony in colonies[bmp]], 0)
        for band in range(4):
            for fate in range(3):
                if wanted[band][fate] is not None:
                    assert abs(found[band, fate] - wanted[band][fate]) <= 0.05, (bmp, band, fate, found[band, fate])
    for colony in colonies[1.0] + colonies[2.0]:
        assert max(balance.error for balance in colony.balances) <= 1e-6
    radii = {bmp: np.mean([ring_radius(colony, "T") for colony in found]) for bmp, found in colonies.items()}
    assert radii[1.0] > radii[2.0]


@pytest.mark.slow
def test_a_finer_lattice_moves_the_ring_by_less_than_one_node(colonies):
    fine = simulate_colony(Culture(h_um=6.0), random_state=0)
    assert abs(ring_radius(fine, "T") - ring_radius(colonies[1.0][0], "T")) < 12
