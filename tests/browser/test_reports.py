"""Reports in Chromium: nothing wider than the page, at 1,000 pixels and on paper; the answer first; details folded."""
import os

import nbformat
import pytest

from virtualcell.report.render import run_report

pytestmark = pytest.mark.browser

TOO_WIDE = """() => {
    const page = document.documentElement, found = [];
    if (page.scrollWidth > page.clientWidth) found.push(`page ${page.scrollWidth} > ${page.clientWidth}`);
    for (const one of document.querySelectorAll('table, img, .vc-answer')) {
        const room = one.parentElement.clientWidth, box = one.getBoundingClientRect();
        if (one.scrollWidth > room + 1 || box.right > page.clientWidth + 1)
            found.push(`${one.tagName} ${one.scrollWidth} > ${room}: ${one.innerText?.slice(0, 80)}`);
    }
    return found;
}"""
WORST = """
import numpy as np, pandas as pd
from virtualcell.report.answer import Answer
from virtualcell.report.show import show_record, show_results, show_table
words = ['KD:PU.1=20%+KD:Gata3=20%@16h', 'KO:CD5~RNP+CRISPRa:IL7R@48h', 'control']
table = pd.DataFrame({'intervention': words, 'digest': ['ab12' * 16] * 3, 'reasons': ['raises committed_fraction by '
                                                                                      '0.4; ' * 4] * 3})
for k in range(9): table[f'a_rather_long_name_{k}_um'] = [123456.789, 1e-9, float('nan')]
show_table(table, 'worst')
conclude = lambda found: Answer('Order it. ' * 20, 'Sure. ' * 30, 'Nothing. ' * 20, f"Below {found['n']}. " * 20)
show_results({'n': 3, 'digest': 'ab12' * 30, 'many': list(range(100))}, conclude)
show_record(random_state=1, digest='ab12' * 40)
"""


def look(page, path, name):
    """Check the page at 1,000 pixels, with everything unfolded, and on A4."""
    page.set_viewport_size({"width": 1000, "height": 900})
    page.goto(path.as_uri())
    assert page.evaluate(TOO_WIDE) == []
    block = page.locator(".vc-answer")
    assert block.count() == 1 and block.locator("p").count() == 4 and block.bounding_box()["y"] < 300
    assert page.locator("details[open]").count() == 0 < page.locator("details").count()
    if folder := os.environ.get("VC_PICTURES"): page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate(TOO_WIDE) == []
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 960})  # 180 mm: A4 without its margins
    assert page.evaluate(TOO_WIDE) == []


def test_the_worst_table_fits(page, tmp_path):
    code = nbformat.v4.new_code_cell
    cells = [nbformat.v4.new_markdown_cell("# Worst\n\nLong words everywhere."),
             code("n = 3  # rows", metadata={"tags": ["parameters"]}), code(WORST)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "worst.ipynb")
    run_report(str(tmp_path / "worst.ipynb"), tmp_path / "out")
    look(page, tmp_path / "out" / "report.html", "worst")
    assert page.locator("table.wide").locator("th").count() == 10
    assert page.get_by_text("2 more columns in tables/worst.csv").count() == 1


@pytest.mark.slow  # minutes: all six reports as they come
@pytest.mark.parametrize("template", ["colony_experiment", "composite_experiment", "crispr_screen",
                                      "perturbation_screen",
                                      "tcell_experiment", "tcell_screen"])
def test_every_report_fits_the_page(template, page, tmp_path, public):
    if template == "perturbation_screen": public("papalexi2021")
    run_report(template, tmp_path)
    look(page, tmp_path / "report.html", template)
