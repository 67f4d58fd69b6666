"""From a reaction network to source text of compiled functions, and to the functions.

A `Plan` speaks of slots only: species `x3`, parameters `p7`, definitions `d0`. Its codes were made from a syntax tree
that holds numbers, names, arithmetic and a few known functions, so nothing that a user typed is run as it stands.

- Up to 64 reactions, `race` keeps the state in registers: one branch per group of reactions that change the same
  species, and after an event only the rates that read a changed species are computed again.
- Above that, `race` keeps rates in an array with sums over blocks of 16; reactions of the same form share one piece of
  code, so the time to compile does not grow with the network.
- Modules are written to the user's cache folder, where numba keeps the machine code beside them. A module whose text is
  not what would be written now is written again.
"""
import hashlib
import importlib.util
import os
import re
import sys
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np

REGISTERS = 64  # reactions at most for the race in registers
BLOCK = 16      # reactions per partial sum of the race in arrays
SLOT = re.compile(r"\b([xpd])(\d+)\b")
LOCK, LOADED = threading.Lock(), {}
HEAD = '''"""Written by virtualcell for one reaction network; safe to delete."""
import math
import numpy as np
from numba import njit
from virtualcell.kernels.cells import RACE, RATES
from virtualcell.kernels.streams import FAST, GAMMA, uniform
'''


class Plan(NamedTuple):
    """A network in slots."""
    n_species: int
    n_parameters: int
    changes: tuple      # per reaction: ((species, change), …)
    rates: tuple        # per reaction: code
    definitions: tuple  # codes, each may read earlier ones
    order: tuple        # reactions from fast to slow; decides how the race looks for the next event


def slots(code: str) -> set[str]:
    """Names of the slots that `code` reads."""
    return {kind + number for kind, number in SLOT.findall(code)}


def reads(plan: Plan) -> list[set[str]]:
    """Per reaction all slots, those behind definitions included."""
    behind: dict[str, set[str]] = {}
    for k, code in enumerate(plan.definitions):
        behind[f"d{k}"] = set().union(*({s} | behind.get(s, set()) for s in slots(code)), set())
    return [set().union(*({s} | behind.get(s, set()) for s in slots(code)), set()) for code in plan.rates]


def groups(plan: Plan) -> list[list[int]]:
    """Reactions that change the same species, in the plan's order."""
    found: dict[tuple, list[int]] = {}
    for j in plan.order: found.setdefault(tuple(sorted({i for i, _ in plan.changes[j]})), []).append(j)
    return list(found.values())


def head_lines(plan: Plan, codes: tuple[str, ...]) -> list[str]:
    """Slots read by `codes`, from arrays into names."""
    used = set().union(*map(slots, codes), *map(slots, plan.definitions), set())
    return [f"{s} = {s[0]}[{s[1:]}]" for s in sorted(used, key=lambda s: (s[0], int(s[1:]))) if s[0] in "xp"]


def moves(plan: Plan, j: int) -> str:
    """Assignments of reaction `j`."""
    return "; ".join(f"x{i} += {float(n)}" for i, n in plan.changes[j]) or "pass"


def again(plan: Plan, changed: set[str]) -> list[str]:
    """Lines that renew what reads a changed species."""
    lines, stale = [], set(changed)
    for k, code in enumerate(plan.definitions):
        if slots(code) & stale:
            lines.append(f"d{k} = {code}")
            stale.add(f"d{k}")
    return lines + [f"a{j} = f{j} * ({code})" for j, code in enumerate(plan.rates) if slots(code) & stale]


def tree_sum(terms: list[str]) -> str:
    """A sum as a balanced tree, short for the processor."""
    if len(terms) == 1: return terms[0]
    half = len(terms) // 2
    return f"({tree_sum(terms[:half])} + {tree_sum(terms[half:])})"


def branch(plan: Plan, group: list[int], last: bool) -> list[str]:
    """Inside one group: which reaction, what it changes, what is renewed."""
    lines, sums = [], f"a{group[0]}"
    for k, j in enumerate(group):
        final = k == len(group) - 1
        if len(group) == 1: lines.append(moves(plan, j) if not last else f"if a{j} > 0.0: {moves(plan, j)}")
        elif not final:
            lines.append(f"{'if' if k == 0 else 'elif'} pick <= {sums}: {moves(plan, j)}")
            sums = f"({sums} + a{group[k + 1]})"
        else: lines.append(f"{f'elif a{j} > 0.0' if last else 'else'}: {moves(plan, j)}")
    return lines + again(plan, {f"x{i}" for j in group for i, _ in plan.changes[j]})


