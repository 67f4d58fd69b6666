"""Counter-based random numbers for compiled code.

Draw n of a stream is mix(key + n * GAMMA), SplitMix64 of Steele, Lea and Flood (OOPSLA 2014). A position is the key
plus what has been drawn, so a cell's numbers depend on nothing that other cells do. `nbs/6_sim/60d_streams.ipynb` holds
the same functions for arrays and their tests.
"""
import math

import numpy as np
from numba import njit

GAMMA = np.uint64(0x9E3779B97F4A7C15)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFT_30, SHIFT_27, SHIFT_31, SHIFT_11 = (np.uint64(n) for n in (30, 27, 31, 11))
TO_UNIT = 1.0 / 9007199254740992.0                        # 2**-53
FAST = {"cache": True, "nogil": True, "error_model": "numpy"}


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
def normals(stream: np.uint64) -> tuple[float, float]:
    """Two standard normals from the two draws at `stream` (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(uniform(stream)))
    angle = 2.0 * math.pi * uniform(stream + GAMMA)
    return radius * math.cos(angle), radius * math.sin(angle)


@njit(**FAST)
def poisson(stream: np.uint64, mean: float) -> tuple[int, np.uint64]:
    """A Poisson count; returns (count, next position). Inversion below 10, else Hörmann's PTRS (1993)."""
    if mean <= 0.0: return 0, stream
    if mean < 10.0:
        left, count, chance = uniform(stream), 0, math.exp(-mean)
        while left > chance and count < 200:
            left, count = left - chance, count + 1
            chance *= mean / count
        return count, stream + GAMMA
    root = math.sqrt(mean)
    b = 0.931 + 2.53 * root
    a = 0.02483 * b - 0.059
    shape, v_r = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u, v = uniform(stream) - 0.5, uniform(stream + GAMMA)
        stream = stream + GAMMA + GAMMA
        us = 0.5 - abs(u)
        if us <= 0.0: continue
        count = math.floor((2.0 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= v_r: return int(count), stream
        if count < 0 or (us < 0.013 and v > us): continue
        bound = count * math.log(mean) - mean - math.lgamma(count + 1.0)
        if math.log(v * shape / (a / (us * us) + b)) <= bound: return int(count), stream
