"""Write nbs/llms.txt from the notebooks: every page with its purpose, in the order of the side bar."""
import ast
import re
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"


def page_line(name):
    """`- [title](page): purpose (module)` of a notebook, or of a page in Markdown with its facts on top."""
    if name.endswith(".md"):
        facts = next(yaml.safe_load_all((NBS / name).read_text(encoding="utf-8")))
        return f"- [{facts['title']}]({name}): {facts['description']}"
    cells = nbformat.read(NBS / name, as_version=4).cells
    title, purpose = re.match(r"# (.+)\n\n> (.+)", cells[0].source).groups()
    exports = re.search(r"^#\| default_exp (\S+)", "\n".join(cell.source for cell in cells), re.M)
    return f"- [{title}]({name}): {purpose}" + (f" (`virtualcell.{exports[1]}`)" if exports else "")


def by_hand():
    """A line for each module that has no notebook, from its docstring."""
    for path in sorted((ROOT / "virtualcell" / "kernels").glob("[!_]*.py")):
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]
        yield f"- `virtualcell.kernels.{path.stem}`: {said}"


def contents():
    """The whole file."""
    site = yaml.safe_load((NBS / "_quarto.yml").read_text(encoding="utf-8"))["website"]
    single, sections = [], []
    for entry in site["sidebar"]["contents"]:
        if isinstance(entry, str):
            single += [page_line(entry)] if (NBS / entry).exists() else []  # some pages are made with the documentation
        else:
            sections.append("\n".join([f"## {entry['section']}", "", *map(page_line, entry["contents"])]))
    cells = nbformat.read(NBS / "index.ipynb", as_version=4).cells
    purpose, told = cells[0].source.split("\n> ")[1], cells[1].source.split("\n\n|")[0]
    parts = [f"# {site['title']}", f"> {purpose}", told, "\n".join(["## Start here", "", *single]), *sections,
             "\n".join(["## Compiled loops, written by hand", "", *by_hand()])]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    (NBS / "llms.txt").write_text(contents(), encoding="utf-8")
