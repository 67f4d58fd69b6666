"""The columns of a screen against the readable rules, on random programs; and how fast and small they are."""
import json
import subprocess
import sys
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtualcell.constraints.delivery import Delivery, Option
from virtualcell.constraints.goal import Goal
from virtualcell.constraints.intervention import Intervention, Part
from virtualcell.constraints.program import RULES, Budget, Limits, Program, check
from virtualcell.constraints.readout import Readout
from virtualcell.core import ContractError
from virtualcell.screen.enumerate import (
    COLUMN_RULES,
    KEPT,
    count_candidates,
    enumerate_candidates,
    removed_by_rule,
)

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # the type checker draws samples

TARGETS = ("CD5", "IL7R", "PU.1", "IL-2 (human)", "TET2")
DOSES = {"KO": ((), ""), "OE": ((2.0, 4.0), "x"), "KD": ((20.0, 50.0), "%"), "drug": ((0.0, 50.0, 100.0), "nM")}
TIMES = (0.0, 16.0, 48.5)
DELIVERIES = ("", "RNP", "virus")
costs = st.sampled_from((0.0, 0.1, 0.2, 0.3, 0.7, 40.0, 120.0)) | st.floats(0, 500, allow_nan=False)


@st.composite
def options(draw):
    """One option; options overlap often."""
    kind = draw(st.sampled_from(tuple(DOSES)))
    doses, unit = DOSES[kind]
    if doses:
        doses = tuple(draw(st.lists(st.sampled_from(doses), min_size=kind == "drug", max_size=2, unique=True)))
    some = lambda values: tuple(draw(st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)))
    return Option(kind, some(TARGETS), doses, unit if doses else "", some(TIMES),
                  draw(costs), draw(st.sampled_from(DELIVERIES) | st.sampled_from(DELIVERIES[1:])))


@st.composite
def deliveries(draw, offered):
    """None, or one for each that the options use, with any limits."""
    names = sorted({o.delivery for o in offered})
    if draw(st.booleans()):
        return ()
    return tuple(Delivery(name, tuple(sorted({o.kind for o in offered if o.delivery == name})), draw(st.integers(1, 3)),
                          draw(st.integers(1, 2)),
                          tuple(draw(st.lists(st.sampled_from(TIMES), max_size=2, unique=True).filter(
                              lambda times, name=name: not times or any(set(times) & set(o.times_h) for o in offered
                                                                        if o.delivery == name)))),
                          draw(costs), draw(st.sampled_from(("", "cells suffer")))) for name in names)


@st.composite
def programs(draw):
    """Any program with a few hundred combinations at most."""
    some = st.lists(st.sampled_from((*TARGETS, "nowhere")), max_size=2)
    group = st.lists(st.sampled_from((*TARGETS, "nowhere")), min_size=2, max_size=3, unique=True)
    groups = st.lists(group.map(tuple), max_size=3)
    limits = Limits(draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.none() | costs), tuple(draw(groups)),
                    tuple(draw(some)))
    offered = tuple(draw(st.lists(options(), min_size=1, max_size=3)))
    ways = draw(deliveries(offered)) if all(o.delivery for o in offered) else ()
    return Program("random", "cells", ("T",), offered, (Readout("fitness"),), (Goal("fitness"),), deliveries=ways,
                   limits=limits, budget=Budget(cost_per_delivery=0.0 if ways else draw(costs)))


def by_hand(program):
    """Every combination of offered parts, written as plainly as can be."""
    offered = {Part(time_h, o.kind, target, dose, o.unit if dose is not None else "", o.delivery)
               for o in program.options for target in o.targets
               for dose in (o.doses or (None,)) for time_h in o.times_h}
    return {Intervention(chosen) for size in range(1, program.limits.max_parts + 1)
            for chosen in combinations(offered, size)}


