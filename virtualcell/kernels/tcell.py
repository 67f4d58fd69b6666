"""Exact stochastic simulation of the T-cell commitment model, compiled by numba.

Decisions
- Direct method (Gillespie 1977): 11 network channels and 4 chromatin channels race in one clock.
- Only the rates that the last event changed are computed again; 1/(p6+P) and 1/(p10+P) are kept until N or P changes.
- Random numbers are counter-based: draw n of a cell is mix(key + n * GAMMA) (SplitMix64, Steele et al. 2014); `stream`
  is the position key + n * GAMMA. A cell's key comes from (seed, clone, path in the tree). So neither order, chunks nor
  threads can change a result.
- A knock-down changes rates at its onset: the exponential clock has no memory, so the race restarts there, exactly.

`nbs/6_sim/63_tcell.ipynb` holds the equations, the readable reference and the comparison with it.
"""
import math
from typing import NamedTuple

import numpy as np
from numba import njit

R, T, G, P, X, N, C, I, O = range(9)                      # columns of a cell's state; C, I, O are site counts
GAMMA = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
ONE = np.uint64(1)
SHIFT_30, SHIFT_27, SHIFT_31, SHIFT_11 = (np.uint64(n) for n in (30, 27, 31, 11))
TO_UNIT = 1.0 / 9007199254740992.0                        # 2**-53
CLONE_FULL = -1                                           # more than `max_cells` cells
FAST = {"cache": True, "nogil": True, "error_model": "numpy"}
Array = np.ndarray


class Rates(NamedTuple):
    """What decides a cell's reactions."""
    p: Array           # p1 … p16
    decay: Array       # of R, T, G, P, X [1/a.u.]
    gate: tuple        # k1 k2 k3 alpha beta gamma delta epsilon
    sites: float       # chromatin sites, 500
    level: Array       # what knock-downs leave of R, T, G, P, 0 to 1
    onset: Array       # when they begin [a.u.]


class Growth(NamedTuple):
    """What decides a clone's tree."""
    times: Array       # rising times of the snapshots [a.u.]
    t_max: float       # end [a.u.]
    mean: Array        # division time of generation 0, 1, … [a.u.]
    sd: Array          # the same [a.u.]
    x_rule: bool       # whether sites open at division when X is gone


class Buffers(NamedTuple):
    """What a clone is written to; each has room for `max_cells`."""
    tree: Array        # (cell, 3) mother, generation, end state: 1 divided, 0 alive at t_max
    moments: Array     # (cell, 2) birth and division time [a.u.]
    seen: Array        # (cell, time, 9) states, -1 where the cell did not live


@njit(**FAST)
def mix(z: np.uint64) -> np.uint64:
    """A 64-bit word that looks random for any `z`."""
    z = (z ^ (z >> SHIFT_30)) * MIX_1
    z = (z ^ (z >> SHIFT_27)) * MIX_2
    return z ^ (z >> SHIFT_31)


@njit(**FAST)
def uniform(stream: np.uint64) -> float:
    """The draw at position `stream`, in (0, 1]."""
    return (np.float64(mix(stream) >> SHIFT_11) + 1.0) * TO_UNIT


@njit(**FAST)
def fair_binomial(stream: np.uint64, n: int) -> tuple[int, np.uint64]:
    """Successes of `n` fair coins: set bits of `n` random bits. Returns (successes, next position)."""
    heads = 0
    while n > 0:
        word = mix(stream)
        stream += GAMMA
        for _ in range(min(n, 64)):
            heads += np.int64(word & ONE)
            word >>= ONE
        n -= 64
    return heads, stream


@njit(**FAST)
def normal(stream: np.uint64) -> tuple[float, np.uint64]:
    """A standard normal by Box and Muller. Returns (value, next position)."""
    radius = math.sqrt(-2.0 * math.log(uniform(stream)))
    return radius * math.cos(2.0 * math.pi * uniform(stream + GAMMA)), stream + GAMMA + GAMMA


@njit(**FAST)
def make_r(r: float, n: float, p: Array) -> float:
    """Production of R."""
    a = p[0] * r + p[1] * n
    return a / (1.0 + a)


@njit(**FAST)
def make_t(t: float, g: float, n: float, n6: float, pu1: float, p: Array) -> float:
    """Production of T, with n6 = N / (p6 + P)."""
    a = p[2] * t + p[3] * g
    return (a + p[4] * n6) / (1.0 + a + p[4] * n + p[6] * pu1)


@njit(**FAST)
def make_g(t: float, n: float, n10: float, pu1: float, p: Array) -> float:
    """Production of G, with n10 = N / (p10 + P)."""
    a = p[7] * t
    return (a + p[8] * n10) / (1.0 + a + p[8] * n + p[10] * pu1)


