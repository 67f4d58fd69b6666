"""How the documentation shows a function or class: its signature in short, then its help as tables.

The help of a name (`tools/help.py`) has sections for terminals; a page shows parameters as a table.
"""
import html
import inspect
import re

from nbdev.doclinks import NbdevLookup

from virtualcell.namespaces import help_texts

TEXTS = {}  # {name: help} of the module whose page is made: there a function is defined once more, without its help
SECTION = re.compile(r"^(Parameters|Returns|Raises|Source|Examples)\n-+\n", re.M)


def speak_of(notebook):
    """Take help from the module that a notebook exports"""
    found = re.search(r"#\| default_exp ([\w.]+)", notebook.read_text(encoding="utf-8"))
    TEXTS.clear()
    TEXTS.update(help_texts().get(f"virtualcell.{found[1]}", {}) if found else {})


def sections(text):
    """(summary, {title: [(line, notes)]}) of a help text"""
    first, *rest = SECTION.split(text)
    found = {}
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        rows = []
        for line in body.strip("\n").splitlines():
            if line.startswith("    ") and rows: rows[-1][1].append(line.strip())
            elif line: rows.append((line, []))
        found[title] = rows
    return first.strip(), found


def cell(text): return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False)).replace("|", "&#124;")


def table(rows):
    """Parameters as name, type with default, meaning"""
    if rows and rows[0][0] == "none": return ""
    lines = ["| parameter | type, default | meaning |", "|---|---|---|"]
    for line, notes in rows:
        name, _, kind = line.partition(" : ")
        lines.append(f"| `{name}` | {cell(kind)} | {cell(' '.join(notes))} |")
    return "\n".join(lines) + "\n"


def lines_of(title, rows):
    if title == "Raises" and rows and rows[0][0].startswith("nothing"): return ""
    told = [f"{cell(line)}{': ' * bool(notes)}{cell(' '.join(notes))}" for line, notes in rows]
    return f"**{title}** " + "; ".join(told) + "\n"


def short(sym):
    """The signature with names and defaults only"""
    try: given = inspect.signature(sym).parameters.values()
    except (TypeError, ValueError): return ""
    words = []
    for one in given:
        if one.kind is one.KEYWORD_ONLY and "*" not in words: words.append("*")
        default = "" if one.default is one.empty else "=…" if len(repr(one.default)) > 24 else f"={one.default!r}"
        words.append(one.name + default)
    return ", ".join(words)


class Renderer:
    """What nbdev asks for when a page shows a symbol"""

    def __init__(self, sym, name=None, title_level=3):
        self.sym, self.level = sym, title_level
        self.name = name or getattr(sym, "__qualname__", str(sym))

    def _repr_markdown_(self):
        fn = f"{getattr(self.sym, '__module__', '')}.{getattr(self.sym, '__qualname__', self.name)}"
        link = (NbdevLookup().code(fn) or "").removesuffix("#LNone")
        summary, found = sections(TEXTS.get(self.name) or inspect.getdoc(self.sym) or "")
        parts = [f"---\n\n{'#' * self.level} {self.name}\n"]
        if link: parts.append(f'[source]({link}){{target="_blank" style="float:right; font-size:smaller"}}\n')
        parts.append(f"```python\n{self.name.split('.')[-1]}({short(self.sym)})\n```\n")
        if summary: parts.append(f"{summary}\n")
        parts += [table(found["Parameters"])] if "Parameters" in found else []
        parts += [lines_of(title, found[title]) for title in ("Returns", "Raises") if title in found]
        return "\n".join(part for part in parts if part)
