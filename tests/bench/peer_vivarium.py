"""One trivial process per cell in vivarium-core: python peer_vivarium.py. Prints process updates per second."""
import sys
import time

from vivarium.core.engine import Engine
from vivarium.core.process import Process


class Nothing(Process):
    defaults = {}

    def ports_schema(self):
        return {"s": {"x": {"_default": 1.0}}}

    def next_update(self, timestep, states):
        return {"s": {"x": 0.0}}


n, steps = 200, 100
engine = Engine(processes={f"p{k}": Nothing({"name": f"p{k}"}) for k in range(n)},
                topology={f"p{k}": {"s": (f"cell{k}",)} for k in range(n)}, display_info=False, emitter="null")
engine.update(1.0)
start = time.process_time()
engine.update(float(steps))
sys.stdout.write(f"{n * steps / (time.process_time() - start)}\n")
