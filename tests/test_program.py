"""What the lab is, from YAML to the ranking and the designer: modalities, several goals, joint safety, unknowns."""
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtualcell.constraints.goal import Goal, SafetyLimit
from virtualcell.constraints.intervention import Intervention, Part
from virtualcell.constraints.program import Program
from virtualcell.core import ContractError
from virtualcell.effects import Effects
from virtualcell.screen.enumerate import count_candidates, enumerate_candidates
from virtualcell.screen.goals import p_front, pareto_fronts, utility
from virtualcell.screen.ranking import COLUMNS, RankRules, orderable, rank
from virtualcell.screen.safety import safety
from virtualcell.widgets.designer import ScreenDesigner, static_table

PREDICTED = ("memory_fraction", "killing", "doublings")  # not growth_without_cytokine
RULES = RankRules(min_safety=0.5)


@pytest.fixture(scope="module")
def cart():
    return Program.load("cart_persistence")


@pytest.fixture(scope="module")
def allowed(cart):
    return enumerate_candidates(cart).allowed


def predictions(program, candidates, features=PREDICTED, seed=0, **changes):
    """Invented effects, in the units of the program."""
    rng, n = np.random.default_rng(seed), len(candidates)
    scale = {"memory_fraction": 0.1, "killing": 0.1, "doublings": 1.0, "growth_without_cytokine": 0.3}
    return Effects(**{"obs": {"intervention": candidates.interventions},
                      "var": {"feature": list(features), "unit": [program.readout(name).unit for name in features]},
                      "mean": rng.normal(size=(n, len(features))) * [scale[name] for name in features],
                      "sd": np.tile([scale[name] / 3 for name in features], (n, 1)), "origin": "predicted",
                      "made_by": "invented"} | changes)


def possible(program, parts):
    """The rules of this program, counted as a person would."""
    uses = {(p.delivery, p.time_h) for p in parts}
    ways = {way.name: way for way in program.deliveries}
    price = {(o.kind, t): o.cost for o in program.options for t in o.targets}
    cost = sum(price[p.kind, p.target] for p in parts) + sum(ways[name].cost for name, _ in uses)
    return (len({p.target for p in parts}) == len(parts) and len(uses) <= program.limits.max_deliveries
            and all(sum((p.delivery, p.time_h) == use for p in parts) <= ways[use[0]].max_parts for use in uses)
            and all(sum(name == way.name for name, _ in uses) <= way.max_uses for way in program.deliveries)
            and all(not ways[name].times_h or time_h in ways[name].times_h for name, time_h in uses)
            and cost <= program.limits.max_cost)


def test_it_is_enumerated_as_by_hand(cart):
    assert len(cart.goals) == 2 and len(cart.deliveries) == 3 and cart.trade_off == "pareto"
    offered = [Part(time_h, o.kind, t, dose, o.unit if dose else "", o.delivery) for o in cart.options
               for t in o.targets for dose in (o.doses or (None,)) for time_h in o.times_h]
    every = [c for size in (1, 2, 3) for c in combinations(offered, size)]
    allowed, removed = enumerate_candidates(cart)
    assert count_candidates(cart) == len(every) == len(allowed) + len(removed)
    assert set(allowed.interventions) == {Intervention(c) for c in every if possible(cart, c)}
    assert 0 < len(allowed) < len(every)
    rules = set("; ".join(removed.frame["all_rules"]).split("; "))
    assert {"delivery_parts", "delivery_uses", "max_cost"} <= rules