def registers_source(plan: Plan) -> str:
    """The race in registers."""
    found, n = groups(plan), len(plan.rates)
    total = tree_sum([f"g{k}" for k in range(len(found))])
    lines = [*(f"x{i} = x[{i}]" for i in range(plan.n_species)), *(f"f{j} = f[{j}]" for j in range(n)),
             *(line for line in head_lines(plan, plan.rates) if line[0] == "p"),
             *(f"d{k} = {code}" for k, code in enumerate(plan.definitions)),
             *(f"a{j} = f{j} * ({code})" for j, code in enumerate(plan.rates)), "events = 0", "while True:"]
    inner = [f"g{k} = {_left_sum(group)}" for k, group in enumerate(found)] + [
        f"total = {total}", "if not total > 0.0: break", "now -= math.log(uniform(stream)) / total",
        "pick = uniform(stream + GAMMA) * total", "stream = stream + GAMMA + GAMMA", "if now >= end: break",
        "events += 1"]
    for k, group in enumerate(found[:-1]):
        inner += [f"if pick <= g{k}:", *("    " + line for line in branch(plan, group, False)), "    continue",
                  f"pick -= g{k}"]
    inner += branch(plan, found[-1], True)
    lines += ["    " + line for line in inner] + [f"x[{i}] = x{i}" for i in range(plan.n_species)]
    lines += ["return events, total, stream"]
    return "@njit(RACE.signature, **FAST)\ndef race(x, now, end, p, f, stream):\n" + "".join(
        f"    {line}\n" for line in lines)


def _left_sum(group: list[int]) -> str:
    """The same order of additions as the comparisons inside the group, so that no rounding can pick a zero rate."""
    text = f"a{group[0]}"
    for j in group[1:]: text = f"({text} + a{j})"
    return text


def vector_source(plan: Plan) -> str:
    """All rates into an array."""
    lines = [*head_lines(plan, plan.rates), *(f"d{k} = {code}" for k, code in enumerate(plan.definitions)),
             *(f"out[{j}] = f[{j}] * ({code})" for j, code in enumerate(plan.rates))]
    return "@njit(RATES.signature, **FAST)\ndef rates(x, p, f, out):\n" + "".join(f"    {line}\n" for line in lines)


def inlined(plan: Plan) -> list[str]:
    """Rates with definitions written out."""
    full: dict[str, str] = {}
    put = lambda code: re.sub(r"\bd(\d+)\b", lambda m: f"({full['d' + m[1]]})", code)
    for k, code in enumerate(plan.definitions): full[f"d{k}"] = put(code)
    return [put(code) for code in plan.rates]


def shapes(plan: Plan) -> tuple[list[str], list[int], list[list[int]]]:
    """Distinct forms of rates, the form of each reaction, and its slots."""
    forms: dict[str, int] = {}
    kinds, places = [], []
    for code in inlined(plan):
        seen: dict[str, int] = {}
        form = SLOT.sub(lambda m, seen=seen: f"{m[1]}[s[{seen.setdefault(m[0], len(seen))}]]", code)
        kinds.append(forms.setdefault(form, len(forms)))
        places.append([int(s[1:]) for s in seen])
    return list(forms), kinds, places


def _flat(rows: list) -> tuple[list[int], list[int]]:
    """Rows of different lengths as (first, values)."""
    first, values = [0], []
    for row in rows:
        values += list(row)
        first.append(len(values))
    return first, values


def arrays_source(plan: Plan) -> str:
    """Forms, tables and the race in arrays."""
    forms, kinds, places = shapes(plan)
    width = max(map(len, places), default=1) or 1
    padded = [row + [0] * (width - len(row)) for row in places]
    use = [sorted({int(s[1:]) for s in row if s[0] == "x"}) for row in reads(plan)]
    touched = [[i for i, _ in change] for change in plan.changes]
    after = [[k for k, row in enumerate(use) if set(row) & set(t)] for t in touched]
    (d_first, d_list), (c_first, c_who) = _flat(after), _flat(touched)
    c_much = [n for change in plan.changes for _, n in change]
    table = lambda name, values, kind="np.int64": f"{name} = np.array({values}, {kind})\n"
    text = "".join([table("KIND", kinds), table("SLOTS", padded), table("D_FIRST", d_first), table("D_LIST", d_list),
                    table("C_FIRST", c_first), table("C_WHO", c_who), table("C_MUCH", c_much, "np.float64")])
    text += "@njit(**FAST)\ndef one(j, x, p):\n    kind, s = KIND[j], SLOTS[j]\n"
    text += "".join(f"    if kind == {k}: return {form}\n" for k, form in enumerate(forms)) + "    return 0.0\n"
    return text + ARRAYS.replace("N_REACTIONS", str(len(kinds))).replace("BLOCK", str(BLOCK))


