"""What holds for every picture: axes in and out, words below, colours of the palette on light and dark pages."""
import inspect
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import Collection
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

import virtualcell as vc
from virtualcell.plot.palette import COLOURS, SERIES

RNG = np.random.default_rng(0)
ROWS = pd.DataFrame({"value": [1.0, -0.5, 0.2], "low": [0.8, -0.9, -np.inf], "high": [1.2, -0.1, np.inf]},
                    index=["KO:A", "KO:B", "KO:C"])
COURSE = pd.DataFrame({"time": [0, 1, 2], "value": [0.0, 0.5, 1.0], "low": [0, 0.4, 0.9], "high": [0.1, 0.6, 1.1]})
EFFECTS = vc.Effects(obs={"intervention": ["KO:A", "KO:B"], "n_replicates": 3}, mean=np.array([[1.0], [-0.3]]),
                     sd=np.array([[0.2], [np.inf]]), var={"feature": ["IRF1"], "unit": "log1p CP10k"},
                     origin="measured")
CALLS = {  # name: arguments
    "forest": (EFFECTS,), "heatmap": (EFFECTS,), "volcano": (EFFECTS,),
    "predicted_vs_measured": (pd.DataFrame({"predicted": [0.1, 0.5], "predicted_sd": [0.1, np.inf],
                                            "measured": [0.2, 0.4], "measured_sd": 0.1}),),
    "curves": (COURSE, "time"), "time_course": (COURSE,), "coverage": (RNG.normal(size=100),),
    "hits_curve": (pd.DataFrame({"strategy": "random", "measured": [5, 10], "hits": [1, 2], "low": [0, 1],
                                 "high": [2, 3]}),),
    "calibration_curve": (pd.DataFrame({"claimed": [0.5], "kept": [0.4], "low": [0.3], "high": [0.5]}),),
    "scorecard": (pd.DataFrame({"model": ["kernel", "additive"], "rmse": [0.2, 0.3], "n": 30}),),
    "posterior": (pd.DataFrame({"decay": RNG.lognormal(size=50)}),),
    "ranking": (pd.DataFrame({"rank": [1, 2], "intervention": ["KO:A", "KO:B"], "effect_to_target": [0.3, 0.2],
                              "uncertainty_low": 0.1, "uncertainty_high": 0.4, "safety": [0.9, 0.1]}),),
    "pareto": (pd.DataFrame({"a": [0.1, 0.5], "b": [0.9, 0.4], "front": 1}), "a", "b"),
    "network": ([("U", "V", -1), ("V", "U", 1)],),
    "lineage_tree": (pd.DataFrame({"cell": [0, 1], "mother": [-1, 0], "birth_h": [0, 9], "end_h": [9, 20],
                                   "height": [0.0, 1.0]}),),
    "colony": (pd.DataFrame({"x_um": [0.0, 9.0], "y_um": 0.0, "fate": ["T", "none"]}),),
    "radial_profile": (pd.DataFrame({"radius_um": [5, 15], "T": [0.1, 0.9]}),),
    "histogram": ({"exact": RNG.normal(size=50), "leap": RNG.normal(size=50)}, {"label": "x [molecules]"}),
    "box": ({"A": np.arange(9.0), "B": np.ones(2)}, {"label": "x [molecules]"}), "null_qq": (RNG.uniform(size=50),),
    "scatter": (COURSE, "time", "value"), "bars": (ROWS["value"], {"label": "x", "notes": ["n = 3"]}),
    "composition": (pd.DataFrame({"CD4": [6, 3], "none": [4, 7]}),), "quality": (["", "few_counts"],),
    "before_after": (pd.DataFrame({"before": [0.1], "after": [0.5]}), {"label": "x"}),
}
HELPERS = {"figure", "rule", "colour_of", "colour_map", "colours_for"}


def drawn(name, ax=None):
    *given, last = CALLS[name]
    return getattr(vc.pl, name)(*given, **last, ax=ax) if isinstance(last, dict) and "label" in last else getattr(
        vc.pl, name)(*given, last, ax=ax)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_no_picture_is_forgotten():
    assert set(CALLS) == set(vc.pl.__all__) - HELPERS


@pytest.mark.parametrize("name", CALLS)
def test_a_picture_takes_axes_and_says_what_it_shows(name):
    assert inspect.signature(getattr(vc.pl, name)).parameters["ax"].default is None
    left, right = vc.pl.figure(2)
    assert drawn(name, right) is right and not left.has_data()
    said = right.get_xlabel()
    assert "interval" in said or "n = " in said or "range" in said, said


def colours(ax):
    """Colours of what is drawn, but not of maps, ink and ground"""
    for artist in ax.get_children():
        if isinstance(artist, Line2D): yield artist.get_color()
        elif isinstance(artist, Collection) and artist.get_array() is None:
            yield from (c for c in [*artist.get_facecolor(), *artist.get_edgecolor()] if c[3] > 0)
    yield from (patch.get_facecolor() for patch in ax.patches)


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("name", CALLS)
def test_colours_come_from_the_palette(name, style):
    with plt.style.context(style):
        ax = drawn(name)
        allowed = {*SERIES, *COLOURS.values(), to_hex(ax.get_facecolor()), to_hex(plt.rcParams["text.color"])}
        assert {to_hex(one) for one in colours(ax)} <= allowed
        assert to_hex(ax.xaxis.label.get_color()) == to_hex(plt.rcParams["axes.labelcolor"])


@pytest.mark.parametrize("name", CALLS)
def test_a_picture_can_be_drawn(name, tmp_path):
    """In axes of its own, with nothing cut off."""
    left, ax = vc.pl.figure()[0], drawn(name)
    assert ax.figure is not left.figure
    ax.figure.savefig(tmp_path / "picture.png")
    page = ax.figure.bbox.padded(2)
    boxes = {text.get_text(): text.get_window_extent() for one in ax.figure.axes
             for text in [one.xaxis.label, one.yaxis.label, *one.texts] if text.get_text()}
    assert {text: box for text, box in boxes.items() if not (page.contains(*box.min) and page.contains(*box.max))} == {}


def test_importing_pictures_does_not_load_matplotlib():
    modules = ", ".join(f"virtualcell.plot.{n}" for n in ("palette", "canvas", "effects", "lines", "models", "screens",
                                                          "cells", "distributions", "tables"))
    code = f"import sys, {modules}; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
