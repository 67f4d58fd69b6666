"""The gene network in bioscrape's stochastic solver: python peer_bioscrape.py N SEED OUT. Prints CPU seconds."""
import sys
import time

import bioscrape
import numpy as np
from bioscrape.simulator import py_simulate_model
from bioscrape.types import Model
from peer_model import LOSE, MAKE, START, T_MAX

n, seed, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
reactions = [([], [name], "general", {"rate": rate}) for name, rate in MAKE.items()]
reactions += [([name], [], "massaction", {"k": rate}) for name, rate in LOSE.items()]
start = time.perf_counter()
model = Model(species=list(START), reactions=reactions, initial_condition_dict=START)
times = np.array([0.0, T_MAX])
py_simulate_model(times, Model=model, stochastic=True)
compile_s = time.perf_counter() - start
bioscrape.random.py_seed_random(seed)
found, spent = np.empty((n, len(START))), time.process_time()
for k in range(n):
    table = py_simulate_model(times, Model=model, stochastic=True, return_dataframe=True)
    found[k] = table[list(START)].iloc[-1]
spent = time.process_time() - spent
np.save(out, found)
sys.stdout.write(f"{spent} {compile_s} 1.4.1\n")
