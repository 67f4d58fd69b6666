"""Store in the front pages what they show, so that they read well where nothing runs:  python tools/store_outputs.py

Front pages are the index, the architecture, tutorials, papers and how-to pages. Stored are text, tables and pictures,
and nothing that changes from run to run: no counters, no warnings, no addresses of objects, no folders of this machine.
"""
import argparse
import base64
import io
import json
import re
import subprocess
import sys
from pathlib import Path

from pages import NBS, ROOT, executed, in_forks, notebooks, place

PICTURE_BYTES, PAGE_BYTES = 50_000, 300_000
KINDS = ("text/html", "text/markdown", "text/plain", "image/png")
UNSTEADY = ((r" at 0x[0-9a-f]+", ""), (re.escape(str(ROOT)), "."), (r"(?:/var/folders|/tmp)/[\w./-]*tmp\w+", "/tmp/…"),
            (r"<style scoped>.*?</style>\s*", ""))


def front_pages():
    return [path for path in notebooks() if path.parent == NBS or path.parent.name in ("tutorials", "papers", "how_to")]


def steady(text):
    for pattern, instead in UNSTEADY: text = re.sub(pattern, instead, text, flags=re.S)
    return text


def small_png(data, limit=PICTURE_BYTES):
    """A picture of at most `limit` bytes: fewer colours first, then fewer pixels."""
    from PIL import Image
    picture = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    for colours, scale in ((256, 1), (64, 1), (64, 0.8), (64, 0.65), (32, 0.5), (32, 0.35)):
        size = [max(1, round(side * scale)) for side in picture.size]
        out = io.BytesIO()
        picture.resize(size, Image.Resampling.LANCZOS).quantize(colours).save(out, "PNG", optimize=True)
        if out.tell() <= limit: return base64.b64encode(out.getvalue()).decode() + "\n"
    raise ValueError(f"Expected a picture of {limit:,} bytes or fewer, found {out.tell():,}. Draw less in it")


def kept_output(output):
    """What is stored of one output; None for warnings and what only a browser with a kernel can show."""
    if output["output_type"] == "stream":
        text = steady("".join(output["text"])).splitlines(True)
        return {"name": "stdout", "output_type": "stream", "text": text} if output["name"] == "stdout" else None
    data = {kind: "".join(value) for kind, value in output.get("data", {}).items() if kind in KINDS}
    if not data: return None
    if "image/png" in data: data = {"image/png": small_png(data["image/png"])}
    else: data = {kind: steady(text).splitlines(True) for kind, text in data.items()}
    counter = {"execution_count": None} if output["output_type"] == "execute_result" else {}
    return {"data": data, "metadata": {}, "output_type": output["output_type"], **counter}


def store(source):
    """Put the outputs of the page that ran into notebook `source`."""
    from fastcore.nbio import read_nb, write_nb
    ran = json.loads(executed(source).read_text(encoding="utf-8"))["cells"]
    nb = read_nb(source)
    for cell, shown in zip(nb.cells, ran, strict=True):
        if cell.cell_type == "code":
            cell.outputs = [one for one in map(kept_output, shown["outputs"]) if one is not None]
    write_nb(nb, source)


def main():
    parser = argparse.ArgumentParser(description="Store the outputs of the front pages")
    parser.add_argument("--jobs", type=int, default=2, help="pages run at once")
    args = parser.parse_args()
    failed = [page for page, passed in in_forks(store, front_pages(), args.jobs) if not passed]
    subprocess.run([Path(sys.executable).parent / "nbdev-clean"], cwd=ROOT, check=True)
    for page in front_pages():
        size = page.stat().st_size
        print(f"{size:9,} bytes  {page.relative_to(ROOT)}{'' if place(page).exists() else '  not run'}")
        failed += [page] if size > PAGE_BYTES else []
    if failed: sys.exit(f"failed, or above {PAGE_BYTES:,} bytes: {', '.join(page.name for page in failed)}")


if __name__ == "__main__":
    main()
