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


@njit(**FAST)
def mix(z):
    """A 64-bit word that looks random for any `z`."""
    z = (z ^ (z >> SHIFT_30)) * MIX_1
    z = (z ^ (z >> SHIFT_27)) * MIX_2
    return z ^ (z >> SHIFT_31)


@njit(**FAST)
def uniform(stream):
    """The draw at position `stream`, in (0, 1]."""
    return (np.float64(mix(stream) >> SHIFT_11) + 1.0) * TO_UNIT


@njit(**FAST)
def fair_binomial(stream, n):
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
def normal(stream):
    """A standard normal by Box and Muller. Returns (value, next position)."""
    radius = math.sqrt(-2.0 * math.log(uniform(stream)))
    return radius * math.cos(2.0 * math.pi * uniform(stream + GAMMA)), stream + GAMMA + GAMMA


@njit(**FAST)
def make_r(r, n, p):
    """Production of R."""
    a = p[0] * r + p[1] * n
    return a / (1.0 + a)


@njit(**FAST)
def make_t(t, g, n, n6, pu1, p):
    """Production of T, with n6 = N / (p6 + P)."""
    a = p[2] * t + p[3] * g
    return (a + p[4] * n6) / (1.0 + a + p[4] * n + p[6] * pu1)


@njit(**FAST)
def make_g(t, n, n10, pu1, p):
    """Production of G, with n10 = N / (p10 + P)."""
    a = p[7] * t
    return (a + p[8] * n10) / (1.0 + a + p[8] * n + p[10] * pu1)


@njit(**FAST)
def make_p(pu1, r, t, g, p):
    """Production of P."""
    a = p[11] * pu1
    return a / (1.0 + a + p[12] * r * g * t)


@njit(**FAST)
def make_x(t, g, p):
    """Production of X."""
    return 1.0 / (1.0 + p[13] * t + p[14] * g)


@njit(**FAST)
def race(cell, now, end, factor, p, decay, gate, sites, stream):
    """Run one cell's reactions until `end` under constant knock-down factors. Returns (events, next position)."""
    r, t, g = float(cell[R]), float(cell[T]), float(cell[G])
    pu1, x, n = float(cell[P]), float(cell[X]), float(cell[N])
    closed, between, opened = float(cell[C]), float(cell[I]), float(cell[O])
    per_site = 1.0 / sites
    k1, k2, k3, alpha, beta, gamma, delta, epsilon = gate
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
def advance(cell, now, end, level, onset, p, decay, gate, sites, stream):
    """Run one cell from `now` to `end`; the race restarts at each onset. Returns (events, next position)."""
    factor = np.empty(4)
    events = 0
    while now < end:
        stop = end
        for tf in range(4):
            factor[tf] = level[tf] if onset[tf] <= now else 1.0
            if now < onset[tf] < stop: stop = onset[tf]
        more, stream = race(cell, now, stop, factor, p, decay, gate, sites, stream)
        events += more
        now = stop
    return events, stream


@njit(**FAST)
def cell_paths(n_cells, start, times, level, onset, p, decay, gate, sites, seed, paths):
    """Undivided cells: fill `paths` (cell, time, 9) at the rising `times`. Returns the number of events."""
    events = 0
    cell = np.empty(9, np.int64)
    for number in range(n_cells):
        stream = mix(seed + np.uint64(number) * GAMMA)
        cell[:] = start
        now = 0.0
        for k in range(len(times)):
            more, stream = advance(cell, now, times[k], level, onset, p, decay, gate, sites, stream)
            events += more
            now = times[k]
            paths[number, k] = cell
    return events


@njit(**FAST)
def lifetime(stream, generation, mean, sd):
    """Time from birth to division, redrawn while negative. Returns (time, next position)."""
    row = min(generation, len(mean) - 1)
    value = -1.0
    while value < 0.0:
        z, stream = normal(stream)
        value = mean[row] + sd[row] * z
    return value, stream


@njit(**FAST)
def inherit(mother, daughter, x_rule, stream):
    """Copy the mother; when X is gone, closed sites become intermediate and half of the intermediate ones open."""
    daughter[:] = mother
    if x_rule and mother[X] == 0:
        opened, stream = fair_binomial(stream, mother[I])
        daughter[O] = mother[O] + opened
        daughter[I] = mother[I] - opened + mother[C]
        daughter[C] = 0
    return stream


@njit(**FAST)
def clone(key, start, times, t_max, level, onset, p, decay, gate, sites, mean, sd, x_rule, tree, moments, seen):
    """Grow one clone depth-first.

    Fills `tree` (cell, 3) with mother, generation, end state (1 divided, 0 alive at t_max), `moments` (cell, 2) with
    birth and division time, and `seen` (cell, time, 9) with states at `times` (-1 where the cell did not live).
    Returns (cells, events); cells is CLONE_FULL when the buffers are too small.
    """
    room = len(tree)
    states, keys = np.empty((room, 9), np.int64), np.empty(room, np.uint64)
    stack = np.empty(room, np.int64)
    states[0], keys[0], stack[0] = start, mix(key), 0
    tree[0, 0], tree[0, 1], moments[0, 0] = -1, 0, 0.0
    n_cells, waiting, events = 1, 1, 0
    while waiting > 0:
        waiting -= 1
        me = stack[waiting]
        cell, stream, now = states[me], keys[me], moments[me, 0]
        life, stream = lifetime(stream, tree[me, 1], mean, sd)
        moments[me, 1] = now + life
        end = min(moments[me, 1], t_max)
        for k in range(len(times)):
            seen[me, k, :] = -1
            if now <= times[k] < moments[me, 1]:
                more, stream = advance(cell, now, times[k], level, onset, p, decay, gate, sites, stream)
                events, now = events + more, times[k]
                seen[me, k, :] = cell
        more, stream = advance(cell, now, end, level, onset, p, decay, gate, sites, stream)
        events += more
        tree[me, 2] = 1 if moments[me, 1] < t_max else 0
        if tree[me, 2] == 0: continue
        if n_cells + 2 > room: return CLONE_FULL, events
        for side in range(2):
            stream = inherit(cell, states[n_cells], x_rule, stream)
            keys[n_cells] = mix(stream ^ mix(np.uint64(side + 1)))
            tree[n_cells, 0], tree[n_cells, 1] = me, tree[me, 1] + 1
            moments[n_cells, 0] = moments[me, 1]
            stack[waiting] = n_cells
            n_cells, waiting = n_cells + 1, waiting + 1
    return n_cells, events
