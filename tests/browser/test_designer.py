"""The designer in a real JupyterLab, and its copy in a report that has no network."""
import json
import os

import pytest
from playwright.sync_api import expect

from virtualcell.report.render import run_report

pytestmark = pytest.mark.browser

OPEN = """
from virtualcell.constraints.program import Program
from virtualcell.widgets.designer import ScreenDesigner
designer = ScreenDesigner(Program.load("tcell_commitment"))
designer
"""


def picture(page, name):
    """Save what the test sees, when somebody wants to look: VC_PICTURES=folder pytest -m browser"""
    if folder := os.environ.get("VC_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


@pytest.fixture
def designer(notebook, page):
    """(notebook, the widget on the page)"""
    nb = notebook(OPEN)
    nb.run_all()
    widget = page.locator(".vc-designer")
    expect(widget.locator(".vc-left")).to_have_text("60 candidates")
    return nb, widget


def test_a_click_reaches_python_and_the_count_comes_back(designer, page):
    nb, widget = designer
    expect(widget.locator('[data-rule="max_deliveries"] .vc-number')).to_have_text("180")
    chip = widget.get_by_role("button", name="KD:Runx1")
    chip.click()
    nb.expect_python("designer.switched_off", ["KD:Runx1"])
    expect(widget.locator(".vc-left")).to_have_text("36 candidates")  # 18 singles, 3 pairs at 6 times
    expect(chip).to_have_attribute("aria-pressed", "false")
    expect(chip).to_be_focused()
    widget.get_by_role("button", name="80 h").click()
    nb.expect_python("designer.chosen_times", [0, 16, 32, 48, 64])
    expect(widget.locator(".vc-left")).to_have_text("30 candidates")
    nb.expect_python("'KD:Runx1' in str(designer.value.to_yaml())", False)
    picture(page, "designer")


def test_the_keyboard_is_enough(designer, page):
    nb, widget = designer
    widget.get_by_role("button", name="KD:Tcf7").focus()
    page.keyboard.press("Enter")
    nb.expect_python("designer.switched_off", ["KD:Tcf7"])
    widget.get_by_label("parts of a candidate").fill("1")
    page.keyboard.press("Tab")
    nb.expect_python("designer.max_parts", 1)
    expect(widget.locator(".vc-left")).to_have_text("18 candidates")  # 3 targets at 6 times
    widget.get_by_label("parts of a candidate").fill("9")
    page.keyboard.press("Tab")
    nb.expect_python("designer.max_parts", 2)  # what the program allows, and no more


def test_python_reaches_the_browser(designer):
    nb, widget = designer
    nb.python("designer.set_trait('switched_off', ['KD:PU.1', 'KD:Gata3', 'KD:Tcf7'])")
    expect(widget.get_by_role("button", name="KD:PU.1")).to_have_attribute("aria-pressed", "false")
    expect(widget.locator(".vc-left")).to_have_text("6 candidates")
    nb.python("designer.set_trait('max_parts', 1)")
    expect(widget.get_by_label("parts of a candidate")).to_have_value("1")


CART = OPEN.replace("tcell_commitment", "cart_persistence")


@pytest.fixture
def cart(notebook, page):
    """(notebook, the widget of a program with three deliveries and two goals)"""
    nb = notebook(CART)
    nb.run_all()
    return nb, page.locator(".vc-designer")


def test_the_whole_program_is_shown(cart, page):
    nb, widget = cart
    for text in ("CAR-T cells that last", "in CD8 T", "memory_fraction↑ up", "killing↑ up", "Pareto: no exchange rate",
                 "-2 ≤ doublings", "a dose needs cells", "cells that need no cytokine may be transformed",
                 "KO · 2 at once · 1 use · at 0 h · 180 EUR a use", "more cuts at once make translocations", "640 EUR",
                 "8 candidates, 3 replicates"):
        expect(widget).to_contain_text(text)
    expect(widget.get_by_text("not trusted")).to_be_hidden()
    widget.get_by_text("5 readouts").click()
    expect(widget.get_by_text("not trusted")).to_be_visible()
    picture(page, "program")


def test_a_delivery_is_switched_with_the_keyboard(cart, page):
    nb, widget = cart
    virus = widget.get_by_role("button", name="lentivirus")
    expect(virus).to_have_attribute("aria-pressed", "true")
    virus.focus()
    page.keyboard.press("Space")
    nb.expect_python("designer.deliveries_off", ["lentivirus"])
    expect(virus).to_have_attribute("aria-pressed", "false")
    expect(virus).to_be_focused()
    nb.expect_python("[way.name for way in designer.value.deliveries]", ["RNP", "medium"])
    left = nb.python("designer.n_allowed")
    expect(widget.locator(".vc-left")).to_have_text(f"{left} candidates")
    nb.python("designer.set_trait('deliveries_off', [])")
    expect(virus).to_have_attribute("aria-pressed", "true")


def test_a_program_cannot_write_into_the_page(notebook, page):
    evil = "<img src=x onerror=document.title='broken'>"
    imports = "from dataclasses import replace\nfrom virtualcell.constraints.program import Limits\n"
    shipped = 'Program.load("cart_persistence")'
    changes = f"product={evil!r}, cell_types=({evil!r},), limits=Limits(6, 5, protected=({evil!r},))"
    nb = notebook(imports + CART.replace(shipped, f"replace({shipped}, {changes})"))
    nb.run_all()
    expect(page.locator(".vc-designer")).to_contain_text(evil)
    expect(page.get_by_label("limits", exact=True)).to_contain_text(evil)
    expect(page.get_by_label("parts of a candidate")).to_have_value("6")
    assert page.locator(".vc-designer img").count() == 0 and page.title() != "broken"


def test_everything_off_is_explained(designer):
    nb, widget = designer
    widget.get_by_role("button", name="all off").click()
    expect(widget.get_by_role("alert")).to_contain_text("State what the lab can do")
    expect(widget.locator(".vc-left")).to_have_text("0 candidates")
    widget.get_by_role("button", name="all on").click()
    expect(widget.locator(".vc-left")).to_have_text("60 candidates")


def test_save_and_load(designer, page):
    nb, widget = designer
    widget.get_by_role("button", name="KD:Gata3").click()
    nb.expect_python("designer.switched_off", ["KD:Gata3"])
    nb.python("str(designer.save('mine.yaml'))")
    nb.expect_python("ScreenDesigner.load('mine.yaml').value == designer.value", True)
    nb.expect_python("ScreenDesigner.load('mine.yaml').n_allowed", 36)


def test_report_page_works_from_disk_and_offline(browser, tmp_path):
    """No request leaves the file, nothing fails, and the saved widget answers clicks."""
    short = {"n_clones": 150, "n_clones_screen": 20, "n_rounds": 1, "n_clones_lab": 5}
    run_report("tcell_screen", tmp_path, short)
    context = browser.new_context(offline=True, color_scheme="dark")  # of the system; the page is light
    page, requests, problems = context.new_page(), [], []
    page.on("request", lambda r: requests.append(r.url))
    page.on("requestfailed", lambda r: problems.append(r.url))
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto((tmp_path / "report.html").as_uri())
    chip = page.get_by_role("button", name="KD:Runx1")
    expect(chip).to_have_attribute("aria-pressed", "true")
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_text("Saved copy")).to_be_visible()
    field = page.get_by_role("searchbox", name="filter targets")
    expect(field).to_have_css("background-color", "rgb(255, 255, 255)")
    page.evaluate("() => { document.body.dataset.jpThemeLight = 'false'; }")
    expect(field).not_to_have_css("background-color", "rgb(255, 255, 255)")
    page.evaluate("() => { document.body.dataset.jpThemeLight = 'true'; }")
    expect(page.get_by_role("heading", name="Which knock-down makes early T-cell progenitors commit?")).to_be_visible()
    assert problems == [] and [u for u in requests if not u.startswith(("file:", "data:", "blob:"))] == []
    picture(page, "report")
    context.close()


def test_without_scripts_the_page_shows_a_table(browser, tmp_path):
    import nbformat
    code = nbformat.v4.new_code_cell
    cells = [nbformat.v4.new_markdown_cell("# T"), code("n = 1  # n", metadata={"tags": ["parameters"]}), code(OPEN)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "t.ipynb")
    run_report(str(tmp_path / "t.ipynb"), tmp_path / "out")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "out" / "report.html").as_uri())
    expect(page.get_by_text("candidates left")).to_be_visible()
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == {}
    context.close()
