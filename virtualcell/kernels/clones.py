"""Clones on a device: a generation is one launch for all clones, and only sums per clone leave the device.

Random numbers are those of `virtualcell.kernels.streams`, on int64 tensors. This file needs torch, triton and numpy only.
`nbs/6_sim/62c_fused.ipynb` explains and tests it.
"""
import math

import numpy as np
import torch

from virtualcell.kernels.fused import launch

GAMMA, MIX_1, MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def signed(word: int) -> int:
    """The same 64 bits as a signed number."""
    word %= 2**64
    return word - 2**64 if word >= 2**63 else word


def mix(z: torch.Tensor) -> torch.Tensor:
    """`streams.mix`, bit for bit."""
    shift = lambda z, n: (z >> n) & ((1 << (64 - n)) - 1)
    z = (z ^ shift(z, 30)) * signed(MIX_1)
    z = (z ^ shift(z, 27)) * signed(MIX_2)
    return z ^ shift(z, 31)


def mixed(word: int, like: torch.Tensor) -> torch.Tensor:
    """`mix` of one word, where `like` is."""
    return mix(torch.tensor(word, device=like.device))


def uniform(keys: torch.Tensor, n: int = 0) -> torch.Tensor:
    """`streams.uniform`, bit for bit: draw `n` in (0, 1]."""
    word = mix(keys + signed(n * GAMMA))
    return (((word >> 11) & ((1 << 53) - 1)).double() + 1.0) * 2.0**-53


def normal(keys: torch.Tensor, n: int = 0) -> torch.Tensor:
    """`streams.normal`: from draws 2n and 2n + 1."""
    return (-2 * uniform(keys, 2 * n).log()).sqrt() * (2 * math.pi * uniform(keys, 2 * n + 1)).cos()


def heads(keys: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Heads of fair coins, 64 at a time, as `streams.binomial`."""
    found, most = torch.zeros_like(counts), int(counts.max()) if counts.numel() else 0
    for k in range(-(-most // 64)):
        left = (counts - 64 * k).clamp(0, 64).long()
        word = mix(keys + signed(k * GAMMA))
        for bit in range(64): found += ((word >> (63 - bit)) & 1).float() * (left > bit)
    return found


def intervals(onset: np.ndarray, times: np.ndarray) -> list[tuple[float, float, int, int]]:
    """(from, to, segment, snapshot taken at the end or -1), in order."""
    edges = sorted({0.0, *(float(t) for t in times), *(float(t) for t in onset if t < times[-1])})
    shot = lambda t: int(np.flatnonzero(times == t)[0]) if (times == t).any() else -1
    found = [(a, b, int(np.searchsorted(onset, a, "right")) - 1, shot(b))
             for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return [(0.0, 0.0, -1, 0), *found] if times[0] == 0 else found


def totals(code, plan, division, keys: np.ndarray, end: float, times: np.ndarray, measure, rule=None,
           device: str = "cuda", at_once: int = 40_000) -> tuple[np.ndarray, int]:
    """Exact clones, summed per clone at the times. Returns ((clone, time, quantity), events).

    `code` is a network's module; `plan` has onset, values, factors, start; `division` has mean and sd. `measure` takes a
    state (species, cell) to quantities (quantity, cell); `rule` takes daughters' state and keys to their state.
    """
    found, events = [], 0
    for first in range(0, len(keys), at_once):
        front = founders(plan, keys[first:first + at_once], device)
        total, generation, n = None, 0, len(front["key"])
        while front["key"].numel():
            seen, more = live(code, plan, division, front, generation, end, times, measure)
            if total is None: total = torch.zeros(n, *seen.shape[1:], device=device)
            total.index_add_(0, front["clone"], seen)
            front, generation, events = children(front, end, rule), generation + 1, events + more
        found.append(total.cpu().numpy())
    return np.concatenate(found).astype(float), events


def founders(plan, keys: np.ndarray, device: str) -> dict:
    """One cell per clone."""
    state = torch.tensor(np.asarray(plan.start), dtype=torch.float32, device=device)[:, None].repeat(1, len(keys))
    return {"key": torch.tensor(keys.view(np.int64).copy(), device=device), "state": state.contiguous(),
            "birth": torch.zeros(len(keys), device=device), "clone": torch.arange(len(keys), device=device)}


def lifetimes(division, keys: torch.Tensor, generation: int) -> torch.Tensor:
    """Times from birth to division, redrawn while negative."""
    own, row = mix(keys ^ mixed(11, keys)), min(generation, len(division.mean) - 1)
    life, attempt = torch.full(keys.shape, -1.0, device=keys.device), 0
    while bool((life < 0).any()):
        drawn = (division.mean[row] + division.sd[row] * normal(own, attempt)).float()
        life, attempt = torch.where(life < 0, drawn, life), attempt + 1
    return life


def live(code, plan, division, front: dict, generation: int, end: float, times: np.ndarray, measure) -> tuple:
    """Run the cells of one generation to their end, in place. Returns ((cell, time, quantity), events)."""
    device, birth = front["birth"].device, front["birth"]
    tensor = lambda values: torch.tensor(np.asarray(values), dtype=torch.float32, device=device)
    split = front["split"] = birth + lifetimes(division, front["key"], generation)
    stop, position = split.clamp(max=end), front["key"].clone()
    events, rows = torch.zeros(len(birth), dtype=torch.int32, device=device), []
    for begin, until, segment, shot in intervals(plan.onset, np.append(times, end)):
        if until > begin:
            span = (stop.clamp(max=until) - birth.clamp(min=begin)).clamp(min=0)
            launch(code, "race", front["state"], tensor(plan.values[0, segment]), tensor(plan.factors[segment]),
                   position, span, events)
        if 0 <= shot < len(times):
            rows.append(measure(front["state"]) * ((birth <= until) & (until < split)).float())
    return torch.stack(rows, 0).permute(2, 0, 1).contiguous(), int(events.sum(dtype=torch.int64))


def children(front: dict, end: float, rule) -> dict:
    """Daughters of the cells that divided."""
    who = front["split"] < end
    mothers, keys = front["state"][:, who], front["key"][who]
    sides = [mix(keys ^ mixed(side + 1, keys)) for side in (0, 1)]
    states = [mothers if rule is None else rule(mothers, mix(key ^ mixed(12, keys))) for key in sides]
    twice = lambda values: torch.cat([values[who], values[who]])
    return {"key": torch.cat(sides), "state": torch.cat(states, 1).contiguous(), "birth": twice(front["split"]),
            "clone": twice(front["clone"])}
