"""Approximations: leaping, Langevin, equations, hybrid. Each advances one cell over [now, end), as the race does.

All take a network as `rates` and a table of changes (first, species, amount), and return (events, 0 or NaN, next
position); NaN says that the step was too large. `nbs/6_sim/62_approximate.ipynb` holds the equations and the limits.
"""
import math

import numpy as np
from numba import njit, types

from virtualcell.kernels.cells import MATRIX, RACE, RATES, SCHEDULE, VECTOR, Segments, begin, u8
from virtualcell.kernels.streams import FAST, GAMMA, normals, poisson, uniform

WHOLE = types.int64[::1]
TABLE = types.Tuple((WHOLE, WHOLE, VECTOR))
LEAP, LANGEVIN, ODE, HYBRID = range(4)
HALVE, CLAMP, FREE = 0.0, 1.0, 2.0  # what happens at zero: a smaller step, cut off, or only rates cut off


@njit(**FAST)
def flow(a, table, out):
    """Net change of every species per time at rates `a`."""
    first, who, much = table
    out[:] = 0.0
    for j in range(len(a)):
        for c in range(first[j], first[j + 1]): out[who[c]] += much[c] * a[j]


@njit(**FAST)
def apply(x, table, j, times):
    """Reaction `j` happens `times` times."""
    first, who, much = table
    for c in range(first[j], first[j + 1]): x[who[c]] += much[c] * times


@njit(**FAST)
def choose_step(x, a, table, critical, epsilon, mean, spread):
    """Largest leap that changes no rate by more than about `epsilon` (Cao, Gillespie, Petzold 2006, eq. 33).

    `mean` and `spread` are work space. Returns (step, rate of all critical reactions): a reaction is critical when it
    changes a species of fewer than `critical` molecules.
    """
    first, who, much = table
    mean[:], spread[:] = 0.0, 0.0
    rare, step = 0.0, math.inf
    for j in range(len(a)):
        if is_critical(x, table, j, critical):
            rare += a[j]
            continue
        for c in range(first[j], first[j + 1]):
            mean[who[c]] += much[c] * a[j]
            spread[who[c]] += much[c] * much[c] * a[j]
    for i in range(len(x)):
        room = max(epsilon * x[i] / 3.0, 1.0)
        if mean[i] != 0.0: step = min(step, room / abs(mean[i]))
        if spread[i] > 0.0: step = min(step, room * room / spread[i])
    return step, rare


@njit(**FAST)
def is_critical(x, table, j, critical):
    """Whether reaction `j` changes a species of fewer than `critical` molecules."""
    first, who, _ = table
    for c in range(first[j], first[j + 1]):
        if x[who[c]] < critical: return True
    return False


@njit(**FAST)
def pick_critical(x, a, table, critical, rare, stream):
    """One critical reaction, by its rate."""
    left, last = uniform(stream) * rare, -1
    for j in range(len(a)):
        if a[j] > 0.0 and is_critical(x, table, j, critical):
            last = j
            if left <= a[j]: return j
            left -= a[j]
    return last


@njit(**FAST)
def leap_once(x, new, a, table, critical, step, stream):
    """Poisson numbers of all reactions that are not critical, into `new`. Returns (events, lowest count, position)."""
    new[:] = x
    events = 0
    for j in range(len(a)):
        if a[j] <= 0.0 or is_critical(x, table, j, critical): continue
        count, stream = poisson(stream, a[j] * step)
        events += count
        if count: apply(new, table, j, count)
    return events, new.min(), stream


@njit(**FAST)
def leap(race, rates, table, x, now, end, p, f, o, stream):
    """Tau-leaping. `o`: fixed step (0 chooses), epsilon, critical count, what happens at zero."""
    fixed, epsilon, critical, at_zero = o[0], o[1], o[2], o[3]
    a, new, work = np.empty(len(f)), x.copy(), x.copy()
    events = 0
    while now < end:
        rates(x, p, f, a)
        total = a.sum()
        if not total > 0.0: return events, total, stream
        step, rare = choose_step(x, a, table, critical, epsilon, new, work)
        if fixed > 0.0: step = fixed
        elif step < 10.0 / total:  # a leap would save nothing: exact events instead
            stop = min(end, now + 50.0 / total)
            more, _, stream = race(x, now, stop, p, f, stream)
            events, now = events + more, stop
            continue
        step = min(step, end - now)
        wait = -math.log(uniform(stream)) / rare if rare > 0.0 else math.inf
        stream = stream + GAMMA
        fires = wait < step
        if fires: step = wait
        more, low, stream = leap_once(x, new, a, table, critical, step, stream)
        while low < 0.0 and at_zero == HALVE:
            step, fires = 0.5 * step, False
            more, low, stream = leap_once(x, new, a, table, critical, step, stream)
        if fires:
            apply(new, table, pick_critical(x, a, table, critical, rare, stream), 1)
            stream = stream + GAMMA
            more += 1
        x[:] = np.maximum(new, 0.0)
        events, now = events + more, now + step
    return events, 0.0, stream


