import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pomdft.errors import InputError, StructureError
from pomdft.structures.docking import build_complexes
from pomdft.structures.poms import build_pom
from pomdft.structures.slabs import build_slab_complexes
from pomdft.structures.view import describe_for_view, render_view, write_view

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def test_page_needs_no_network() -> None:
    page = render_view(build_complexes("W5O18", "Au", n_best=2), "two <poses>")
    assert "two &lt;poses&gt;" in page
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(?:src|href)\s*=", own)
    assert "3Dmol" in page
    assert "Redistribution and use in source and binary forms" in html.unescape(page)


def test_what_the_page_is_given() -> None:
    shown = describe_for_view(build_complexes("W5O18", "Pd", n_best=1)[0])
    json.dumps(shown)
    assert [a["elem"] for a in shown["atoms"]].count("Pd") == 4
    assert shown["facts"]["multiplicity"] == "3"
    assert shown["cell"] is None
    slab = describe_for_view(build_slab_complexes("W5O18", "Ag", n_best=1)[0])
    assert len(slab["cell"]) == 3


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(StructureError, match="no structure"):
        render_view([])
    with pytest.raises(InputError, match="cannot be written"):
        write_view([build_pom("W5O18")], tmp_path / "nowhere" / "x.html")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no headless Chromium")
def test_page_draws_in_a_browser(tmp_path: Path) -> None:
    page = write_view(build_complexes("W5O18", "Au", n_best=2), tmp_path / "view.html")
    options = [
        "--headless", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader", "--window-size=900,600", "--virtual-time-budget=4000",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]  # fmt: skip
    shown = subprocess.run(
        [str(CHROMIUM), *options, "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    assert 'data-ready="yes"' in shown
    assert "<canvas" in shown
    assert "4 Au" in shown
    assert "W5O18-Au4" in shown
