"""Finish rendered HTML so that it needs neither a network nor a server: formulas, glossary, search, light and dark."""
import json
import os
import re
from pathlib import Path

from bs4 import BeautifulSoup, NavigableString
from latex2mathml.converter import convert

SITE_FILES = Path(__file__).parent / "site"
QUIET = ("a", "abbr", "code", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "script", "style", "svg", "math", "button",
         "nav")
SEARCH = """<div class="vc-search"><input type="search" role="combobox" class="form-control form-control-sm"
placeholder="Search" aria-label="Search the documentation" aria-expanded="false"
aria-controls="vc-hits" autocomplete="off" title="Search: press / or Ctrl+K">
<div id="vc-hits" role="listbox" aria-label="Results" hidden></div></div>
<button type="button" class="vc-scheme btn btn-sm" title="Light or dark" aria-label="Light or dark">◐</button>"""


def mathml(tex, block):
    """A formula as MathML, which browsers show by themselves."""
    shown = convert(tex.replace("{aligned}", "{align*}"), display="block" if block else "inline")
    if re.search(r"<m\w+>(&|\\\w+)</m", shown):  # what it did not understand
        raise ValueError(f"Expected a formula that latex2mathml can read, found {tex}. Write it with other commands")
    return shown


def set_formulas(soup):
    for span in soup.select("span.math"):
        tex = re.sub(r"^\\[([]|\\[)\]]$", "", span.get_text().strip()).strip()
        span.replace_with(BeautifulSoup(mathml(tex, "display" in span["class"]), "html.parser"))


def stay_here(soup):
    """Nothing is fetched from elsewhere; what rendered formulas there is gone with them."""
    for tag in soup.select("script[src], link[href]"):
        if re.match(r"(https?:)?//", tag.get("src") or tag.get("href")):
            tag.decompose()


def slug(term):
    return re.sub(r"\W+", "-", term.lower()).strip("-")


def glossary_of(markdown):
    """{term: its sentence}, from the tables of the glossary; a row may name several spellings."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", markdown, re.M)
    return {name: re.sub(r"[*`]", "", meaning) for names, meaning in rows if names not in ("term", "---")
            for name in names.split(" · ")}


def first_uses(soup, terms, base):
    """The first use of a term in a section gets its meaning on hover, and a link to the glossary."""
    if not terms: return
    word = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, sorted(terms, key=len, reverse=True))) + r")(?![\w])")
    main = soup.find("main") or soup
    for section in [main, *main.find_all("section")]:
        seen = set()
        for text in list(section.find_all(string=word)):
            if text.find_parent(["section", "main"]) is not section or text.find_parent(QUIET): continue
            pieces = word.split(text)
            for i in range(1, len(pieces), 2):
                if terms[pieces[i]] in seen: continue
                seen.add(terms[pieces[i]])
                link = soup.new_tag("a", href=f"{base}glossary.html#{slug(pieces[i])}", attrs={"class": "vc-term"})
                shown = soup.new_tag("abbr", attrs={"title": terms[pieces[i]]})
                shown.string = pieces[i]
                link.append(shown)
                pieces[i] = link
            text.replace_with(*(piece if not isinstance(piece, str) else NavigableString(piece) for piece in pieces))


def name_terms(soup):
    """A place for every term on the glossary itself."""
    for cell in soup.select("main table tbody tr td:first-child"):
        for name in reversed(cell.get_text().split(" · ")):
            cell.insert(0, soup.new_tag("span", id=slug(name)))


def dress(soup, base):
    """The search box, the switch between light and dark, the style."""
    for old in soup.select("#quarto-search, script[src*=quarto-search], script[src*=fuse]"):
        old.replace_with(BeautifulSoup(SEARCH, "html.parser")) if old.name == "div" else old.decompose()
    soup.head.append(soup.new_tag("link", rel="stylesheet", href=f"{base}site_libs/site.css"))
    soup.head.append(soup.new_tag("script", src=f"{base}site_libs/site.js", attrs={"data-base": base}))
    for table in soup.select("main table"):  # a wide table scrolls by itself, not with the page
        if not table.find_parent(class_="vc-wide"): table.wrap(soup.new_tag("div", attrs={"class": "vc-wide"}))


def write_scripts(out, terms):
    """The index and the scripts beside the pages; each term of the glossary is found by itself."""
    entries = json.loads((out / "search.json").read_text(encoding="utf-8"))
    index = [{key: entry.get(key, "") for key in ("href", "title", "section", "text")} for entry in entries
             if not entry["href"].startswith("glossary.html#")]
    index += [{"href": f"glossary.html#{slug(term)}", "title": "Glossary", "section": term, "text": meaning}
              for term, meaning in terms.items()]
    (out / "search.json").unlink()
    index = json.dumps(index, ensure_ascii=False)
    (out / "search-index.js").write_text(f"window.virtualcellIndex = {index};\n", encoding="utf-8")
    (out / "site_libs").mkdir(exist_ok=True)
    rank = (SITE_FILES / "rank.mjs").read_text(encoding="utf-8").replace("export const", "const")
    script = (SITE_FILES / "site.js").read_text(encoding="utf-8").replace("(() => {", "(() => {\n" + rank, 1)
    (out / "site_libs" / "site.js").write_text(script, encoding="utf-8")
    (out / "site_libs" / "site.css").write_bytes((SITE_FILES / "site.css").read_bytes())


def finish(out, terms):
    """Change every page below folder `out` in place."""
    words = out / "glossary.html"
    for path in sorted(out.rglob("*.html")):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        base = f"{os.path.relpath(out, path.parent)}/"
        set_formulas(soup)
        stay_here(soup)
        first_uses(soup, {} if path == words else terms, base)
        if path == words: name_terms(soup)
        dress(soup, base)
        path.write_text(str(soup), encoding="utf-8")
    write_scripts(out, terms)