def test_it_is_ranked_on_a_pareto_front(cart, allowed):
    effects = predictions(cart, allowed)
    table = rank(effects, cart, allowed)
    values = effects.mean[:, :2]
    held = safety(effects, cart)
    safe = held.at_most >= RULES.min_safety  # nobody's safety is known: who breaks no known limit is compared
    place = {one: i for i, one in enumerate(effects.interventions)}
    rows = np.array([place[one] for one in table["intervention"]])
    left, wanted, number = set(np.flatnonzero(safe)), {}, 0
    while left:  # by hand
        number += 1
        front = {i for i in left if not any((values[j] >= values[i]).all() and (values[j] > values[i]).any()
                                            for j in left)}
        wanted |= dict.fromkeys(front, number)
        left -= front
    found = {int(i): int(front) for i, front in zip(rows, table["front"], strict=True) if front is not pd.NA}
    assert found == wanted
    assert (table["p_front"][table["front"].isna()] == 0).all()  # known to be unsafe
    assert table["p_front"].between(0, 1 + 1e-9).all() and table["p_front"].sum() >= 1
    assert table["rank"].tolist() == list(range(1, len(allowed) + 1)) and tuple(table.columns[:len(COLUMNS)]) == COLUMNS
    assert np.allclose(table[["effect_memory_fraction", "effect_killing"]], values[rows])


def test_the_unknown_is_named_and_never_safe(cart, allowed):
    effects = predictions(cart, allowed)
    table = rank(effects, cart, allowed)
    assert set(table["unknown"]) == {"growth_without_cytokine"} and table["safety"].isna().all()
    assert table["reasons"].str.contains("not assessed: growth_without_cytokine is not predicted by invented").all()
    may = orderable(effects, cart)
    assert 0 < may.sum() < len(may) and (may == (safety(effects, cart).at_most >= 0.5)).all()
    known = predictions(cart, allowed, (*PREDICTED, "growth_without_cytokine"))
    both = rank(known, cart, allowed)
    assert set(both["unknown"]) == {""} and both["safety"].notna().all()
    assert (both["safety"] < 0.5).sum() > 0 and both["safety"].max() <= 1
    behind = both["safety"] < 0.5  # those who are unsafe come last
    assert behind.is_monotonic_increasing and both["front"].isna().equals(behind)


@pytest.mark.parametrize("missing", ["memory_fraction", "killing"])
def test_a_goal_that_is_not_predicted_is_refused(cart, allowed, missing):
    effects = predictions(cart, allowed, [name for name in PREDICTED if name != missing])
    with pytest.raises(ContractError, match=f"the goal's readout {missing} among the features"):
        rank(effects, cart, allowed)
    with pytest.raises(ContractError, match="the goal's readout"):
        orderable(effects, cart)


def test_weighted_goals_are_one_number(cart, allowed):
    priced = replace(cart, trade_off="weighted", goals=(Goal("memory_fraction", "down", 2.0), Goal("killing")))
    effects = predictions(cart, allowed)
    table = rank(effects, priced, allowed)
    value, error = utility(effects, priced)
    assert np.allclose(value, effects.mean[:, 1] - 2 * effects.mean[:, 0])
    assert np.allclose(error, effects.sd[:, 1] + 2 * effects.sd[:, 0])
    names = ["memory_fraction", "killing"]
    for r in (-1.0, -0.5, 0.0, 0.9, 1.0):
        exact = utility(effects, priced, pd.DataFrame([[1, r], [r, 1]], names, names))[1]
        first, second = -2 * effects.sd[:, 0], effects.sd[:, 1]
        assert np.allclose(exact**2, first**2 + second**2 + 2 * r * first * second) and (exact <= error + 1e-12).all()
    assert "front" not in table and np.isclose(table["p_top_k"].sum(), 10) and set(table["top_k"]) == {10}
    with pytest.raises(ContractError, match="weighted goals for one number"):
        utility(effects, cart)