@njit(**FAST)
def spread_noise(x, table, noise, sums, z, root_h):
    """Add each direction's normal once, along the first reaction that has this direction."""
    first, who, much = table
    done = 0
    for j in range(len(noise)):
        if noise[j] != done: continue  # directions are numbered by first appearance
        size = math.sqrt(sums[done]) * z[done] * root_h
        for c in range(first[j], first[j + 1]): x[who[c]] += much[c] * size
        done += 1


@njit(**FAST)
def langevin(rates, table, noise, x, now, end, p, f, o, stream, work):
    """Euler-Maruyama of the chemical Langevin equation in Itô's sense: increments have variance rate * step.

    `o`: step, draws summed per step (1; more refine a Brownian path for tests of order), unused, what happens at zero.
    """
    size, many, at_zero = o[0], int(o[1]), o[3]
    n_noise = noise.max() + 1
    a, seen, drift = work[0][:len(f)], work[1][:len(x)], work[2][:len(x)]
    sums, z = work[3][:n_noise], work[4][:n_noise + 1]
    steps = max(1, int(math.ceil((end - now) / size - 1e-9)))
    h = (end - now) / steps
    for _ in range(steps):
        for i in range(len(x)): seen[i] = max(x[i], 0.0)
        rates(seen, p, f, a)
        z[:], sums[:] = 0.0, 0.0
        for _ in range(many):
            for k in range(0, n_noise, 2):
                one, two = normals(stream)
                stream = stream + GAMMA + GAMMA
                z[k], z[k + 1] = z[k] + one, z[k + 1] + two
        for j in range(len(a)): sums[noise[j]] += max(a[j], 0.0)
        flow(a, table, drift)
        for i in range(len(x)): x[i] += h * drift[i]
        spread_noise(x, table, noise, sums, z, math.sqrt(h / many))
        if at_zero != FREE:
            for i in range(len(x)): x[i] = max(x[i], 0.0)
    return steps, 0.0 if np.isfinite(x.sum()) else math.nan, stream


@njit(**FAST)
def slope(rates, table, x, p, f, a, out):
    """dx/dt."""
    rates(x, p, f, a)
    flow(a, table, out)


@njit(**FAST)
def fourth_order(rates, table, x, p, f, h, steps, work):
    """Classic Runge-Kutta steps of size `h`."""
    n = len(x)
    a, k1, k2, k3, k4, y = work[0][:len(f)], work[1][:n], work[2][:n], work[3][:n], work[4][:n], work[5][:n]
    for _ in range(steps):
        slope(rates, table, x, p, f, a, k1)
        for i in range(len(x)): y[i] = x[i] + 0.5 * h * k1[i]
        slope(rates, table, y, p, f, a, k2)
        for i in range(len(x)): y[i] = x[i] + 0.5 * h * k2[i]
        slope(rates, table, y, p, f, a, k3)
        for i in range(len(x)): y[i] = x[i] + h * k3[i]
        slope(rates, table, y, p, f, a, k4)
        for i in range(len(x)): x[i] += h / 6.0 * (k1[i] + 2.0 * (k2[i] + k3[i]) + k4[i])


