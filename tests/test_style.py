"""The house style, measured: sizes, documentation, annotations, assertions, imports between the rooms."""
import ast
import json
import re
import statistics
from collections import Counter
from graphlib import TopologicalSorter

import pytest

from virtualcell.report.parameters import template_parameters

# From the ground up: a room may import only rooms that stand before it in this one list.
ROOMS = ("namespaces", "core", "artifact", "settings", "stats", "ledger", "kernels", "constraints", "effects",
         "exchange", "comparison", "protocol", "plot", "sim", "systems", "data", "lab", "analysis", "evaluate",
         "models", "screen", "loop", "widgets", "report")
SEEN_BY = {"models": {"report"}, "widgets": {"report"}} # the rest knows models through `protocol` alone
ONLY_IN = {"torch": {"models", "sim", "systems", "kernels"}, "triton": {"kernels"},
           "anywidget": {"widgets"}, "papermill": {"report"}, "nbconvert": {"report"}, "numba": {"kernels"}}
LONG_ON_PURPOSE = {"race"}  # one loop keeps a cell's state in registers; cut in two it would go through memory


@pytest.fixture(scope="module")
def notebooks(root):
    paths = [p for p in sorted((root / "nbs").rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts]
    return {p: json.loads(p.read_text(encoding="utf-8"))["cells"] for p in paths}


@pytest.fixture(scope="module")
def modules(root):
    paths = [p for p in (root / "virtualcell").rglob("*.py") if p.name not in ("_modidx.py", "__init__.py")]
    return {p.relative_to(root / "virtualcell"): ast.parse(p.read_text(encoding="utf-8")) for p in paths}


def source(cell):
    return "".join(cell["source"])


def exported(cells):
    return [source(c) for c in cells if c["cell_type"] == "code" and source(c).startswith("#| export")]


def functions(modules):
    for path, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield path, node


def test_cells_are_small(notebooks):
    sizes = {(p.name, i, text.splitlines()[1][:50]): text.count("\n") + 1 for p, cells in notebooks.items()
             for i, text in enumerate(exported(cells))}
    assert {where: n for where, n in sizes.items() if n > 40} == {}
    assert statistics.median(sizes.values()) <= 15


def test_functions_are_small(modules):
    lengths = {(str(p), f.lineno, f.name): f.end_lineno - f.lineno + 1 for p, f in functions(modules)}
    assert {w: n for w, n in lengths.items() if n > 40 and w[2] not in LONG_ON_PURPOSE} == {}
    assert statistics.median(lengths.values()) <= 12


def test_modules_are_small(root):
    """Lines without the marks of cells that the export adds."""
    code = {p.name: [line for line in p.read_text(encoding="utf-8").splitlines() if not line.startswith("# %% ")]
            for p in (root / "virtualcell").rglob("*.py") if p.name != "_modidx.py"}
    assert {name: len(lines) for name, lines in code.items() if len(lines) > 400} == {}


def is_field(function):
    """A property that is no more than a field, a method of an interface, or one that only calls a function."""
    marks, body = {ast.unparse(mark) for mark in function.decorator_list}, function.body[0]
    empty = isinstance(body, ast.Expr) and isinstance(body.value, ast.Constant) and body.value.value is ...
    value = getattr(body, "value", None)
    calls = isinstance(body, ast.Return) and isinstance(value, ast.Call) and isinstance(value.func, ast.Name)
    return empty or calls or "abstractmethod" in marks or (bool(marks & {"property", "cached_property"})
                                                           and isinstance(body, ast.Return))


def test_public_functions_are_documented(modules):
    inner = {id(n) for _, f in functions(modules) for n in ast.walk(f) if isinstance(n, ast.FunctionDef) and n is not f}
    assert [f"{p}:{f.name}" for p, f in functions(modules)
            if not f.name.startswith("_") and id(f) not in inner and not ast.get_docstring(f)
            and f.name != "digest" and not is_field(f)] == []


def test_public_arguments_are_annotated(modules):
    missing = [f"{p}:{f.name}({a.arg})" for p, f in functions(modules) if not f.name.startswith("_")
               and p.parts[0] != "kernels"
               for a in [*f.args.args, *f.args.kwonlyargs] if a.annotation is None and a.arg not in ("self", "cls")]
    inner = {"rule(seen)", "rule(names)"}  # functions that are made inside `fit`
    assert [m for m in missing if m.split(":")[1] not in inner] == []


def test_lessons_assert(notebooks):
    lines = sum(text.count("\n") + 1 for cells in notebooks.values() for text in exported(cells))
    lessons = [source(c) for cells in notebooks.values() for c in cells if c["cell_type"] == "code"
               and not source(c).startswith("#| export")]
    checks = sum(len(re.findall(r"^\s*assert |expect_fail\(", text, re.M)) for text in lessons)
    assert lines / checks <= 10, (lines, checks)


def test_every_room_page_tells_the_story(notebooks, root):
    for path, cells in notebooks.items():
        text = "\n".join(source(c) for c in cells if c["cell_type"] == "markdown")
        assert text.startswith("# ") and "\n> " in text, path
        if exported(cells):
            for heading in ("## Why it exists", "## Decisions", "**In**", "imits"):
                assert heading in text, (path.name, heading)
            assert "expect_fail" in "".join(map(source,
                cells)) or "When it fails" in text or "refused" in text, path.name


def code_of(cells):
    return "\n".join(source(c) for c in cells if c["cell_type"] == "code")


def test_pages_show_what_they_speak_of(notebooks):
    """Every exporting page of stages 1 to 6 has a figure, drawn by the room `plot`."""
    bare = [path.name for path, cells in notebooks.items() if re.match(r"[1-6]_", path.parent.name) and exported(cells)
            and not re.search(r"from virtualcell\.plot\.|\bvc\.pl\.", code_of(cells))]
    assert bare == []


def test_nobody_draws_by_hand(notebooks, root):
    """One palette, one function per result: only the room `plot` and the picture of the house touch matplotlib."""
    own = [path for path in notebooks if path.name != "house.ipynb" and not path.name.startswith("06")]
    paths = [*own, *sorted((root / "templates").glob("*.ipynb"))]
    found = {path.name: code_of(json.loads(path.read_text(encoding="utf-8"))["cells"]) for path in paths}
    assert [name for name, code in found.items() if re.search(r"\bplt\.|pyplot|[\"']#[0-9a-fA-F]{6}[\"']", code)] == []


def test_nothing_is_switched_off(notebooks):
    assert [p.name for p, cells in notebooks.items() for c in cells if "eval: false" in source(c)] == []
    assert [p.name for p in notebooks if p.stat().st_size > 300_000] == []


def room(path):
    return path.parts[0].removesuffix(".py")


def imported(path, tree):
    """Full names of what a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        if isinstance(node, ast.ImportFrom):
            package = ["virtualcell", *path.parts[:-1]]
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])])


def test_imports_go_one_way(modules):
    broken = []
    for path, tree in modules.items():
        here = room(path)
        assert here in ROOMS, f"{path}: a new room needs its place in ROOMS"
        for name in imported(path, tree):
            parts = name.split(".")
            if parts[0] == "virtualcell" and len(parts) > 1 and parts[1] != here:
                if ROOMS.index(parts[1]) > ROOMS.index(here) or here not in SEEN_BY.get(parts[1], {here}):
                    broken.append(f"{path} imports {name}")
            if parts[0] in ONLY_IN and here not in ONLY_IN[parts[0]]:
                broken.append(f"{path} imports {name}")
    assert broken == []


def test_no_module_imports_itself_by_a_detour(modules):
    """Rooms cannot, since they have an order; modules of one room must not either."""
    names = {".".join(["virtualcell", *path.with_suffix("").parts]): path for path in modules}
    needs = {name: {n for n in imported(path, modules[path]) if n in names} for name, path in names.items()}
    TopologicalSorter(needs).prepare()  # raises CycleError, with the circle


def test_rooms_are_small(modules):
    sizes = Counter(room(path) for path in modules)
    assert {name: n for name, n in sizes.items() if n > 15} == {}
    assert set(sizes) == set(ROOMS), "a room without a module, or a module without a room"


def test_no_module_only_hands_on(modules):
    """Every module defines something of its own."""
    kinds = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    own = {path: [node for node in tree.body if isinstance(node, kinds) and "__all__" not in ast.unparse(node)[:8]]
           for path, tree in modules.items()}
    assert [str(path) for path, nodes in own.items() if not nodes] == []


def test_the_house_is_told_once(root, notebooks):
    """The order of the rooms in CONTRIBUTING.md, the pages of the side bar, and the rooms of the index."""
    order = re.search(r"<!-- rooms -->(.*?)<!-- end -->", (root / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.S)
    assert tuple(re.findall(r"^\| `(\w+)/?` \|", order[1], re.M)) == ROOMS
    bar = re.findall(r"[\w/]+\.ipynb", (root / "nbs" / "_quarto.yml").read_text(encoding="utf-8"))
    assert set(bar) == {str(path.relative_to(root / "nbs")) for path in notebooks}
    index = "\n".join(source(c) for c in notebooks[root / "nbs" / "index.ipynb"] if c["cell_type"] == "markdown")
    folders = {p.name for p in (root / "virtualcell").iterdir() if (p / "__init__.py").exists()}
    assert [name for name in ROOMS if name in folders and f"`{name}/`" not in index] == []


def test_no_silence_and_no_globals(root):
    text = {p.name: p.read_text(encoding="utf-8") for p in (root / "virtualcell").rglob("*.py")}
    for name, body in text.items():
        assert "filterwarnings(" not in body and "np.random.seed" not in body, name


def test_templates_only_call_the_library(root):
    for path in (root / "templates").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [source(c) for c in cells if c["cell_type"] == "code"]
        tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", ())]
        assert len(tagged) == 1 and cells[1] is tagged[0], path.name
        assert [text for text in code if re.search(r"^\s*(def|class) ", text, re.M)] == [], path.name
        for line in source(tagged[0]).splitlines():
            assert re.match(r"\w+ = .+  # \S+", line), line


LOGIC = (ast.For, ast.While, ast.If, ast.Try, ast.With, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp,
         ast.GeneratorExp)


def test_templates_hold_no_logic(root):
    """After the parameters and their check, a cell is a few calls of the library: no loop, no branch, no lambda."""
    for path in (root / "templates").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        bodies = [[n for n in ast.parse(source(c)).body if not isinstance(n, ast.Import | ast.ImportFrom)]
                  for c in cells[3:] if c["cell_type"] == "code"]
        assert max(len(body) for body in bodies) <= 6, path.name
        assert max(body[-1].end_lineno - body[0].lineno + 1 for body in bodies if body) <= 12, path.name
        inside = [n for body in bodies for top in body for n in ast.walk(top)]
        assert [ast.unparse(n) for n in inside if isinstance(n, LOGIC)] == [], path.name
        assert sum(source(c).startswith("## ") for c in cells) <= 10, path.name  # eight, the results and the record


def test_templates_check_the_ranges_that_they_state(root):
    """The comment beside a parameter, and the check in the next cell, which a live notebook needs too."""
    for path in (root / "templates").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        stated = {one.name: (one.low, one.high) for one in template_parameters(path).values() if one.low is not None}
        rows = [n.elts for n in ast.walk(ast.parse(source(cells[2]))) if isinstance(n, ast.Tuple) and len(n.elts) == 4]
        checked = {row[0].value: tuple(map(ast.literal_eval, row[2:])) for row in rows if isinstance(row[0],
                                                                                                     ast.Constant)}
        assert checked == stated, path.name


def test_import_cells_hold_only_imports(notebooks):
    """The documentation runs import cells on their own, so a cell is imports or code."""
    mixed = []
    for path, cells in notebooks.items():
        for text in (source(c) for c in cells if c["cell_type"] == "code"):
            body, walk = ast.parse(text).body, ast.walk if not text.startswith("#| export") else lambda node: [node]
            imports = [any(isinstance(n, ast.Import | ast.ImportFrom) for n in walk(node)) for node in body]
            if any(imports) and not all(imports):
                mixed.append((path.name, body[0].lineno))
    assert mixed == []