@njit(**FAST)
def make_p(pu1: float, r: float, t: float, g: float, p: Array) -> float:
    """Production of P."""
    a = p[11] * pu1
    return a / (1.0 + a + p[12] * r * g * t)


@njit(**FAST)
def make_x(t: float, g: float, p: Array) -> float:
    """Production of X."""
    return 1.0 / (1.0 + p[13] * t + p[14] * g)


@njit(**FAST)
def race(cell: Array, now: float, end: float, factor: Array, rates: Rates, stream: np.uint64) -> tuple[int, np.uint64]:
    """Run one cell's reactions until `end` under constant knock-down factors. Returns (events, next position)."""
    r, t, g = float(cell[R]), float(cell[T]), float(cell[G])
    pu1, x, n = float(cell[P]), float(cell[X]), float(cell[N])
    closed, between, opened = float(cell[C]), float(cell[I]), float(cell[O])
    p, decay, per_site = rates.p, rates.decay, 1.0 / rates.sites
    k1, k2, k3, alpha, beta, gamma, delta, epsilon = rates.gate
    n6, n10 = n / (p[5] + pu1), n / (p[9] + pu1)
    a_r, a_t = factor[0] * make_r(r, n, p), factor[1] * make_t(t, g, n, n6, pu1, p)
    a_g = factor[2] * make_g(t, n, n10, pu1, p)
    a_p, a_x, a_n = factor[3] * make_p(pu1, r, t, g, p), make_x(t, g, p), p[15] / (1.0 + n)
    events = 0
    while True:
        d_t, d_r, d_g, d_p, d_x = decay[1] * t, decay[0] * r, decay[2] * g, decay[3] * pu1, decay[4] * x
        c, i, o = closed * per_site, between * per_site, opened * per_site
        shut, push = k1 * x, k2 * n + k3 * r
        g_ci, g_io = c * (push + delta * o), i * (push + gamma * o)
        g_oi, g_ic = o * (shut + alpha * c), i * (shut + beta * c + epsilon * i)
        on_t, on_r, on_g = a_t + d_t, a_r + d_r, a_g + d_g
        on_p, on_x, on_gate = a_p + d_p, a_x + d_x, (g_ci + g_io) + (g_oi + g_ic)
        total = (on_t + on_r) + (on_g + on_p) + (on_x + on_gate) + a_n
        now -= math.log(uniform(stream)) / total
        pick = uniform(stream + GAMMA) * total
        stream = stream + GAMMA + GAMMA
        if now >= end: break
        events += 1
        if pick <= on_t:
            t += 1.0 if pick <= a_t else -1.0
            a_t, a_g = factor[1] * make_t(t, g, n, n6, pu1, p), factor[2] * make_g(t, n, n10, pu1, p)
            a_p, a_x = factor[3] * make_p(pu1, r, t, g, p), make_x(t, g, p)
            continue
        pick -= on_t
        if pick <= on_gate:
            if pick <= g_ci: closed, between = closed - 1.0, between + 1.0
            elif pick <= g_ci + g_io: between, opened = between - 1.0, opened + 1.0
            elif pick <= g_ci + g_io + g_oi: opened, between = opened - 1.0, between + 1.0
            else: between, closed = between - 1.0, closed + 1.0
            continue
        pick -= on_gate
        if pick <= on_r:
            r += 1.0 if pick <= a_r else -1.0
            a_r, a_p = factor[0] * make_r(r, n, p), factor[3] * make_p(pu1, r, t, g, p)
            continue
        pick -= on_r
        if pick <= on_g:
            g += 1.0 if pick <= a_g else -1.0
            a_t, a_p = factor[1] * make_t(t, g, n, n6, pu1, p), factor[3] * make_p(pu1, r, t, g, p)
            a_x = make_x(t, g, p)
            continue
        pick -= on_g
        if pu1 > 0.0 and pick <= on_p:
            pu1 += 1.0 if pick <= a_p else -1.0
            n6, n10 = n / (p[5] + pu1), n / (p[9] + pu1)
            a_t, a_g = factor[1] * make_t(t, g, n, n6, pu1, p), factor[2] * make_g(t, n, n10, pu1, p)
            a_p = factor[3] * make_p(pu1, r, t, g, p)
            continue
        pick -= on_p
        if pick <= on_x:
            x += 1.0 if pick <= a_x else -1.0
            continue
        n += 1.0
        n6, n10 = n / (p[5] + pu1), n / (p[9] + pu1)
        a_r, a_t = factor[0] * make_r(r, n, p), factor[1] * make_t(t, g, n, n6, pu1, p)
        a_g = factor[2] * make_g(t, n, n10, pu1, p)
        a_n = p[15] / (1.0 + n)
    cell[R], cell[T], cell[G], cell[P], cell[X], cell[N] = int(r), int(t), int(g), int(pu1), int(x), int(n)
    cell[C], cell[I], cell[O] = int(closed), int(between), int(opened)
    return events, stream


