"""The gene network in GillesPy2's C++ solver: python peer_gillespy2.py N SEED OUT. Prints CPU seconds."""
import resource
import sys
import time

import gillespy2
import numpy as np

P = (0.1, 1.0, 5.0, 1.0, 1.5, 0.01, 0.5, 0.7, 0.5, 1.0, 0.2, 2.5, 2.6, 2.0, 1.0, 0.01)
P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16 = P
START = {"R": 1, "T": 2, "G": 1, "P": 5, "X": 8, "N": 7}
MAKE = {
    "R": f"({P1}*R+{P2}*N)/(1+{P1}*R+{P2}*N)",
    "T": f"({P3}*T+{P4}*G+{P5}*N/({P6}+P))/(1+{P3}*T+{P4}*G+{P5}*N+{P7}*P)",
    "G": f"({P8}*T+{P9}*N/({P10}+P))/(1+{P8}*T+{P9}*N+{P11}*P)",
    "P": f"{P12}*P/(1+{P12}*P+{P13}*R*G*T)",
    "X": f"1/(1+{P14}*T+{P15}*G)",
    "N": f"{P16}/(1+N)",
}
LOSE = {"R": 0.15, "T": 0.15, "G": 0.23, "P": 0.06, "X": 0.02}
T_MAX = (120 - 28.056) * 3.125


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
