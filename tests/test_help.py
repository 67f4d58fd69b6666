"""Every public name explains itself, is found by typing, and is known to a type checker."""
import inspect
import re
import subprocess
import sys

import pint
import pytest

import virtualcell as vc
from virtualcell.namespaces import Room, help_texts

SECTIONS = ("Parameters", "Returns", "Raises", "Source")
WORDS = {  # units that are said in words
    "currency", "currency of the budget", "unit of the feature", "unit of the readout", "standard errors", "time unit",
    "1/time unit", "time unit of the network", "time unit of the composite", "amount: field × nodes", "amount/s",
    "log2 fold change", "log1p CP10k", "generation", "sites", "U/ml as number"}
SAID = {"²": "**2", "³": "**3", "%": "percent", "gDW": "g"}  # grams of dry weight


def public():
    """(way to it, object) of every name that `vc.` and its rooms offer"""
    found = {f"vc.{name}": getattr(vc, name) for name in vc.__all__ if name not in vc.ROOMS}
    for way in vc.ROOMS:
        room = getattr(vc, way)
        texts = help_texts().get(room.__name__, {})
        names = room.__all__ if isinstance(room, Room) else [name for name in texts if "." not in name]
        found |= {f"vc.{way}.{name}": getattr(room, name) for name in names}
    return {way: thing for way, thing in found.items() if callable(thing)}


PUBLIC = public()


def test_few_names_at_the_top():
    names = [name for name in dir(vc) if not name.startswith("_")]
    assert len([name for name in names if name not in vc.ROOMS]) <= 25
    assert set(vc.ROOMS) <= set(names)


@pytest.mark.parametrize("way", PUBLIC)
def test_every_public_name_explains_itself(way):
    thing = PUBLIC[way]
    text = inspect.getdoc(thing) or ""
    assert text.split("\n")[0].strip(), way
    if isinstance(thing, type) and issubclass(thing, Exception): return
    wanted = [s for s in SECTIONS if not (isinstance(thing, type) and s == "Returns")]
    assert [s for s in wanted if f"\n{s}\n{'-' * len(s)}\n" not in text] == [], way


@pytest.mark.parametrize("way", PUBLIC)
def test_every_parameter_is_told_in_words(way):
    found = re.search(r"\nParameters\n-+\n(.*?)\n\n", inspect.getdoc(PUBLIC[way]) or "", re.S)
    lines = found[1].split("\n") if found else ["none"]
    names = [i for i, line in enumerate(lines) if not line.startswith("    ") and line != "none"]
    assert [lines[i] for i in names if not "".join(lines[i + 1:i + 2]).startswith("    ")] == []


@pytest.mark.parametrize("way", PUBLIC)
def test_every_public_name_has_an_example_that_runs(way, tmp_path, monkeypatch):
    text = inspect.getdoc(PUBLIC[way]) or ""
    name = way.split(".")[-1]
    assert "\nExamples\n--------\n" in text, f"{way}: give its page a cell that begins with `#| example: {name}`"
    code = "\n".join(line.removeprefix("    ") for line in text.split("\nExamples\n--------\n")[1].splitlines())
    assert name in code
    monkeypatch.chdir(tmp_path)
    exec(compile(code, way, "exec"), {"__name__": "example"})


def test_units_are_defined():
    """What stands in square brackets after a comment is a unit that pint knows, or one that is said in words."""
    units, unknown = pint.UnitRegistry(), []
    for module, texts in help_texts().items():
        for name, text in texts.items():
            for unit in re.findall(r"(?<![\w\])])\[([^\[\]=,'\"]{1,30})\]$", text.split("\nExamples\n")[0], re.M):
                if unit in WORDS: continue
                for sign, word in SAID.items(): unit = unit.replace(sign, word)
                try: units.parse_units(unit)
                except (pint.UndefinedUnitError, ValueError): unknown.append((module, name, unit))
    assert unknown == []


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(AttributeError, match=r"Nearest: virtualcell\.models\.PriorGP"):
        vc.PriorGp()
    with pytest.raises(AttributeError, match=r"Nearest: virtualcell\.evaluate\.audit"):
        vc.models.audti()


def checked(path, root):
    """What mypy says of a file, with the package of this checkout in reach"""
    return subprocess.run([sys.executable, "-m", "mypy", "--follow-imports=silent", "--ignore-missing-imports",
                           "--cache-dir", str(root / ".mypy_cache"), str(path)],
                          capture_output=True, text=True, cwd=root)


def test_a_type_checker_knows_the_names(root, tmp_path):
    found = checked(root / "tests" / "typing" / "user.py", root)
    assert found.returncode == 0, found.stdout + found.stderr
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import virtualcell as vc\nvc.rank(1, 2)\nvc.nothing\nvc.models.PriorGp()\n", encoding="utf-8")
    assert checked(wrong, root).stdout.count("error:") >= 3
