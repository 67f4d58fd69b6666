"""Diffusion on a masked lattice: alternating directions (Peaceman and Rachford 1955), compiled by numba.

`place[i, j]` numbers a node within its row of inside nodes from 1, 0 is outside; `place_y` the same down its column.
Outside the field is 0: the medium is well mixed. `nbs/6_sim/64_fields.ipynb` holds the equations.
"""
import numpy as np
from numba import njit

from virtualcell.kernels.streams import FAST


@njit(**FAST)
def sweep_table(r: float, k: float, longest: int) -> np.ndarray:
    """Pivots of the tridiagonal system 1 + r + k on the diagonal and -r/2 beside it, by position in a run of nodes."""
    pivot = np.zeros(longest + 2)
    for n in range(1, longest + 2): pivot[n] = 1.0 / (1.0 + r + k - 0.25 * r * r * pivot[n - 1])
    return pivot


@njit(**FAST)
def solve_rows(u: np.ndarray, place: np.ndarray, r: float, pivot: np.ndarray) -> None:
    """Solve along rows, in place."""
    rows, columns = u.shape
    half = 0.5 * r
    for i in range(rows):
        for j in range(columns):
            n = place[i, j]
            if n == 1: u[i, j] *= pivot[1]
            elif n > 1: u[i, j] = (u[i, j] + half * u[i, j - 1]) * pivot[n]
        for j in range(columns - 2, -1, -1):
            n = place[i, j]
            if n > 0 and place[i, j + 1] > 0: u[i, j] += half * pivot[n] * u[i, j + 1]


@njit(**FAST)
def solve_columns(u: np.ndarray, place_y: np.ndarray, r: float, pivot: np.ndarray) -> None:
    """Solve along columns, row by row so that memory is read in order."""
    rows, columns = u.shape
    half = 0.5 * r
    for i in range(rows):
        for j in range(columns):
            n = place_y[i, j]
            if n == 1: u[i, j] *= pivot[1]
            elif n > 1: u[i, j] = (u[i, j] + half * u[i - 1, j]) * pivot[n]
    for i in range(rows - 2, -1, -1):
        for j in range(columns):
            n = place_y[i, j]
            if n > 0 and place_y[i + 1, j] > 0: u[i, j] += half * pivot[n] * u[i + 1, j]


@njit(**FAST)
def open_sides(place: np.ndarray, i: int, j: int, di: int, dj: int) -> float:
    """Neighbours of a node along one direction that lie outside."""
    sides = 0.0
    if place[i - di, j - dj] == 0: sides += 1.0
    if place[i + di, j + dj] == 0: sides += 1.0
    return sides


@njit(**FAST)
def explicit_half(u: np.ndarray, out: np.ndarray, place: np.ndarray, source: np.ndarray, r: float, k: float,
                  half_dt: float, along_rows: bool) -> tuple[float, float]:
    """out = (1 + r/2 second difference - k) u + half_dt source. Returns (content, content next to the outside)."""
    rows, columns = u.shape
    content, edge = 0.0, 0.0
    dj = 1 if along_rows else 0
    di = 1 - dj
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            if place[i, j] == 0: continue
            here = u[i, j]
            around = u[i - di, j - dj] + u[i + di, j + dj]
            out[i, j] = here + 0.5 * r * (around - 2.0 * here) - k * here + half_dt * source[i, j]
            content += here
            edge += here * open_sides(place, i, j, di, dj)
    return content, edge


@njit(**FAST)
def edge_content(u: np.ndarray, place: np.ndarray, along_rows: bool) -> tuple[float, float]:
    """Content, and content beside the outside counted once per open side."""
    rows, columns = u.shape
    content, edge = 0.0, 0.0
    dj = 1 if along_rows else 0
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            if place[i, j] == 0: continue
            content += u[i, j]
            edge += u[i, j] * open_sides(place, i, j, 1 - dj, dj)
    return content, edge


@njit(**FAST)
def diffuse(u: np.ndarray, work: np.ndarray, place: np.ndarray, place_y: np.ndarray, source: np.ndarray, r: float,
            decay: float, dt: float, steps: int) -> tuple[float, float, float]:
    """`steps` steps of size `dt` with r = D dt / h². Returns what was (made, decayed, lost to the medium)."""
    k = 0.25 * decay * dt
    longest = max(place.max(), place_y.max())
    pivot = sweep_table(r, k, longest)
    made, decayed, lost = 0.0, 0.0, 0.0
    for _ in range(steps):
        content, edge = explicit_half(u, work, place, source, r, k, 0.5 * dt, False)
        decayed, lost = decayed + k * content, lost + 0.5 * r * edge
        solve_rows(work, place, r, pivot)
        content, edge = explicit_half(work, u, place, source, r, k, 0.5 * dt, True)
        decayed, lost = decayed + 2.0 * k * content, lost + r * edge
        solve_columns(u, place_y, r, pivot)
        content, edge = edge_content(u, place, False)
        decayed, lost = decayed + k * content, lost + 0.5 * r * edge
        made += dt * source.sum()
    return made, decayed, lost


@njit(**FAST)
def diffuse_explicit(u: np.ndarray, work: np.ndarray, place: np.ndarray, source: np.ndarray, r: float, decay: float,
                     dt: float, steps: int) -> tuple[float, float, float]:
    """Forward Euler with the five-point stencil: simple, stable for r <= 1/4 only. Returns as `diffuse`."""
    rows, columns = u.shape
    made, decayed, lost = 0.0, 0.0, 0.0
    for _ in range(steps):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                if place[i, j] == 0: continue
                here, around = u[i, j], u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1]
                open_here = open_sides(place, i, j, 1, 0) + open_sides(place, i, j, 0, 1)
                work[i, j] = here + r * (around - 4.0 * here) + dt * (source[i, j] - decay * here)
                decayed, lost = decayed + dt * decay * here, lost + r * open_here * here
        made += dt * source.sum()
        for i in range(1, rows - 1):
            for j in range(1, columns - 1): u[i, j] = work[i, j] if place[i, j] > 0 else 0.0
    return made, decayed, lost
