"""Drivers of the exact race: many cells, snapshots, schedules. Networks come in as compiled functions.

A cell runs over [start, stop). A schedule cuts time into segments; each has its parameters `p`, reaction factors `f` and
an addition `jump` to the state when it begins. The exponential clock has no memory, so restarting the race there, and at
snapshots, is exact.
"""
from typing import NamedTuple

import numpy as np
from numba import njit, types

from virtualcell.kernels.streams import FAST

f8, u8 = types.float64, types.uint64
VECTOR, MATRIX = types.float64[::1], types.float64[:, ::1]
RACE = types.FunctionType(types.Tuple((types.int64, f8, u8))(VECTOR, f8, f8, VECTOR, VECTOR, u8))
RATES = types.FunctionType(types.void(VECTOR, VECTOR, VECTOR, VECTOR))


class Segments(NamedTuple):
    """What changes with time."""
    onset: np.ndarray  # (segment,) rising; the first is -inf or the start
    p: np.ndarray      # (segment, parameter)
    f: np.ndarray      # (segment, reaction) factors of the rates
    jump: np.ndarray   # (segment, species) added when the segment begins
    fix: np.ndarray    # (segment, species) set when the segment begins, where not negative


SEGMENTS = types.NamedTuple((VECTOR, MATRIX, MATRIX, MATRIX, MATRIX), Segments)


@njit(**FAST)
def begin(x: np.ndarray, jump: np.ndarray, fix: np.ndarray) -> None:
    """A segment begins: fixed species take their value, the others their addition; counts stay at 0 or more."""
    for i in range(len(x)):
        if fix[i] >= 0.0: x[i] = fix[i]
        x[i] = max(x[i] + jump[i], 0.0)


@njit(types.Tuple((types.int64, u8))(RACE, VECTOR, f8, f8, SEGMENTS, u8), **FAST)
def advance(race, x, now, end, plan, stream):
    """One cell over [now, end). Returns (events, next position); (-1, …) when a rate was negative or NaN."""
    events, k, last = 0, 0, len(plan.onset) - 1
    while k < last and plan.onset[k + 1] <= now: k += 1
    fresh = plan.onset[k] == now
    while now < end:
        if fresh: begin(x, plan.jump[k], plan.fix[k])
        stop = plan.onset[k + 1] if k < last and plan.onset[k + 1] < end else end
        more, total, stream = race(x, now, stop, plan.p[k], plan.f[k], stream)
        if not total >= 0.0: return -1, stream
        events, now = events + more, stop
        if k < last and plan.onset[k + 1] == now: k, fresh = k + 1, True
    return events, stream


SCHEDULE = types.Tuple((VECTOR, types.float64[:, :, ::1], MATRIX, MATRIX, MATRIX))


@njit(types.int64(RACE, MATRIX, VECTOR, VECTOR, VECTOR, SCHEDULE, types.int64[::1], u8[::1], types.int32[:, :, ::1]),
      **FAST)
def run_cells(race, state, start, stop, times, plan, which, keys, seen):
    """Every cell over [start, stop): `seen` gets the states at `times` within, `state` and `keys` what comes after.

    `plan` is (onset, p of every set, f, jump, fix) and `which` the
    parameter set of each cell. Returns the number of
    events, or -1 - cell when a rate was negative or NaN there.
    """
    events = 0
    for cell in range(len(state)):
        mine = Segments(plan[0], plan[1][which[cell]], plan[2], plan[3], plan[4])
        x, now, stream = state[cell], start[cell], keys[cell]
        for k in range(len(times)):
            if start[cell] <= times[k] < stop[cell]:
                more, stream = advance(race, x, now, times[k], mine, stream)
                if more < 0: return -1 - cell
                events, now = events + more, times[k]
                for i in range(len(x)): seen[cell, k, i] = x[i]
        more, stream = advance(race, x, now, stop[cell], mine, stream)
        if more < 0: return -1 - cell
        events += more
        keys[cell] = stream
    return events
