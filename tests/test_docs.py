"""The documentation: words that are explained, pages that are found, nothing that needs a network."""
import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from bs4 import BeautifulSoup
from finish import glossary_of, mathml
from maps import function_index, house_map, link_names, page_name
from pages import notebooks

# Abbreviations that need no sentence, by rule:
NAMED = re.compile(r"[A-Z]+\d+[A-Z]?")  # genes, proteins and cell lines: letters, then a number (GATA3, IL7R, CD5)
GENES = {"NANOG", "IL", "TCF", "THP", "PU", "SOX", "HER"}  # and those without, or whose number stands behind a hyphen
FORMATS = {"CSV", "TSV", "JSON", "YAML", "ZIP", "HTML", "CSS", "PNG", "HDF", "GMT", "MTX", "XML", "URL", "UTF"}
PLAIN = {"MB", "GB", "BSD", "MIT", "IEEE", "SIGKILL", "OWNER", "ES"}  # units of memory, licences, publishers, code


def prose(text):
    """Markdown without code, formulas, HTML, addresses, and *italics of one word* (gene symbols in text)."""
    for pattern in (r"```.*?```", r"`[^`]*`", r"\$\$.+?\$\$", r"\$[^$\n]+\$", r"<[^>]+>", r"(?<=\])\([^)]*\)",
                    r"https?://\S+", r"(?<!\*)\*[\w.-]+\*(?!\*)", r"[\w/]+\.(?:md|ini|toml|ipynb)\b"):
        text = re.sub(pattern, " ", text, flags=re.S)
    return text


def abbreviations(text):
    """Words of two capitals or more; not the initials of authors, which follow a name."""
    text = re.sub(r"\b[A-Z][\w’'-]+ [A-Z]{1,3}(?=[,.;]| and\b| \d{4})", " ", prose(text))
    return {word for word in re.findall(r"(?<![\w.-])([A-Z][A-Z0-9]+)s?(?!\w)", text)
            if not NAMED.fullmatch(word) and word not in GENES | FORMATS | PLAIN}


def told_on_page(word, text):
    """The page writes it out: `expanded words (ABC)` or `ABC (expanded words)`."""
    return re.search(rf"\b{word}s? \(\w+[ -]\w+|\w+[ -]\w+[^()]* \({word}s?\)", text)


