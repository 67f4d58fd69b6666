"""The gene network in GillesPy2's C++ solver: python peer_gillespy2.py N SEED OUT. Prints CPU seconds."""
import resource
import sys
import time

import gillespy2
import numpy as np
from peer_model import LOSE, MAKE, START, T_MAX


def network():
    model = gillespy2.Model(name="commitment")
    species = {name: gillespy2.Species(name=name, initial_value=n, mode="discrete") for name, n in START.items()}
    model.add_species(list(species.values()))
    for name, rate in MAKE.items():
        model.add_reaction(gillespy2.Reaction(name=f"make{name}", reactants={}, products={species[name]: 1},
            propensity_function=rate))
    for name, rate in LOSE.items():
        model.add_reaction(gillespy2.Reaction(name=f"lose{name}", reactants={species[name]: 1}, products={},
            propensity_function=f"{rate}*{name}"))
    model.timespan(gillespy2.TimeSpan(np.array([0.0, T_MAX])))
    return model


def cpu():
    """Of this process and its finished children: the solver is a program of its own."""
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage,
        (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


n, seed, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
model = network()
start = time.perf_counter()
solver = gillespy2.SSACSolver(model=model)
model.run(solver=solver, number_of_trajectories=1, seed=1)
compile_s = time.perf_counter() - start
start = cpu()
results = model.run(solver=solver, number_of_trajectories=n, seed=seed)
spent = cpu() - start
np.save(out, np.array([[result[name][-1] for name in START] for result in results]))
sys.stdout.write(f"{spent} {compile_s} {gillespy2.__version__}\n")
