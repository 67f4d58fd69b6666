"""What the documentation tells by code: names of pages and links to them, the map of the house, functions by task."""
import inspect
import json
import re
from functools import cache
from importlib import import_module

import yaml
from pages import NBS

import virtualcell as vc

TASKS = {  # namespace: what its functions are for
    "constraints": "State what the lab can do, and what you trust",
    "data": "Read, check and flag data",
    "analysis": "Estimate effects from cells or guide counts",
    "effects": "Look at effects, choose and join them",
    "exchange": "Save and read effects",
    "stats": "Give an interval, a rank, a false discovery rate",
    "protocol": "Train and keep a model",
    "models": "Predict what was not measured",
    "evaluate": "Ask whether a prediction can be trusted",
    "screen": "Screen candidates and rank them",
    "loop": "Plan a batch, register, score and learn",
    "sim": "Simulate cells from a mechanism",
    "systems": "Use a system that is ready: T cells, colonies, examples",
    "lab": "Simulate an experiment with known truth",
    "pl": "Draw a result",
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
    """{way to a function or class: (the thing, its place)}: `vc.rank`, and in its namespace `vc.screen.rank`."""
    rooms = {f"vc.{way}.": getattr(vc, way) for way in vc.ROOMS}
    found = {f"{way}{name}": getattr(room, name) for way, room in rooms.items() for name in room.__all__}
    found |= {f"vc.{name}": getattr(vc, name) for name in vc.__all__ if name not in vc.ROOMS}
    found = {way: getattr(thing, way.split(".")[-1], None) if inspect.ismodule(thing) else thing
             for way, thing in found.items()}  # a module that is named like its function hides it once it is loaded
    places = {way: symbols().get(getattr(thing, "__module__", ""), {}).get(getattr(thing, "__name__", ""))
              for way, thing in found.items()}
    return {way: (found[way], place) for way, place in places.items() if place}


@cache
def linked(here):
    """{what stands in backticks: place}: a page's own names, public names in full, and in short if that is clear."""
    names = {}
    for way, (thing, place) in public().items():
        short = way.split(".")[-1]
        clear = isinstance(thing, type) or "_" in short or way.count(".") == 1  # `score` may be a column
        names |= {way: place} | ({short: place} if clear else {})
    return names | {name: place for known in symbols().values() for name, place in known.items()
                    if place.split("#")[0] == here and not name.startswith("_") and "." not in name}


def link_names(text, page):
    """Names of functions in backticks become links."""
    here = page_name(page).replace(".ipynb", ".html")
    up = "../" * here.count("/")

    def link(found):
        place = linked(here).get(found[1].removesuffix("()"))
        return found[0] if place is None else f"[{found[0]}]({up}{place})"
    parts = re.split(r"(```.*?```|\[[^\]]*\]\([^)]*\)|^#.*?$)", text, flags=re.S | re.M)  # code blocks, links, headings
    return "".join(part if i % 2 else re.sub(r"`([\w.]+(?:\(\))?)`", link, part) for i, part in enumerate(parts))


def first_line(thing):
    return (inspect.getdoc(thing) or "").strip().split("\n")[0].replace("|", "\\|")


def function_index():
    """A page: I want to …, and the function that does it."""
    if lost := [way for way in vc.ROOMS if way not in TASKS]:
        raise KeyError(f"Expected a task for every namespace, found none for {', '.join(lost)}. Add it to TASKS")
    parts = ["---\ntitle: Functions by task\ndescription: Every public name, by what you want to do\n---\n"]
    short = {id(thing): way for way, (thing, _) in public().items() if way.count(".") == 1}
    for way, task in TASKS.items():
        rows = [(isinstance(thing, type), f"| {first_line(thing)} | [`{short.get(id(thing), name)}`]({place}) |")
                for name, (thing, place) in public().items() if name.startswith(f"vc.{way}.")]
        head = f"## {task}\n\n| to, or what it is | use |\n|---|---|"
        parts.append("\n".join([head, *(row for _, row in sorted(rows)), ""]))
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
