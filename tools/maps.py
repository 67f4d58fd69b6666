"""What the documentation tells by code: names of pages and links to them, the map of the house, functions by task."""
import inspect
import json
import re
from functools import cache
from importlib import import_module

import yaml
from pages import NBS

import virtualcell as vc

TASKS = {  # room: what its functions are for
    "constraints": "State what the lab can do, and what you trust",
    "data": "Read, check and flag data",
    "analysis": "Estimate effects from cells or guide counts",
    "effects": "Look at effects, choose and join them",
    "exchange": "Save and read effects",
    "protocol": "Train and keep a model",
    "models": "Predict what was not measured",
    "evaluate": "Ask whether a prediction can be trusted",
    "screen": "Screen candidates and rank them",
    "loop": "Plan a batch, register, score and learn",
    "ledger": "Keep a record that shows any change",
    "sim": "Simulate cells from a mechanism",
    "systems": "Use a system that is ready: T cells, colonies, examples",
    "lab": "Simulate an experiment with known truth",
    "widgets": "Edit a program by clicking",
    "report": "Write a report",
}


def page_name(path, paths=r".+"):
    """Numbers of files are for reading order only: 6_sim/63_tcell.ipynb -> 6_sim/tcell.ipynb, as in nbdev."""
    short = re.compile(r"(^|/)\d+[a-z]*_(?=[^/]*$)")
    return re.sub(paths, lambda found: short.sub(r"\1", found[0]), str(path))


def relink(text):
    """Links between notebooks, with the names of their pages."""
    return re.sub(r"(?<=\]\()[\w./-]+\.ipynb(?=[)#])", lambda link: page_name(link[0]).replace(".ipynb", ".html"), text)


@cache
def symbols():
    """module: {name: page of the documentation and place on it}, as nbdev exported them."""
    found = import_module("virtualcell._modidx").d["syms"]
    return {module: {name.removeprefix(f"{module}."): place for name, (place, _) in names.items()}
            for module, names in found.items()}


@cache
def public():
    """name: (module, page and place), of every name that `import virtualcell as vc` offers."""
    return {name: (module, symbols()[f"virtualcell.{module}"][name]) for name, module in vc._NAMES.items()
            if name in symbols().get(f"virtualcell.{module}", {})}


def link_names(text, page):
    """Names of functions in backticks become links: public ones anywhere, a page's own on that page."""
    here = str(page_name(page)).replace(".ipynb", ".html")
    own = {name: place for names in symbols().values() for name, place in names.items()
           if place.split("#")[0] == here and not name.startswith("_")}
    names, up = {**{name: place for name, (_, place) in public().items()}, **own}, "../" * here.count("/")

    def link(found):
        place = names.get(found[1].removeprefix("vc.").removesuffix("()"))
        return found[0] if place is None else f"[{found[0]}]({up}{place})"
    parts = re.split(r"(```.*?```|\[[^\]]*\]\([^)]*\)|^#.*?$)", text, flags=re.S | re.M)  # code blocks, links, headings
    return "".join(part if i % 2 else re.sub(r"`([\w.]+(?:\(\))?)`", link, part) for i, part in enumerate(parts))


def first_sentence(thing):
    text = (inspect.getdoc(thing) or "").strip().split("\n\n")[0]
    return re.split(r"(?<=\w)\. ", " ".join(text.split()))[0].rstrip(".")


def function_index():
    """A page: I want to …, and the function that does it."""
    rows = {}
    for name, (module, place) in sorted(public().items()):
        row = f"| {first_sentence(getattr(vc, name))} | [`vc.{name}`]({place}) |"
        rows.setdefault(module.split(".")[0], []).append(row)
    parts = ["---\ntitle: Functions by task\ndescription: Every public name, by what you want to do\n---\n"]
    for room, task in TASKS.items():
        parts.append("\n".join([f"## {task}\n", "| to | use |\n|---|---|", *rows.pop(room, []), ""]))
    if rows:
        raise KeyError(f"Expected a task for every room with public names, found none for {', '.join(rows)}. Add it")
    return "\n".join(parts)


def title_and_purpose(path):
    """The first two lines of a page."""
    if path.suffix == ".md":
        front = yaml.safe_load(path.read_text(encoding="utf-8").split("---")[1])
        return front["title"], front["description"]
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    return re.search(r"^# (.+)$", first, re.M)[1], re.search(r"^> (.+)$", first, re.M)[1]


def house_map():
    """Markdown: every page of the side bar with its purpose, by section."""
    def line(path):
        if not (NBS / path).exists():  # written by this program
            return f"- [Functions by task]({path.replace('.md', '.html')}): every public name, by what you want to do"
        title, purpose = title_and_purpose(NBS / path)
        return f"- [{title}]({page_name(path).replace('.ipynb', '.html').replace('.md', '.html')}): {purpose}"

    lines = []
    for entry in yaml.safe_load((NBS / "_quarto.yml").read_text(encoding="utf-8"))["website"]["sidebar"]["contents"]:
        if isinstance(entry, str):
            lines += [line(entry)] if entry != "index.ipynb" else []
        else:
            lines += [f"\n### {entry['section']}\n", *map(line, entry["contents"])]
    return "\n".join(lines)
