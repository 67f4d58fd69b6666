"""The loader against a server on this machine: whole files, cut ones, wrong ones, no host, an interruption."""
import http.server
import threading

import numpy as np
import pytest

from virtualcell.core import file_digest
from virtualcell.data.datasets import REGISTRY, DownloadError, Original, download, fetch, find_local

BODY = b"gene,effect\n" + b"CD5,0.4\n" * 5000


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves BODY; the first part of the path says how badly."""

    def do_GET(self):
        how = self.path.split("/")[1]
        self.send_response(404 if how == "missing" else 200)
        body = BODY.replace(b"0.4", b"0.9") if how == "changed" else b"" if how == "missing" else BODY
        sent = body[: len(body) // 2] if how in ("short", "interrupted") else body
        # "short" announces what it sends: only the checksum can tell. "interrupted" breaks its own promise.
        self.send_header("Content-Length", str(len(sent) if how == "short" else len(body)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def original(tmp_path, monkeypatch):
    """A pinned file, an empty cache, and no folder of public data."""
    (tmp_path / "body").write_bytes(BODY)
    monkeypatch.setenv("VIRTUALCELL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VIRTUALCELL_DATA", raising=False)
    monkeypatch.delenv("VIRTUALCELL_MIRROR", raising=False)
    return Original("owner/name", "c0ffee", "data/effects.csv", file_digest(tmp_path / "body"))


def kept(tmp_path):
    return [p.name for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_a_whole_file_is_cached_and_not_asked_for_again(original, server, tmp_path):
    path = download(original, f"{server}/whole")
    assert path.read_bytes() == BODY
    assert find_local(original) == path and download(original, "http://127.0.0.1:1/nobody") == path


@pytest.mark.parametrize(("how", "text"), [("short", "other bytes"), ("changed", "other bytes"),
                                           ("missing", "HTTPError"),
                                           ("interrupted", "Nothing partial was kept")])
def test_a_bad_download_is_named_and_leaves_nothing(original, server, tmp_path, how, text):
    with pytest.raises(DownloadError, match=text) as failure:
        download(original, f"{server}/{how}")
    assert "Expected" in str(failure.value) and kept(tmp_path) == []
    assert download(original, f"{server}/whole").read_bytes() == BODY  # and the next try works


def test_an_unreachable_host_is_named_with_the_cure(original, tmp_path):
    with pytest.raises(DownloadError, match="VIRTUALCELL_DATA"):
        download(original, "http://127.0.0.1:9/nobody")
    assert kept(tmp_path) == []


def test_the_folder_comes_first_and_is_checked(original, tmp_path, monkeypatch):
    monkeypatch.setenv("VIRTUALCELL_DATA", str(tmp_path / "public"))
    place = tmp_path / "public" / "upstream" / original.place
    place.parent.mkdir(parents=True)
    place.write_bytes(BODY)
    assert find_local(original) == place
    place.write_bytes(BODY[:100])
    with pytest.raises(DownloadError, match="cut off or another version"):
        find_local(original)


def test_a_damaged_cache_is_not_used(original, server):
    path = download(original, f"{server}/whole")
    path.write_bytes(b"damaged")
    assert find_local(original) is None
    assert download(original, f"{server}/whole").read_bytes() == BODY


# ---- the originals, where they are at hand


def test_papalexi(public):
    cells = public("papalexi2021")
    assert cells.shape == (20_729, 299) and cells.obsm["guide_counts"].shape == (20_729, 110)
    assert sorted(cells.obs["replicate"].unique()) == ["rep_1", "rep_2", "rep_3"]
    targets = set(cells.uns["guide_targets"].values())
    assert {"control", "STAT1", "JAK2"} <= targets and len(targets) == 27
    counts = cells.layers["counts"]
    assert counts.data.min() >= 0 and (counts.data == np.round(counts.data)).all() and counts.sum() > 1e6


def test_rade(public):
    """Counts per million of IL2RA rise from 17 to 920 on activation, TCF7 falls from 341 to 35."""
    bulk = public("rade2023")
    assert bulk.n_obs == 44 and bulk.obs["donor"].nunique() == 4
    per_million = bulk.X / bulk.X.sum(1, keepdims=True) * 1e6
    act, rest = (bulk.obs["condition"] == c for c in ("act", "ctr"))
    gene = {name: per_million[:, bulk.var_names.get_loc(name)] for name in ("IL2RA", "TCF7")}
    assert gene["IL2RA"][act].mean() > 20 * gene["IL2RA"][rest].mean()
    assert gene["TCF7"][act].mean() < 0.3 * gene["TCF7"][rest].mean()


def test_schmidt(public):
    """The donors agree with r of 0.24 to 0.25 only."""
    genes = public("schmidt2022")["genes"]
    assert len(genes) == 75_596
    for readout in ("IL2", "IFNG"):
        wide = genes[genes["readout"] == readout].pivot_table(index="gene", columns="donor", values="log2_fold_change")
        assert 0.2 < wide.corr().iloc[0, 1] < 0.3


def test_korkut(public):
    tables = public("korkut2015")
    assert tables["input"].shape == tables["response"].shape == (89, 99)
    assert "cellviab" in tables["response"] and tables["response"].index[1] == "901|1.5,HN|6"
    assert list(tables["input"].index) == list(tables["response"].index)


def test_il2_muteins(public):
    tables = public("il2_muteins")
    assert len(tables["dose_time"]) == 2304 and len(tables["time_course"]) == 3348 and len(tables["receptors"]) == 150


def test_originals_come_through_a_mirror(tmp_path, monkeypatch, public):
    """What the folder gives and what the network gives is the same."""
    import functools
    import os
    from pathlib import Path
    direct = public("korkut2015")
    folder = os.environ.get("VIRTUALCELL_DATA")
    if not folder or not (Path(folder) / "upstream").is_dir():
        pytest.skip("no folder with originals: set VIRTUALCELL_DATA")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(Path(folder) / "upstream"))
    monkeypatch.setenv("VIRTUALCELL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VIRTUALCELL_DATA")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setenv("VIRTUALCELL_MIRROR", f"http://127.0.0.1:{running.server_port}")
        loaded = fetch("korkut2015")
        running.shutdown()
    assert loaded["response"].equals(direct["response"])
    assert len(kept(tmp_path)) == len(REGISTRY["korkut2015"].originals)