ARRAYS = '''
@njit(RATES.signature, **FAST)
def rates(x, p, f, out):
    for j in range(N_REACTIONS): out[j] = f[j] * one(j, x, p)

@njit(**FAST)
def block_sum(a, k):
    total = 0.0
    for j in range(k * BLOCK, min((k + 1) * BLOCK, N_REACTIONS)): total += a[j]
    return total

@njit(**FAST)
def find(a, b, pick):
    last = 0
    for k in range(len(b)):
        if pick > b[k]:
            pick -= b[k]
            continue
        for j in range(k * BLOCK, min((k + 1) * BLOCK, N_REACTIONS)):
            if a[j] > 0.0:
                last = j
                if pick <= a[j]: return j
                pick -= a[j]
        return last
    for j in range(N_REACTIONS):
        if a[j] > 0.0: last = j
    return last

@njit(RACE.signature, **FAST)
def race(x, now, end, p, f, stream):
    a, b = np.empty(N_REACTIONS), np.empty((N_REACTIONS + BLOCK - 1) // BLOCK)
    rates(x, p, f, a)
    for k in range(len(b)): b[k] = block_sum(a, k)
    events, total = 0, 0.0
    while True:
        total = b.sum()
        if not total > 0.0: break
        now -= math.log(uniform(stream)) / total
        pick = uniform(stream + GAMMA) * total
        stream = stream + GAMMA + GAMMA
        if now >= end: break
        events += 1
        j = find(a, b, pick)
        for c in range(C_FIRST[j], C_FIRST[j + 1]): x[C_WHO[c]] += C_MUCH[c]
        stale = -1
        for d in range(D_FIRST[j], D_FIRST[j + 1]):
            k = D_LIST[d]
            a[k] = f[k] * one(k, x, p)
            if stale != k // BLOCK:
                if stale >= 0: b[stale] = block_sum(a, stale)
                stale = k // BLOCK
        if stale >= 0: b[stale] = block_sum(a, stale)
    return events, total, stream
'''


def tables(plan: Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """For the approximations: first entry, species and amount of every change, and the noise of each reaction."""
    first, who = _flat([[i for i, _ in change] for change in plan.changes])
    much = [n for change in plan.changes for _, n in change]
    return (np.array(first, np.int64), np.array(who, np.int64), np.array(much, np.float64),
            np.array(directions(plan), np.int64))


def directions(plan: Plan) -> list[int]:
    """Per reaction the number of its noise: opposite and equal reactions share one normal, which is exact in law."""
    seen: dict[tuple, int] = {}
    found = []
    for change in plan.changes:
        row = tuple(sorted(change))
        flipped = tuple((i, -n) for i, n in row)
        found.append(seen.setdefault(min(row, flipped), len(seen)))
    return found


def module_source(plan: Plan) -> str:
    """The module of a network: `race` and `rates`."""
    if len(plan.rates) > REGISTERS: return HEAD + "\n" + arrays_source(plan)
    return HEAD + "\n" + registers_source(plan) + "\n" + vector_source(plan)


def cache_folder() -> Path:
    """Where compiled networks are kept: VIRTUALCELL_CACHE, else the user's cache folder."""
    base = os.environ.get("VIRTUALCELL_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "virtualcell")
    return Path(base) / f"networks-{sys.version_info[0]}{sys.version_info[1]}"


def load(plan: Plan):
    """The compiled module of `plan`, from this process, from the cache folder, or new."""
    text = module_source(plan)
    name = "virtualcell_network_" + hashlib.sha256(text.encode()).hexdigest()[:24]
    with LOCK:  # threads that meet here wait for one compilation
        if name not in LOADED: LOADED[name] = _compile(name, text)
        return LOADED[name]


def _compile(name: str, text: str):
    path = cache_folder() / f"{name}.py"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text: _write(path, text)
    except OSError:  # no folder to keep it in: compile for this process only
        path = Path(tempfile.mkdtemp(prefix="virtualcell-")) / f"{name}.py"
        path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # numba's cache looks for it by name
    spec.loader.exec_module(module)
    return module


def _write(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".new", delete=False) as file: file.write(text)
    os.replace(file.name, path)
