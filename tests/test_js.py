"""What the scripts of widgets do without a browser: `node --test tests/js/*.test.mjs` runs the same tests."""
import shutil
import subprocess

import pytest

from virtualcell.widgets.script import STATIC, module_text

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no node on PATH (Debian: apt-get install nodejs)")
SCRIPTS = sorted(path.name for path in STATIC.iterdir() if path.suffix == ".js")


def node(*arguments):
    done = subprocess.run([NODE, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_helpers(root):
    tests = sorted((root / "tests" / "js").glob("*.test.mjs"))
    assert "# pass " in node("--test", "--test-reporter=tap", *map(str, tests))
    tested = {path.name.replace(".test", "") for path in tests}
    helpers = [*STATIC.glob("*.mjs"), *(root / "tools" / "site").glob("*.mjs")]
    assert tested == {path.name for path in helpers}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_joined_script_is_one_module(name, tmp_path):
    (tmp_path / "joined.mjs").write_text(module_text(name), encoding="utf-8")
    node("--check", str(tmp_path / "joined.mjs"))


def test_the_joined_designer_is_a_widget(tmp_path):
    script = tmp_path / "joined.mjs"
    script.write_text(module_text("designer.js"), encoding="utf-8")
    shown = node("-e", f"import('{script.as_uri()}').then((module) => console.log(Object.keys(module.default)))")
    assert shown == "[ 'render' ]\n"