def test_one_goal_is_what_it_was(allowed):
    """The numbers of a program with one goal do not depend on any of this."""
    program = Program.load("tcell_commitment")
    listed = enumerate_candidates(program).allowed
    rng, n = np.random.default_rng(1), len(listed)
    effects = Effects(obs={"intervention": listed.interventions, "df": 4.0}, origin="predicted",
                      var={"feature": ["committed_fraction", "cells_per_clone"],
                           "unit": ["fraction of cells", "cells"]},
                      mean=rng.normal(size=(n, 2)) * [0.2, 40], sd=np.full((n, 2), [0.1, 20]))
    table, at = rank(effects, program, listed), {one: i for i, one in enumerate(effects.interventions)}
    rows = [at[one] for one in table["intervention"]]
    total = np.sqrt(0.1**2 + 0.05**2 / 3)
    assert table["effect_to_target"].tolist() == effects.mean[rows, 0].tolist()
    assert np.allclose(table["score"], effects.mean[rows, 0] - total) and tuple(table.columns) == COLUMNS


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=1, max_size=25))
def test_fronts_against_their_definition(rows):
    values = np.array(rows, float)
    fronts = pareto_fronts(values)
    beats = (values[:, None] >= values[None]).all(2) & (values[:, None] > values[None]).any(2)
    for i, front in enumerate(fronts):
        above = fronts[beats[:, i]]
        assert front == (above.max() + 1 if len(above) else 1)  # behind the last front that beats it
    assert p_front(values, np.zeros_like(values), n_draws=2).round(9).tolist() == (fronts == 1).tolist()


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


@settings(max_examples=60, deadline=None)
@given(product=TEXT, why=TEXT, source=TEXT, cell=TEXT.filter(str.strip))
def test_yaml_gives_back_what_it_got(product, why, source, cell):
    cart = Program.load("cart_persistence")
    written = replace(cart, product=product, source=source, cell_types=(cell,),
                      deliveries=tuple(replace(way, why=why) for way in cart.deliveries),
                      safety=tuple(replace(limit, why=why) for limit in cart.safety))
    text = written.to_yaml()
    if not text.strip().endswith((".yaml", ".yml")):
        again = Program.from_yaml(text)
        assert again == written and again.digest == written.digest


def test_the_designer_shows_all_of_it(cart):
    designer = ScreenDesigner(cart)
    page = static_table(designer)
    says = [cart.name, cart.product, *cart.cell_types, *(goal.readout for goal in cart.goals), "Pareto",
            *(way.name for way in cart.deliveries), *(way.why for way in cart.deliveries),
            *(limit.why for limit in cart.safety), *(r.name for r in cart.readouts), "not trusted"]
    assert [text for text in says if text not in page] == []
    assert designer.value == cart and designer.n_allowed == len(enumerate_candidates(cart).allowed)
    designer.deliveries_off = ["RNP"]
    narrow = designer.value
    assert "RNP" not in narrow.ways and narrow.safety == cart.safety and narrow.goals == cart.goals
    assert {p.kind for one in enumerate_candidates(narrow).allowed for p in one.parts} == {
        "OE", "CRISPRa", "cytokine", "drug"}
    designer.deliveries_off = [way.name for way in cart.deliveries]
    assert "State what the lab can do" in designer.message and designer.n_allowed == 0


def changed(text, *pairs):
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(("old", "new", "says"), [
    ("goals:\n", "goal: {readout: killing}\ngoals:\n", "goals, a list such as goals"),
    ("trade_off: pareto", "trade_off: best", "trade_off among weighted, pareto"),
    ("direction: up", "direction: 1", "str in the program.goals"),
    ("weight: 1.0", "weight: .nan", "weight of the goal memory_fraction of more than 0"),
    ("weight: 1.0", "weight: 0", "weight of the goal"),
    ("weight: 1.0", "weight: -2.0", "weight of the goal"),
    ("weight: 1.0", "weight: 3.0", "no weights on a Pareto front"),
    ("readout: killing", "readout: memory_fraction", "each goal once"),
    ("name: lentivirus", "name: RNP", "each delivery once"),
    ("name: lentivirus", "name: AAV", "delivery of OE:JUN among RNP, AAV, medium"),
    ("kinds: [KO]", "kinds: [KD]", "kind that RNP carries among KD, found 'KO'"),
    ("kinds: [KO]", "kinds: KO", "a list in the program.deliveries"),
    ("max_uses: 1", "max_uses: 0", "max_uses of RNP of more than 0"),
    ("cost: 180.0", "cost: .inf", "cost of RNP of 0 or more"),
    ("max_parts: 2", "max_part: 2", "fields of the program.deliveries"),
    ("cost_per_delivery: 0.0", "cost_per_delivery: 5.0", "costs with the deliveries"),
    ("readout: doublings", "readout: exhaustion_score", "a trusted readout for the safety limit"),
    ("cell_types: [CD8 T]", "cell_types: [CD8 T, CD8 T]", "each cell type once"),
])
def test_bad_programs_are_refused_in_three_parts(cart, old, new, says):
    with pytest.raises(ContractError) as error:
        Program.from_yaml(changed(cart.to_yaml(), (old, new)))
    message = str(error.value)
    assert says in message and message.startswith("Expected ") and ", found " in message and ". " in message


