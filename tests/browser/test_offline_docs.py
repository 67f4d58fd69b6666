"""The documentation as a reader opens it: from disk, without a network."""
import os
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def open_page(browser, site):
    """Opens a page from disk with the network off; a request that fails or leaves the disk fails the test."""
    context, problems = browser.new_context(offline=True, viewport={"width": 1400, "height": 900}), []
    context.set_default_timeout(20_000)

    def visit(name, **size):
        page = context.new_page()
        if size: page.set_viewport_size(size)
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else problems.append(r.url))
        page.on("requestfailed", lambda r: problems.append(r.url))
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto((site / name).as_uri())
        return page
    yield visit
    context.close()
    assert problems == []


def picture(page, name):
    """Save what the test sees, when somebody wants to look: VC_PICTURES=folder pytest -m browser"""
    if folder := os.environ.get("VC_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_formulas_are_shown_without_a_network(open_page):
    page = open_page("6_sim/tcell.html")
    formula = page.locator("main math").first
    expect(formula).to_be_visible()
    assert page.locator("main math").count() > 10
    assert page.evaluate("() => document.querySelector('main math').namespaceURI").endswith("Math/MathML")
    expect(page.locator("main")).not_to_contain_text(re.compile(r"\\\(|\\frac|\\begin"))


@pytest.mark.parametrize(("query", "wanted"), [
    ("zarr", r"glossary\.html#zarr|2_data/readers"),
    ("copy number", r"2_data/copynumber\.html"),
    ("knock-out", r"glossary\.html#knock-out"),
])
def test_search_finds_the_page(open_page, query, wanted):
    page = open_page("6_sim/tcell.html")  # in a folder: addresses must be right from there
    page.keyboard.press("/")
    field = page.get_by_role("combobox")
    expect(field).to_be_focused()
    page.keyboard.type(query)
    hits = page.get_by_role("option")
    expect(hits.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(hits.first).to_have_attribute("aria-selected", "true")
    picture(page, f"search_{query.replace(' ', '_')}")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(wanted))
    found = page.locator("main").inner_text().lower().replace("-", " ")
    assert query.lower().replace("-", " ") in found or query.replace("-", "") in found


def test_search_says_when_there_is_nothing(open_page):
    page = open_page("index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("xyzzy")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Nothing found")).to_be_hidden()


def test_light_and_dark(open_page):
    page = open_page("4_screen/ranking.html")
    shade = "() => getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(shade) == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Light or dark").click()
    dark = page.evaluate(shade)
    assert sum(map(int, re.findall(r"\d+", dark))) < 150
    page.reload()
    assert page.evaluate(shade) == dark  # the choice is kept
    picture(page, "dark")


@pytest.mark.parametrize("name", ["index.html", "6_sim/colony.html", "4_screen/ranking.html", "functions.html",
                                  "house.html"])
def test_nothing_is_wider_than_a_phone(open_page, name):
    """Wide tables, formulas and code scroll by themselves."""
    page = open_page(name, width=400, height=800)
    assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 1
    picture(page, f"narrow_{name.replace('/', '_')}")


def test_a_term_is_explained_on_hover(open_page):
    page = open_page("2_data/estimate.html")
    term = page.locator("main a.vc-term", has_text="replicate").first
    assert "new cells" in term.locator("abbr").get_attribute("title")
    term.click()
    expect(page).to_have_url(re.compile(r"glossary\.html#replicates?"))
    expect(page.get_by_role("cell", name="replicate · replicates")).to_be_in_viewport()
