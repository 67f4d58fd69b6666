"""From a reaction network to fused GPU kernels in Triton: state, rates and random numbers never leave the registers.

- `race`: exact events. One lane is one cell; all rates are computed again after each event, because lanes that agree on
  what they do are faster than lanes that each do less.
- `langevin`: many Euler-Maruyama steps per launch; opposite reactions share a normal.
- `leap`: steps of the size that no rate changes much in, single events where molecules are few or a leap saves nothing.
- Random numbers are those of `virtualcell.kernels.streams`: one word of SplitMix64 gives two uniforms of 24 bits.
- Counts are float32, exact to 16.7 million. Time is kept as what is left of an interval.

This file needs torch, triton and numpy only. On a machine without a GPU, `TRITON_INTERPRET=1` runs the same kernels slowly.
"""
import hashlib

from virtualcell.kernels.emit import Plan, _compile, directions, inlined, slots

BLOCK = 128
LOADED: dict = {}
HEAD = '''"""Written by virtualcell for one reaction network; safe to delete."""
import triton
import triton.language as tl


@triton.jit
def mix(z):
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    return z ^ (z >> 31)


@triton.jit
def pair(key):
    word = mix(key)
    one = ((word >> 40).to(tl.float32) + 1.0) * 5.9604644775390625e-08
    two = (((word >> 8) & 0xFFFFFF).to(tl.float32) + 1.0) * 5.9604644775390625e-08
    return one, two


@triton.jit
def poisson(mean, key, going):
    """Poisson counts by inversion, at most 60 at a time; returns (counts, next position)."""
    rest = tl.where(going, mean, 0.0)
    count = rest * 0.0
    while tl.max(rest) > 0.0:
        part = tl.minimum(rest, 60.0)
        left, _ = pair(key)
        key += 0x9E3779B97F4A7C15
        chance = tl.exp(-part)
        step = part * 0.0
        more = (left > chance) & (part > 0.0)
        while tl.max(more.to(tl.int32)) > 0:
            left = tl.where(more, left - chance, left)
            step = tl.where(more, step + 1.0, step)
            chance = tl.where(more, chance * part / tl.maximum(step, 1.0), chance)
            more = more & (left > chance) & (step < 400.0)
        count += step
        rest -= part
    return count, key
'''


def _load(plan: Plan, tail: str) -> list[str]:
    """The beginning of every kernel."""
    used = sorted(set().union(*map(slots, inlined(plan)), set()), key=lambda s: (s[0], int(s[1:])))
    return ["lane = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)", "live = lane < n",
            *(f"x{i} = tl.load(x_ptr + {i} * n + lane, mask=live, other=0.0)" for i in range(plan.n_species)),
            *(f"{s} = tl.load(p_ptr + {s[1:]})" for s in used if s[0] == "p"),
            *(f"f{j} = tl.load(f_ptr + {j})" for j in range(len(plan.rates))),
            "key = tl.load(key_ptr + lane, mask=live, other=0).to(tl.uint64)",
            "left = tl.load(span_ptr + lane, mask=live, other=-1.0)", *tail.splitlines()]


def _store(plan: Plan) -> list[str]:
    """Its end."""
    return [*(f"tl.store(x_ptr + {i} * n + lane, x{i}, mask=live)" for i in range(plan.n_species)),
            "tl.store(key_ptr + lane, key.to(tl.int64), mask=live)",
            "tl.store(events_ptr + lane, tl.load(events_ptr + lane, mask=live, other=0) + events, mask=live)"]


def _kernel(name: str, arguments: str, before: list[str], loop: str, inner: list[str], after: list[str]) -> str:
    body = [*before, loop, *("    " + line for line in inner), *after]
    return (f"\n\n@triton.jit\ndef {name}(x_ptr, p_ptr, f_ptr, key_ptr, span_ptr, events_ptr, n, {arguments}"
            "BLOCK: tl.constexpr):\n" + "".join(f"    {line}\n" for line in body))