def test_an_unused_delivery_and_no_goal_are_refused(cart):
    with pytest.raises(ContractError, match="an option that is delivered by medium, found none"):
        replace(cart, options=tuple(o for o in cart.options if o.delivery != "medium"))
    with pytest.raises(ContractError, match="one goal or more, found none"):
        replace(cart, goals=())


def test_bad_effects_are_refused(cart, allowed):
    effects = predictions(cart, allowed)
    units = effects.var["unit"].tolist()
    with pytest.raises(ContractError, match="doublings in the program's unit, .doublings., found .cells."):
        rank(predictions(cart, allowed, var={"feature": PREDICTED, "unit": [*units[:2], "cells"]}), cart, allowed)
    obs = {"intervention": allowed.interventions, "context": [{"cell_type": "NK"}] * len(allowed)}
    with pytest.raises(ContractError, match="cell types of the program, CD8 T, found NK. Choose"):
        rank(predictions(cart, allowed, obs=obs), cart, allowed)
    fine = {**obs, "context": [{"cell_type": "CD8 T", "donor": "D1"}] * len(allowed)}
    assert len(rank(predictions(cart, allowed, obs=fine), cart, allowed)) == len(allowed)
    for table, says in ((pd.DataFrame([[1.0, 2.0], [2.0, 1.0]]), "possible together"),
                        (pd.DataFrame(np.eye(2), ["a", "b"], ["b", "a"]), "in rows and columns")):
        with pytest.raises(ContractError, match=says):
            RankRules(error_correlation=table)
    known = predictions(cart, allowed, (*PREDICTED, "growth_without_cytokine"))
    names = ["memory_fraction", "killing", "doublings"]
    with pytest.raises(ContractError, match="growth_without_cytokine in the correlation of errors"):
        rank(known, cart, allowed, rules=RankRules(error_correlation=pd.DataFrame(np.eye(3), names, names)))


def test_nobody_is_in_front_where_nothing_is_known(cart, allowed):
    n = len(allowed)
    blind = predictions(cart, allowed, sd=np.full((n, 3), np.inf))
    table = rank(blind, cart, allowed)
    assert table["front"].isna().all() and table["p_front"].isna().all() and not orderable(blind, cart).any()
    outside = predictions(cart, allowed, obs={"intervention": allowed.interventions, "support": [False] * n})
    assert not orderable(outside, cart).any() and rank(outside, cart, allowed)["safety"].isna().all()
    assert rank(predictions(cart, allowed.take([])), cart, allowed.take([])).empty


def test_the_bound_is_never_above_the_exact_probability(cart, allowed):
    effects = predictions(cart, allowed, (*PREDICTED, "growth_without_cytokine"))
    wide = replace(cart, safety=(*cart.safety, SafetyLimit("killing", min_effect=-0.1)))
    names = ["doublings", "growth_without_cytokine", "killing"]
    bound = safety(effects, wide).probability
    for seed in range(5):
        root = np.random.default_rng(seed).normal(size=(3, 3))
        matrix = root @ root.T
        matrix /= np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
        exact = safety(effects, wide, pd.DataFrame(matrix, names, names)).probability
        assert (bound <= exact + 2e-3).all() and (exact <= safety(effects, wide).at_most + 2e-3).all()
