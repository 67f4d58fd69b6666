"""Write what `help` and type checkers read, from the argument comments:  python tools/help.py

`virtualcell/_help.json`   {module: {name: text}}, with Parameters, Returns, Raises, Source and Examples
`virtualcell/**/__init__.pyi`   where a type checker finds the names that rooms load on first use

Nothing is written twice: parameters and results come from annotations and their comments, refusals from the `fault` and
`check_…` calls of a function and of what it calls, the source from the page's headings and citations, and an example
from the page's cell that begins with `#| example: NAME`.
"""
import ast
import io
import json
import re
import sys
import tokenize
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "virtualcell"
MOST = 8  # refusals that are told one by one
CITATION = re.compile(r"[A-Z][\w’'-]+(?: (?:and|&) [A-Z][\w’'-]+| et al\.)?,? \(?(?:19|20)\d\d\)?")
SHAPED = re.compile(r"^(Float|Int|Integer|Bool|Shaped|Num|UInt64|Float32|Float64|Int64|Complex)\[")


def path_of(name): return LIBRARY / (name.replace(".", "/") + ".py")


@cache
def module(name):
    """(tree, {line: comment}, {name: definition}, {imported name: (module, name)}) of `virtualcell.name`"""
    text = path_of(name).read_text(encoding="utf-8")
    tree = ast.parse(text)
    notes = {token.start[0]: token.string.lstrip("# ").strip()
             for token in tokenize.generate_tokens(io.StringIO(text).readline)
             if token.type == tokenize.COMMENT and not token.string.startswith("# %%")}
    known = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    imported = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = name.split(".")[:-1] if node.level == 1 else []
            imported |= {a.asname or a.name: (".".join([*base, node.module or a.name]), a.name) for a in node.names}
    return tree, notes, known, imported


def spell(annotation):
    """A type as one says it: float array, shape (cell, gene)"""
    if annotation is None: return ""
    if isinstance(annotation, ast.BinOp): return f"{spell(annotation.left)} or {spell(annotation.right)}"
    text = ast.unparse(annotation)
    if shaped := SHAPED.match(text):
        axes = ast.literal_eval(annotation.slice.elts[1]).split()
        kind = {"Bool": "bool", "Shaped": ""}.get(shaped[1], "int" if "Int" in shaped[1] else "float")
        return f"{kind} array, shape ({', '.join(axes)}{',' if len(axes) == 1 else ''})".strip()
    return re.sub(r"\b(?:np|pd|types)\.", "", text).strip("'\"")