# Dormand and Prince (1980), order 5 with an error estimate of order 4
STAGES = np.array([[1 / 5, 0, 0, 0, 0, 0], [3 / 40, 9 / 40, 0, 0, 0, 0], [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
                   [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
                   [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
                   [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]])
ERROR = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])


@njit(**FAST)
def fifth_order(rates, table, x, p, f, now, end, tolerance):
    """Dormand-Prince steps whose error stays below `tolerance` * (1 + |x|). Returns steps taken, or -1 if stuck."""
    a, k, y = np.empty(len(f)), np.empty((7, len(x))), x.copy()
    slope(rates, table, x, p, f, a, k[0])
    h, steps = min(end - now, 0.01 * (1.0 + np.abs(x).max()) / (1e-12 + np.abs(k[0]).max())), 0
    while now < end and steps < 1_000_000:
        h = min(h, end - now)
        for stage in range(6):
            for i in range(len(x)):
                y[i] = x[i]
                for earlier in range(stage + 1): y[i] += h * STAGES[stage, earlier] * k[earlier, i]
            slope(rates, table, y, p, f, a, k[stage + 1])
        worst = 0.0
        for i in range(len(x)):
            error = 0.0
            for stage in range(7): error += h * ERROR[stage] * k[stage, i]
            worst = max(worst, abs(error) / (tolerance * (1.0 + abs(x[i]))))
        if not math.isfinite(worst): return -1
        steps += 1
        if worst <= 1.0:
            now += h
            x[:] = y
            k[0] = k[6]
        h *= min(5.0, max(0.2, 0.9 * (worst + 1e-10) ** -0.2))
    return steps if now >= end else -1


@njit(**FAST)
def ode(rates, table, x, now, end, p, f, o, stream, work):
    """Equations for the mean. `o`: step of the fourth-order scheme, or 0; tolerance of the adaptive one."""
    if o[0] > 0.0:
        steps = max(1, int(math.ceil((end - now) / o[0] - 1e-9)))
        fourth_order(rates, table, x, p, f, (end - now) / steps, steps, work)
    else: steps = fifth_order(rates, table, x, p, f, now, end, o[1])
    return max(steps, 0), 0.0 if steps >= 0 and np.isfinite(x.sum()) else math.nan, stream


@njit(**FAST)
def is_slow(x, a, table, j, many, h):
    """Whether reaction `j` happens as single events: it changes a species of few molecules, or it is rare."""
    first, who, _ = table
    for c in range(first[j], first[j + 1]):
        if x[who[c]] < many: return True
    return a[j] * h < 0.1


@njit(**FAST)
def pick_slow(a, slow, pick):
    """One slow reaction, by its rate."""
    chosen = -1
    for j in range(len(a)):
        if slow[j] and a[j] > 0.0:
            chosen = j
            if pick <= a[j]: break
            pick -= a[j]
    return chosen


@njit(**FAST)
def hybrid(rates, table, x, now, end, p, f, o, stream):
    """Abundant species by Langevin steps, the rest by single events whose hazard is summed (Haseltine, Rawlings 2002).

    `o`: step, unused, molecules above which a species is abundant, unused. A species that becomes scarce is rounded up
    or down at random, so that its mean stays.
    """
    size, many = o[0], o[2]
    a, slow = np.empty(len(f)), np.empty(len(f), np.bool_)
    events, left = 0, -math.log(uniform(stream))
    stream = stream + GAMMA
    while now < end:
        for i in range(len(x)):
            if x[i] < many and x[i] != math.floor(x[i]):
                x[i] = math.floor(x[i] + uniform(stream) - 1e-16)
                stream = stream + GAMMA
        rates(x, p, f, a)
        h, hazard = min(size, end - now), 0.0
        for j in range(len(a)):
            slow[j] = is_slow(x, a, table, j, many, size)
            if slow[j]: hazard += a[j]
        fires = hazard * h >= left
        if fires: h = left / hazard
        for j in range(len(a)):
            if slow[j] or a[j] <= 0.0: continue
            z, _ = normals(stream)
            stream = stream + GAMMA + GAMMA
            apply(x, table, j, a[j] * h + math.sqrt(a[j] * h) * z)
        if fires:
            apply(x, table, pick_slow(a, slow, uniform(stream) * hazard), 1.0)
            left = -math.log(uniform(stream + GAMMA))
            stream = stream + GAMMA + GAMMA
            events += 1
        else: left -= hazard * h
        for i in range(len(x)): x[i] = max(x[i], 0.0)
        now += h
    return events, 0.0 if np.isfinite(x.sum()) else math.nan, stream


@njit(**FAST)
def step(race, rates, table, noise, method, x, now, end, p, f, o, stream, work):
    """One cell over [now, end) by one of the four."""
    if method == LEAP: return leap(race, rates, table, x, now, end, p, f, o, stream)
    if method == LANGEVIN: return langevin(rates, table, noise, x, now, end, p, f, o, stream, work)
    if method == ODE: return ode(rates, table, x, now, end, p, f, o, stream, work)
    return hybrid(rates, table, x, now, end, p, f, o, stream)


@njit(types.int64(RACE, RATES, TABLE, WHOLE, types.int64, MATRIX, VECTOR, VECTOR, VECTOR, SCHEDULE, VECTOR, WHOLE,
                  u8[::1], types.float32[:, :, ::1]), **FAST)
def run_steps(race, rates, table, noise, method, state, start, stop, times, plan, o, which, keys, seen):
    """As `run_cells`, by an approximation with options `o`. Returns steps and events, or -1 - cell after a bad step."""
    events, work = 0, np.empty((6, max(state.shape[1], plan[2].shape[1]) + 2))
    for cell in range(len(state)):
        mine = Segments(plan[0], plan[1][which[cell]], plan[2], plan[3], plan[4])
        x, now, stream, k, last = state[cell], start[cell], keys[cell], 0, len(plan[0]) - 1
        while k < last and mine.onset[k + 1] <= now: k += 1
        fresh, shown = mine.onset[k] == now, 0
        while shown < len(times) and times[shown] < now: shown += 1
        while True:
            end = stop[cell] if shown == len(times) else min(stop[cell], times[shown])
            if k < last: end = min(end, mine.onset[k + 1])
            if now < end:
                if fresh: begin(x, mine.jump[k], mine.fix[k])
                more, bad, stream = step(race, rates, table, noise, method, x, now, end, mine.p[k], mine.f[k], o, stream,
                                         work)
                if not bad >= 0.0: return -1 - cell
                events, now, fresh = events + more, end, False
            if now >= stop[cell]: break
            if shown < len(times) and times[shown] == now:
                for i in range(len(x)): seen[cell, shown, i] = x[i]
                shown += 1
            if k < last and mine.onset[k + 1] == now: k, fresh = k + 1, True
        keys[cell] = stream
    return events