def _rates(plan: Plan) -> list[str]:
    return [*(f"d{k} = {code}" for k, code in enumerate(plan.definitions)),
            *(f"a{j} = f{j} * ({code})" for j, code in enumerate(plan.rates))]


def race_source(plan: Plan) -> str:
    """Exact events until the span of every lane is over."""
    n = len(plan.rates)
    inner = [*_rates(plan), "c0 = a0", *(f"c{j} = c{j - 1} + a{j}" for j in range(1, n)), "u, v = pair(key)",
             "key += 0x9E3779B97F4A7C15", f"going = going & (c{n - 1} > 0.0)",
             f"left = left + tl.log(u) / tl.where(c{n - 1} > 0.0, c{n - 1}, 1.0)", "going = going & (left > 0.0)",
             f"pick = tl.where(going, v * c{n - 1}, -1.0)", "events += going.to(tl.int32)"]
    for j in range(n):
        above = f"pick > c{j - 1}" if j else "pick > 0.0"
        inner.append(f"fire = (({above}) & (pick <= c{j})).to(tl.float32)")
        inner += [f"x{i} += {float(k)} * fire" for i, k in plan.changes[j]]
    start = "going = live & (left > 0.0)\nevents = tl.zeros([BLOCK], tl.int32)"
    return _kernel("race", "", _load(plan, start), "while tl.max(going.to(tl.int32)) > 0:", inner, _store(plan))


def langevin_source(plan: Plan) -> str:
    """Euler-Maruyama steps, the same number in every lane; a lane's step is its span by that number."""
    which = directions(plan)
    n_noise = max(which) + 1
    inner = _rates(plan)
    for k in range(0, n_noise, 2):
        inner += ["u, v = pair(key)", "key += 0x9E3779B97F4A7C15", "r = tl.sqrt(-2.0 * tl.log(u))",
                  f"z{k} = r * tl.cos(6.283185307179586 * v)", f"z{k + 1} = r * tl.sin(6.283185307179586 * v)"]
    for k in range(n_noise):
        mine = [j for j, other in enumerate(which) if other == k]
        base = plan.changes[mine[0]]
        same = [j for j in mine if tuple(sorted(plan.changes[j])) == tuple(sorted(base))]
        total = " + ".join(f"tl.maximum(a{j}, 0.0)" for j in mine)
        drift = " + ".join(f"a{j}" if j in same else f"(-a{j})" for j in mine)
        inner.append(f"g{k} = h * ({drift}) + tl.sqrt(h * ({total})) * z{k}")
    for k in range(n_noise):
        first = which.index(k)
        inner += [f"x{i} += {float(much)} * g{k}" for i, much in plan.changes[first]]
    inner += [f"x{i} = tl.maximum(x{i}, 0.0)" for i in range(plan.n_species)]
    start = "h = tl.where(left > 0.0, left / steps, 0.0)\nevents = tl.zeros([BLOCK], tl.int32) + steps"
    return _kernel("langevin", "steps, ", _load(plan, start), "for _ in range(steps):", inner, _store(plan))


def _leap_size(plan: Plan) -> list[str]:
    """Critical reactions, the step that keeps rates, and what is left as single events."""
    lines = [f"few{i} = x{i} < critical" for i in range(plan.n_species)]
    for j, change in enumerate(plan.changes):
        test = " | ".join(f"few{i}" for i, _ in change) or "(x0 < 0.0)"
        lines.append(f"s{j} = tl.where({test}, a{j}, 0.0)")
        lines.append(f"b{j} = a{j} - s{j}")
    lines.append("tau = left")
    for i in range(plan.n_species):
        mine = [(j, k) for j, change in enumerate(plan.changes) for who, k in change if who == i]
        if not mine: continue
        mean = " + ".join(f"{float(k)} * b{j}" for j, k in mine)
        spread = " + ".join(f"{float(k * k)} * b{j}" for j, k in mine)
        lines += [f"room = tl.maximum(epsilon * x{i} / 3.0, 1.0)", f"m = tl.abs({mean})", f"w = {spread}",
                  "tau = tl.minimum(tau, tl.where(m > 0.0, room / tl.maximum(m, 1e-30), tau))",
                  "tau = tl.minimum(tau, tl.where(w > 0.0, room * room / tl.maximum(w, 1e-30), tau))"]
    n = len(plan.rates)
    return [*lines, "total = " + " + ".join(f"a{j}" for j in range(n)), "single = tau * total < 10.0",
            *(f"s{j} = tl.where(single, a{j}, s{j})" for j in range(n)),
            *(f"b{j} = tl.where(single, 0.0, b{j})" for j in range(n)), "tau = tl.where(single, left, tau)",
            "c0 = s0", *(f"c{j} = c{j - 1} + s{j}" for j in range(1, n))]