def parameters(node, notes):
    """[(name, type, default, comment)]"""
    if isinstance(node, ast.ClassDef):
        made = [m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"]
        if made: return parameters(made[0], notes)
        return [(f.target.id, spell(f.annotation), default_of(f.value), notes.get(f.lineno, ""))
                for f in node.body if isinstance(f, ast.AnnAssign) and not f.target.id.startswith("_")
                and not ast.unparse(f.annotation).startswith("ClassVar")]  # of the class, not to be given
    args = node.args
    plain, named = [*args.posonlyargs, *args.args], args.kwonlyargs
    defaults = [None] * (len(plain) - len(args.defaults)) + args.defaults + args.kw_defaults
    last = {a.lineno: a.arg for a in [*plain, *named]}  # a comment speaks of the last argument on its line
    return [(a.arg, spell(a.annotation), default_of(d), notes.get(a.lineno, "") if last[a.lineno] == a.arg else "")
            for a, d in zip([*plain, *named], defaults, strict=True) if a.arg not in ("self", "cls")]


def default_of(value):
    if value is None: return ""
    text = ast.unparse(value)
    return "" if text.startswith("field(") else text


def words(value):
    """The text of a message: constants as they are, names of variables in backticks, the rest as …"""
    if isinstance(value, ast.Constant): return str(value.value)
    if isinstance(value, ast.Name): return f"`{value.id}`"
    if isinstance(value, ast.Attribute): return f"`{value.attr}`"
    if isinstance(value, ast.FormattedValue): return words(value.value)
    if isinstance(value, ast.JoinedStr): return "".join(map(words, value.values))
    if isinstance(value, ast.Subscript): return words(value.value)
    if isinstance(value, ast.Call) and value.args: return words(value.args[0]) # few(names), repr(value)
    return "…"


def choices(value):
    try: return ", ".join(map(str, ast.literal_eval(value)))
    except (ValueError, TypeError, SyntaxError): return words(value)


def validated(call):
    """What one of the validators of `core` expects"""
    given = dict(enumerate(call.args)) | {k.arg: k.value for k in call.keywords}
    flag = lambda name: isinstance(given.get(name), ast.Constant) and given[name].value is True
    say = lambda k, name: words(given.get(k, given.get(name, ast.Constant("…"))))
    match call.func.id:
        case "check_one_of": return f"{say(2, 'name')} among {choices(given[1])}"
        case "check_positive":
            return f"{say(1, 'name')}: {'0 or more' if flag('zero_ok') else 'more than 0'}{', whole' * flag('whole')}"
        case "check_range": return f"{say(3, 'name')} from {say(1, 'low')} to {say(2, 'high')}"
        case "check_columns": return f"columns {choices(given[1])} in {words(given[2]) if 2 in given else 'the table'}"
        case "check_finite": return f"{say(1, 'name')}: finite numbers"
        case "check_probability": return f"{say(1, 'name')} from 0 to 1"
        case "check_shape": return f"{say(2, 'name')} of the right shape"


def refusals(name, node, depth=0, seen=None):
    """[(calls in between, class of the error, what is expected)] of a function and of what it calls"""
    seen = set() if seen is None else seen
    if (name, node.name) in seen or depth > 3: return
    seen.add((name, node.name))
    _, _, known, imported = module(name)
    body = node.body if isinstance(node, ast.FunctionDef) else [
        m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__post_init__"]
    calls = [n for part in body for n in ast.walk(part) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    for call in sorted(calls, key=lambda n: n.lineno):
        called = call.func.id
        if called == "fault" and call.args:
            kind = ast.unparse(call.args[3]) if len(call.args) > 3 else "ContractError"
            yield depth, kind, words(call.args[0])
        elif called.startswith("check_") and (told := validated(call)): yield depth, "ContractError", told
        elif isinstance(known.get(called), ast.FunctionDef):
            yield from refusals(name, known[called], depth + 1, seen)
        elif called in imported and path_of(imported[called][0]).exists():
            where, called = imported[called]
            other = module(where)[2].get(called)
            if isinstance(other, ast.FunctionDef): yield from refusals(where, other, depth + 1, seen)


def complete(example):
    """An example with the imports that it needs: a cell of a page holds code or imports, never both"""
    needed = {"contextlib": "import contextlib", "dataclasses": "import dataclasses", "tempfile": "import tempfile",
              "ad": "import anndata as ad", "np": "import numpy as np", "pd": "import pandas as pd",
              "vc": "import virtualcell as vc"}
    lines = [line for name, line in needed.items() if re.search(rf"\b{name}\.", example)]
    return "\n".join([*lines, "", example])


@cache
def page(name):
    """(path, title, {exported name: headings and prose above it}, {name: example}) of a module's notebook"""
    head = path_of(name).read_text(encoding="utf-8")
    path = ROOT / re.search(r"File to edit: (?:\.\./)*(\S+\.ipynb)", head)[1]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    above, examples, prose, title = {}, {}, "", ""
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            title = title or text.split("\n")[0].lstrip("# ")
            prose = prose + "\n" + text if not re.search(r"^## ", text, re.M) else text
        elif text.startswith("#| export"):
            above |= {n.name: prose for n in ast.parse(text).body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        elif told := re.match(r"#\| example: (.+)\n", text):
            examples |= {one: complete(text[told.end():].strip()) for one in told[1].split()}
    return path.relative_to(ROOT), title, above, examples


def section(title, lines):
    return [title, "-" * len(title), *lines, ""] if lines else []


def raised(name, node):
    """A line per class of error with what has to hold; the function's own checks before those of what it calls"""
    found = dict.fromkeys((kind, text) for _, kind, text in sorted(refusals(name, node), key=lambda row: row[0]))
    shown = list(found)[:MOST]
    kinds = list(dict.fromkeys(kind for kind, _ in shown))
    lines = [line for kind in kinds for line in (kind, *(f"    Expected {text}." for k, text in shown if k == kind))]
    return lines + ([f"    And {len(found) - MOST} more checks of what it calls."] if len(found) > MOST else [])


def source_of(name, symbol):
    path, title, above, _ = page(name)
    prose = above.get(symbol, "")
    heading = re.findall(r"^##+ (.+)$", prose, re.M)
    cited = dict.fromkeys(re.sub(r"[(),]", "", c) for c in CITATION.findall(re.sub(r"[*_]", "", prose)))
    heading = [h for h in heading if h not in ("Why it exists", "Decisions")]
    where = f"{title}{': ' + heading[-1] if heading else ''} ({path})"
    return [where + (f". After {'; '.join(cited)}." if cited else ".")]


def handed_on(name, node):
    """The function of the same module that a method is no more than a call of"""
    end = node.body[-1]
    called = end.value.func.id if isinstance(end, ast.Return) and isinstance(end.value, ast.Call) and isinstance(
        end.value.func, ast.Name) else ""
    found = module(name)[2].get(called)
    return found if isinstance(found, ast.FunctionDef) and len(node.body) == 1 else None


def told(name, node, symbol, bound=0):
    """The help of one function or class; `bound` arguments are given by the object that a method belongs to"""
    _, notes, _, _ = module(name)
    lines = [(ast.get_docstring(node) or "").strip() or notes.get(node.lineno, ""), ""]
    given = [f"{p}{' : ' * bool(kind)}{kind}{', default ' * bool(default)}{default}" + f"\n    {note}" * bool(note)
             for p, kind, default, note in parameters(node, notes)[bound:]]
    lines += section("Parameters", given or ["none"])
    if isinstance(node, ast.FunctionDef):
        end = max(n for n in range(node.lineno, node.body[0].lineno + 1) if n <= node.body[0].lineno)
        line = node.returns.end_lineno if node.returns is not None else end
        note = notes.get(line, "") if node.returns is not None and line not in {
            a.lineno for a in [*node.args.args, *node.args.kwonlyargs]} or len(given) <= 1 else ""
        kind = spell(node.returns) or "None"
        lines += section("Returns", [kind + (f"\n    {note}" if note else "")])
    lines += section("Raises", raised(name, node) or ["nothing of its own"])
    lines += section("Source", source_of(name, symbol))
    example = page(name)[3].get(symbol)
    if example: lines += section("Examples", ["    " + line if line else "" for line in example.splitlines()])
    return "\n".join(lines).strip() + "\n"


def texts(name):
    """{name: help} of the public functions, classes and methods of a module"""
    found = {}
    for symbol, node in module(name)[2].items():
        if symbol.startswith("_"): continue
        found[symbol] = told(name, node, symbol)
        for method in node.body if isinstance(node, ast.ClassDef) else []:
            if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                marks = {ast.unparse(mark) for mark in method.decorator_list}
                if marks & {"property", "cached_property"}: continue
                by = handed_on(name, method)
                bound = int("staticmethod" not in marks)
                text = told(name, by, by.name, bound) if by else told(name, method, symbol)
                found[f"{symbol}.{method.name}"] = text
    return found


def modules():
    for path in sorted(LIBRARY.rglob("*.py")):
        name = ".".join(path.relative_to(LIBRARY).with_suffix("").parts)
        if "File to edit:" in path.read_text(encoding="utf-8")[:600] and path.name[0] != "_": yield name


def stub(package):
    """A type stub for the package that `package/__init__.py` opens"""
    text = (package / "__init__.py").read_text(encoding="utf-8")
    call = next(n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call) and ast.unparse(n.func) == "open_room")
    lines = ["# Written by tools/help.py: what this package loads on first use", ""]
    if package == LIBRARY:
        scope = {}
        exec(text[text.index("ROOMS = "):text.index("__all__")], scope)
        rooms = sorted(scope["ROOMS"].items())
        lines += [f"from . import {room} as {room}" for _, room in rooms]
    for place, names in sorted(ast.literal_eval(call.args[1]).items()):
        lines.append(f"from .{place} import {', '.join(f'{n} as {n}' for n in sorted(names))}")
    if package == LIBRARY:
        lines += ["", *(f"{way} = {room}" for way, room in rooms if way != room), "ROOMS: dict[str, str]",
                  "__version__: str"]
    return "\n".join(lines) + "\n"


def main():
    found = {f"virtualcell.{name}": texts(name) for name in modules()}
    text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    (LIBRARY / "_help.json").write_text(text, encoding="utf-8")
    for init in [LIBRARY / "__init__.py", *sorted(LIBRARY.glob("*/__init__.py"))]:
        if "open_room" in init.read_text(encoding="utf-8"):
            init.with_suffix(".pyi").write_text(stub(init.parent), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