@settings(max_examples=150, deadline=None)
@given(programs())
def test_columns_say_what_the_rules_say(program):
    allowed, removed = enumerate_candidates(program)
    every = by_hand(program)
    assert set(allowed.interventions) | set(removed.candidates.interventions) == every
    assert len(allowed) + len(removed) == len(every) == count_candidates(program)
    assert all(map(program.check, allowed.interventions))
    for candidates in (allowed, removed.candidates):
        assert candidates.cost_per.tolist() == [program.cost(one) for one in candidates.interventions]
    verdicts = [program.check(one) for one in removed.candidates.interventions]
    table = removed.frame
    assert table["rule"].tolist() == [verdict.rules[0] for verdict in verdicts]
    assert table["all_rules"].tolist() == ["; ".join(verdict.rules) for verdict in verdicts]
    assert table["reason"].tolist() == ["; ".join(verdict.reasons) for verdict in verdicts]
    counted = dict(removed_by_rule(removed).itertuples(index=False))
    assert counted == table["rule"].value_counts().to_dict()


@settings(max_examples=40, deadline=None)
@given(programs())
def test_what_check_allows_is_enumerated(program):
    """A part may not borrow its dose from one option and its time or delivery from another."""
    allowed = set(enumerate_candidates(program).allowed.interventions)
    for kind, target, time_h, delivery in product(DOSES, TARGETS, TIMES, DELIVERIES):
        doses, unit = DOSES[kind]
        for dose in (*doses, *([] if kind == "drug" else [None])):
            one = Intervention((Part(time_h, kind, target, dose, unit if dose is not None else "", delivery),))
            assert (one in allowed) == bool(program.check(one))


@settings(max_examples=50, deadline=None)
@given(programs(), st.randoms())
def test_the_order_of_the_file_decides_nothing(program, random):
    shuffled = [replace(o, targets=tuple(random.sample(o.targets, len(o.targets)))) for o in program.options]
    random.shuffle(shuffled)
    one, other = (enumerate_candidates(p).allowed for p in (program, replace(program, options=tuple(shuffled))))
    assert one.offered == other.offered and (one.members == other.members).all()
    assert (one.cost_per == other.cost_per).all()


@settings(max_examples=50, deadline=None)
@given(programs(), st.data())
def test_rows_are_chosen_before_anything_is_made(program, data):
    allowed, removed = enumerate_candidates(program)
    for held, frame in ((allowed, allowed.frame), (removed, removed.frame)):
        rows = data.draw(st.lists(st.integers(0, len(held) - 1), max_size=4)) if len(held) else []
        assert held.take(rows).frame.equals(frame.iloc[rows].reset_index(drop=True)) or not rows
        keep = np.arange(len(held)) % 2 == 0
        assert len(held.take(keep)) == keep.sum() == len(held.take(slice(None, None, 2)))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_deliveries_are_limited_as_a_person_would_count(data):
    """By hand: uses are pairs of delivery and time."""
    offered = (Option("KO", ("CD5", "TET2"), (), "", (0.0, 16.0), 1.0, "RNP"), Option("OE", ("IL7R", "PU.1"), (), "",
               (0.0, 48.5), 2.0, "virus"))
    program = Program("made", "cells", ("T",), offered, (Readout("fitness"),), (Goal("fitness"),),
                      deliveries=data.draw(deliveries(offered)), limits=Limits(3, data.draw(st.integers(1, 3))))
    ways = {way.name: way for way in program.deliveries}

    def possible(one):
        uses = {(p.delivery, p.time_h) for p in one.parts} if ways else {p.time_h for p in one.parts}
        if len(uses) > program.limits.max_deliveries or len(set(one.targets)) < len(one.targets):
            return False
        return all(sum((p.delivery, p.time_h) == use for p in one.parts) <= ways[use[0]].max_parts
                   and sum(other[0] == use[0] for other in uses) <= ways[use[0]].max_uses
                   and (not ways[use[0]].times_h or use[1] in ways[use[0]].times_h) for use in (uses if ways else ()))

    assert set(enumerate_candidates(program).allowed.interventions) == set(filter(possible, by_hand(program)))


def test_every_rule_stands_in_one_of_the_lists():
    assert set(RULES) == {*COLUMN_RULES, *KEPT} and not set(COLUMN_RULES) & set(KEPT)