@njit(**FAST)
def advance(cell: Array, now: float, end: float, rates: Rates, stream: np.uint64) -> tuple[int, np.uint64]:
    """Run one cell from `now` to `end`; the race restarts at each onset. Returns (events, next position)."""
    factor = np.empty(4)
    events = 0
    while now < end:
        stop = end
        for tf in range(4):
            factor[tf] = rates.level[tf] if rates.onset[tf] <= now else 1.0
            if now < rates.onset[tf] < stop: stop = rates.onset[tf]
        more, stream = race(cell, now, stop, factor, rates, stream)
        events += more
        now = stop
    return events, stream


@njit(**FAST)
def cell_paths(start: Array, times: Array, rates: Rates, seed: np.uint64, paths: Array) -> int:
    """Undivided cells: fill `paths` (cell, time, 9) at the rising `times`. Returns the number of events."""
    events = 0
    cell = np.empty(9, np.int64)
    for number in range(len(paths)):
        stream = mix(seed + np.uint64(number) * GAMMA)
        cell[:] = start
        now = 0.0
        for k in range(len(times)):
            more, stream = advance(cell, now, times[k], rates, stream)
            events += more
            now = times[k]
            paths[number, k] = cell
    return events


@njit(**FAST)
def lifetime(stream: np.uint64, generation: int, mean: Array, sd: Array) -> tuple[float, np.uint64]:
    """Time from birth to division, redrawn while negative. Returns (time, next position)."""
    row = min(generation, len(mean) - 1)
    value = -1.0
    while value < 0.0:
        z, stream = normal(stream)
        value = mean[row] + sd[row] * z
    return value, stream


@njit(**FAST)
def inherit(mother: Array, daughter: Array, x_rule: bool, stream: np.uint64) -> np.uint64:
    """Copy the mother; when X is gone, closed sites become intermediate and half of the intermediate ones open."""
    daughter[:] = mother
    if x_rule and mother[X] == 0:
        opened, stream = fair_binomial(stream, mother[I])
        daughter[O] = mother[O] + opened
        daughter[I] = mother[I] - opened + mother[C]
        daughter[C] = 0
    return stream


@njit(**FAST)
def clone(key: np.uint64, start: Array, rates: Rates, growth: Growth, room: Buffers) -> tuple[int, int]:
    """Grow one clone depth-first into `room`. Returns (cells, events), or (CLONE_FULL, events) without enough room."""
    tree, moments, seen, times = room.tree, room.moments, room.seen, growth.times
    most = len(tree)
    states, keys = np.empty((most, 9), np.int64), np.empty(most, np.uint64)
    stack = np.empty(most, np.int64)
    states[0], keys[0], stack[0] = start, mix(key), 0
    tree[0, 0], tree[0, 1], moments[0, 0] = -1, 0, 0.0
    n_cells, waiting, events = 1, 1, 0
    while waiting > 0:
        waiting -= 1
        me = stack[waiting]
        cell, stream, now = states[me], keys[me], moments[me, 0]
        life, stream = lifetime(stream, tree[me, 1], growth.mean, growth.sd)
        moments[me, 1] = now + life
        end = min(moments[me, 1], growth.t_max)
        for k in range(len(times)):
            seen[me, k, :] = -1
            if now <= times[k] < moments[me, 1]:
                more, stream = advance(cell, now, times[k], rates, stream)
                events, now = events + more, times[k]
                seen[me, k, :] = cell
        more, stream = advance(cell, now, end, rates, stream)
        events += more
        tree[me, 2] = 1 if moments[me, 1] < growth.t_max else 0
        if tree[me, 2] == 0: continue
        if n_cells + 2 > most: return CLONE_FULL, events
        for side in range(2):
            stream = inherit(cell, states[n_cells], growth.x_rule, stream)
            keys[n_cells] = mix(stream ^ mix(np.uint64(side + 1)))
            tree[n_cells, 0], tree[n_cells, 1] = me, tree[me, 1] + 1
            moments[n_cells, 0] = moments[me, 1]
            stack[waiting] = n_cells
            n_cells, waiting = n_cells + 1, waiting + 1
    return n_cells, events