@pytest.fixture(scope="module")
def texts(root):
    """{file: its markdown}"""
    paths = [*notebooks(), *sorted((root / "templates").glob("*.ipynb"))]
    cells = {path: json.loads(path.read_text(encoding="utf-8"))["cells"] for path in paths}
    found = {path: "\n".join("".join(c["source"]) for c in some if c["cell_type"] == "markdown")
             for path, some in cells.items()}
    return found | {root / name: (root / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")}


@pytest.fixture(scope="module")
def terms(root):
    return glossary_of((root / "nbs" / "glossary.md").read_text(encoding="utf-8"))


def test_the_rules_find_abbreviations():
    text = "The FDR of GATA3 in AU565, `XYZ`, *ERBB2*, and a CSV of RNAs; Smith JS, Jones AB 2020."
    assert abbreviations(text) == {"FDR", "RNA"}
    assert told_on_page("FBA", "flux balance analysis (FBA)") and told_on_page("FBA", "FBA (flux balance analysis)")
    assert not told_on_page("FBA", "FBA is used")


def test_every_abbreviation_is_explained(texts, terms):
    known = {part for term in terms for part in re.findall(r"[A-Z][A-Z0-9]+", term)}
    unknown = {(path.name, word) for path, text in texts.items() for word in abbreviations(text) - known
               if not told_on_page(word, text)}
    assert sorted(unknown) == [], "explain it on the page, or give it a line in nbs/glossary.md"


def test_a_glossary_line_is_one_sentence(terms):
    for term, meaning in terms.items():
        assert meaning[0].isupper() and meaning.endswith(".") and len(meaning) < 260, term
        assert not re.search(r"[a-z)]\. [A-Z]", meaning), term
    assert len(terms) > 80


def test_formulas_can_be_read(texts):
    """Every formula of every page becomes MathML, and what cannot is refused."""
    words = [re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S) for text in texts.values()]
    found = [pair for text in words for pair in re.findall(r"\$\$(.+?)\$\$|(?<!\w)\$([^$\n]+)\$", text, re.S)]
    assert len(found) > 200
    for block, inline in found:
        assert mathml(block or inline, bool(block)).startswith("<math")
    for wrong in (r"\begin{gathered} a & b \end{gathered}", r"\nosuchthing{a}"):
        with pytest.raises(ValueError, match="Expected a formula"):
            mathml(wrong, True)


def test_every_page_is_on_the_map(root):
    bar = yaml.safe_load((root / "nbs" / "_quarto.yml").read_text(encoding="utf-8"))["website"]["sidebar"]["contents"]
    listed = [page for entry in bar for page in ([entry] if isinstance(entry, str) else entry["contents"])]
    names = [page_name(page) for page in listed]
    assert len(names) == len(set(names)), "two notebooks in a folder differ in more than their number"
    assert {str(p.relative_to(root / "nbs")) for p in notebooks()} <= set(listed)
    assert house_map().count("\n- [") >= len(listed) - 2
    front = "".join("".join(c["source"]) for c in json.loads((root / "nbs" / "index.ipynb").read_text())["cells"])
    assert "<!-- map -->" in front, "tools/docs.py writes the map of the house there"


def test_functions_are_found_by_task():
    text = function_index()
    for name in ("vc.read_h5ad", "vc.rank", "vc.loop.register", "vc.evaluate.audit"):
        assert f"[`{name}`](" in text
    linked = link_names("`vc.rank` `score` `estimate_effects()` [`Effects`](x.html)", "2_data/20_schema.ipynb")
    assert linked.count("](../") == 2 and "`score` " in linked and "(x.html)" in linked


@pytest.fixture(scope="session")
def pages(site):
    return {path.relative_to(site): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
            for path in sorted(site.rglob("*.html"))}


def targets(path, soup, within="main"):
    """(page, place on it) of every link to this site"""
    for link in soup.select(f"{within} a[href]"):
        address = link["href"]
        if re.match(r"[a-z]+:|//", address): continue
        page, _, place = unquote(address).partition("#")
        whole = Path(*(Path("/", path.parent) / page).parts[1:]) if page else path
        yield Path(*_normal(whole)), place


def _normal(path):
    parts = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return parts


def test_every_page_is_reached_from_the_front_page(pages):
    """By links in the text of pages, without the side bar."""
    seen, waiting = set(), [Path("index.html")]
    while waiting:
        path = waiting.pop()
        if path in seen or path not in pages: continue
        seen.add(path)
        waiting += [page for page, _ in targets(path, pages[path])]
    assert set(pages) - seen == set()


def test_no_dead_link(pages, site):
    ids = {path: {tag["id"] for tag in soup.select("[id]")} for path, soup in pages.items()}
    links = [(path, page, place) for path, soup in pages.items() for page, place in targets(path, soup, "body")]
    dead = {(str(path), f"{page}#{place}") for path, page, place in links
            if not (site / page).exists() or (place and page in ids and place not in ids[page])}
    assert sorted(dead) == []


def test_nothing_comes_from_the_network(pages, site):
    for path, soup in pages.items():
        loads = [tag.get("src") or tag.get("href") for tag in soup.select("[src], link[href]")]
        assert [address for address in loads if re.match(r"(https?:)?//", address)] == [], path
        assert "\\(" not in "".join(span.get_text() for span in soup.select("span.math")), path
    for path in site.rglob("*.css"):
        assert not re.search(r"@import\s+url\([\"']?https?:|url\([\"']?https?:", path.read_text(encoding="utf-8")), path
    assert sum(len(soup.select("math")) for soup in pages.values()) > 200


def test_terms_are_explained_where_they_are_used(pages):
    soup = pages[Path("2_data/estimate.html")]
    shown = {tag.get_text(): tag["title"] for tag in soup.select("main a.vc-term abbr")}
    assert "new cells" in shown["replicate"]
    for section in soup.select("main section"):
        own = [tag["title"] for tag in section.select("abbr") if tag.find_parent("section") is section]
        assert len(own) == len(set(own))
    assert not soup.select("code abbr, pre abbr, h1 abbr, h2 abbr, .sourceCode abbr")


def test_front_pages_show_what_they_find(root):
    """Outputs are stored by `make outputs`: small, and the same on every machine."""
    from store_outputs import PAGE_BYTES, PICTURE_BYTES, front_pages
    for path in front_pages():
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert outputs, f"{path.name}: run `make outputs`"
        assert path.stat().st_size <= PAGE_BYTES, path.name
        text = json.dumps(outputs)
        assert not re.search(r" at 0x[0-9a-f]{6}|/home/|/tmp/tmp|/root/|stderr|widget-view", text), path.name
        pictures = ["".join(output["data"]["image/png"]) for output in outputs if "image/png" in output.get("data", {})]
        assert max(map(len, pictures), default=0) <= PICTURE_BYTES * 4 / 3 + 100, path.name


def test_outputs_are_made_steady():
    from store_outputs import kept_output
    shown = {"output_type": "execute_result", "execution_count": 7, "metadata": {},
             "data": {"text/plain": "<A at 0x7f00aa11> in /tmp/tmpabc1/x", "application/vnd.jupyter.widget-view": {}}}
    assert kept_output(shown) == {"output_type": "execute_result", "execution_count": None, "metadata": {},
                                  "data": {"text/plain": ["<A> in /tmp/…/x"]}}
    assert kept_output({"output_type": "stream", "name": "stderr", "text": "a warning"}) is None