def leap_source(plan: Plan) -> str:
    """Leaps with critical species as single events; a leap below zero is undone and halved by the caller's bound."""
    n = len(plan.rates)
    last = f"c{n - 1}"
    inner = [*_rates(plan), *_leap_size(plan), "u, v = pair(key)", "key += 0x9E3779B97F4A7C15",
             "going = going & (total > 0.0)", "tau = tl.minimum(tau, bound)",
             f"wait = tl.where({last} > 0.0, -tl.log(u) / tl.where({last} > 0.0, {last}, 1.0), 2.0 * tau + left)",
             "fires = wait < tau", "tau = tl.where(fires, wait, tau)",
             *(f"y{i} = x{i}" for i in range(plan.n_species))]
    for j, change in enumerate(plan.changes):
        inner.append(f"k{j}, key = poisson(b{j} * tau, key, going)")
        inner += [f"y{i} += {float(k)} * k{j}" for i, k in change]
    low = "y0" if plan.n_species == 1 else None
    inner.append("low = " + (low or _least([f"y{i}" for i in range(plan.n_species)])))
    inner += ["good = going & (low >= 0.0)", "bound = tl.where(going & (low < 0.0), 0.5 * tau, 1e30)",
              f"pick = tl.where(good & fires, v * {last}, -1.0)"]
    inner += [f"x{i} = tl.where(good, y{i}, x{i})" for i in range(plan.n_species)]
    for j in range(n):
        above = f"pick > c{j - 1}" if j else "pick > 0.0"
        inner.append(f"fire = (({above}) & (pick <= c{j})).to(tl.float32)")
        inner += [f"x{i} += {float(k)} * fire" for i, k in plan.changes[j]]
    counts = " + ".join(f"k{j}" for j in range(n))
    inner += [f"events += tl.where(good, {counts} + fires.to(tl.float32), 0.0).to(tl.int32)",
              "left = tl.where(good, left - tau, left)", "going = going & (left > 1e-6 * span)"]
    start = ("going = live & (left > 0.0)\nspan = left\nbound = left * 0.0 + 1e30\n"
             "events = tl.zeros([BLOCK], tl.int32)")
    return _kernel("leap", "epsilon, critical, ", _load(plan, start), "while tl.max(going.to(tl.int32)) > 0:", inner,
                   _store(plan))


def _least(names: list[str]) -> str:
    if len(names) == 1: return names[0]
    half = len(names) // 2
    return f"tl.minimum({_least(names[:half])}, {_least(names[half:])})"


def load(plan: Plan):
    """The Triton module of `plan`, whose codes are in the dialect `triton`."""
    text = HEAD + race_source(plan) + langevin_source(plan) + leap_source(plan)
    name = "virtualcell_fused_" + hashlib.sha256(text.encode()).hexdigest()[:24]
    if name not in LOADED: LOADED[name] = _compile(name, text)
    return LOADED[name]


def launch(module, method: str, state, p, f, keys, span, events, extra: tuple = ()) -> None:
    """Run every cell over its span, in place. Tensors: state (species, cell), p, f, span float32; keys int64; events int32."""
    n = state.shape[1]
    if n: getattr(module, method)[((n + BLOCK - 1) // BLOCK,)](state, p, f, keys, span, events, n, *extra, BLOCK=BLOCK)