def test_a_rule_of_ones_own_is_asked_one_by_one(monkeypatch):
    def never_at_night(program, candidate):
        return "nobody is there" if 16.0 in candidate.times_h else ""

    monkeypatch.setitem(RULES, "never_at_night", never_at_night)
    program = Program.load("tcell_commitment")
    allowed, removed = enumerate_candidates(program)
    assert all(check(program, one) for one in allowed.interventions)
    assert len(allowed) == 50 and len(removed) == 250
    assert "never_at_night" in removed.frame["rule"].tolist()


def test_too_many_are_refused():
    program = replace(Program.load("au565_knockout"), limits=Limits(max_parts=4))
    with pytest.raises(ContractError, match="combinations or fewer, found 4,381,294,685,890,662"):
        enumerate_candidates(program)


MEASURE = """
import json, time, tracemalloc
from dataclasses import replace
from itertools import combinations
from virtualcell.constraints.intervention import _read
from virtualcell.constraints.program import Limits, Program
from virtualcell.core import ContractError
from virtualcell.screen.enumerate import enumerate_candidates
from virtualcell.widgets.designer import ScreenDesigner

found = {}
whole = Program.load("au565_knockout")
targets = whole.options[0].targets


def genome(n_targets, **limits):
    fewer = replace(whole.options[0], targets=targets[:n_targets])
    return replace(whole, options=(fewer,), limits=Limits(**limits))


def timed(name, work, n=3):
    seconds = []
    for _ in range(n):
        start = time.process_time()
        found["n_" + name] = work()
        seconds.append(time.process_time() - start)
    found[name] = min(seconds)


def table(*program):
    allowed = enumerate_candidates(genome(*program[:1], max_parts=program[1])).allowed
    assert len(allowed.interventions) == len(allowed.frame)
    return len(allowed)


def refused():
    try: enumerate_candidates(genome(18_008, max_parts=2))
    except ContractError as error: return "162,153,036" in str(error)


timed("knock_outs", lambda: table(10_000, 1))
timed("pairs", lambda: table(141, 2))
timed("refused", refused)
found["reads"] = _read.cache_info().misses + _read.cache_info().hits

million = genome(1_414, max_parts=2, protected=("A1BG",), max_cost=80.0)
timed("million", lambda: sum(map(len, enumerate_candidates(million, 1_100_000))))
tracemalloc.start()
held = enumerate_candidates(million, 1_100_000)
found["kept_MB"], found["peak_MB"] = (size / 1e6 for size in tracemalloc.get_traced_memory())
tracemalloc.stop()
found["made"] = "interventions" in vars(held.allowed)
many = genome(1_414, max_parts=2, forbidden=tuple(combinations(targets[:201], 2)))
timed("forbidden", lambda: len(enumerate_candidates(many, 1_100_000).removed), 1)

timed("opened", lambda: ScreenDesigner(whole).n_allowed)
widget, off = ScreenDesigner(whole), iter(targets)


def click():
    widget.switched_off = [*widget.switched_off, f"KO:{next(off)}"]
    return widget.n_allowed


timed("clicked", click)
widget = ScreenDesigner(replace(whole, limits=Limits(max_parts=2)))
widget.switched_off = widget.targets[631:]
timed("clicked_pairs", click, 1)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def measured():
    """Figures in a process of its own: the type checker of the tests costs more than the work."""
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ten_thousand_candidates_with_objects_and_table(measured):
    assert measured["n_knock_outs"] == 10_000 and measured["knock_outs"] < 0.3
    assert measured["n_pairs"] == 10_011 and measured["pairs"] < 0.3
    assert measured["reads"] == 0  # no text is read


def test_too_many_are_refused_before_any_work(measured):
    assert measured["n_refused"] and measured["refused"] < 0.05


def test_a_million_pairs_are_columns(measured):
    assert measured["n_million"] == 1_414 + 1_414 * 1_413 // 2 and measured["million"] < 2
    assert not measured["made"]
    assert measured["kept_MB"] < 50 and measured["peak_MB"] < 200
    assert measured["n_forbidden"] == 201 * 200 // 2 and measured["forbidden"] < 5


def test_the_designer_on_a_genome(measured):
    assert measured["n_opened"] == 18_008 and measured["opened"] < 1
    assert measured["n_clicked"] == 18_005 and measured["clicked"] < 1
    assert measured["n_clicked_pairs"] == 630 + 630 * 629 // 2 and measured["clicked_pairs"] < 1
