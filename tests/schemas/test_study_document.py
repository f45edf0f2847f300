from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pomdft.errors import InputError, UnknownNameError
from pomdft.schemas.metal_study import MetalStudy
from pomdft.schemas.solution_study import SolutionStudy
from pomdft.schemas.study import MAX_INPUT_BYTES, Study

INPUTS = sorted((Path(__file__).parents[2] / "inputs").glob("*.yaml"))
GOOD = "name: a\nligands: W5O18\nmetals: [Au, Ag]\n"


def write(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "study.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_one_name_is_a_list_of_one(tmp_path: Path) -> None:
    study = Study.from_file(write(tmp_path, GOOD + "level: xtb\n"))
    assert study.ligands == ("W5O18",)
    assert study.metals == ("Au", "Ag")
    assert study.level.preset == "xtb"
    assert study.resources.cores == 0


@pytest.mark.parametrize("path", INPUTS, ids=lambda p: p.name)
def test_shipped_inputs_are_valid(path: Path) -> None:
    lines = path.read_text().splitlines()
    if not any(line.startswith("ligands:") for line in lines):
        if not any(line.startswith("kind:") for line in lines):
            pytest.skip(f"{path.name} is not a study")
        assert MetalStudy.from_file(path).metals
        return
    if any(line.startswith(("kind: ion-affinity", "kind: protonation")) for line in lines):
        assert SolutionStudy.from_file(path).ligands
        return
    assert Study.from_file(path).ligands


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "does not hold a mapping"),
        ("- a\n- b\n", "does not hold a mapping"),
        ("just words", "does not hold a mapping"),
        ("name: [unclosed\n", r"line \d+"),
        ("name: a\n\tligands: x\n", r"line \d+"),
        (GOOD + "cores: -1\n", "Unknown key"),
        (GOOD + "resources: {cores: -1}\n", r"resources\.cores"),
        (GOOD + "resources: {core: 1}\n", "Did you mean 'cores'"),
        (GOOD + "metalls: Pd\n", "Did you mean 'metals'"),
        (GOOD + "level: {preset: lcao, overides: {}}\n", "Did you mean 'overrides'"),
        (GOOD + "orientations: 0\n", "orientations"),
        (GOOD + "orientations: many\n", "orientations"),
        (GOOD + "counterpoise: perhaps\n", "counterpoise"),
        ("name: a\nligands: []\nmetals: Au\n", "ligands"),
        ("name: a\nligands: W5O18\n", "metals"),
        ("name: ../../etc\nligands: W5O18\nmetals: Au\n", "name"),
        ("name: a; rm -rf\nligands: W5O18\nmetals: Au\n", "name"),
        ("name: a\nligands: {a: 1}\nmetals: Au\n", "ligands"),
    ],
)
def test_wrong_files_are_one_clear_line(tmp_path: Path, text: str, match: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=match) as caught:
        Study.from_file(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch {mark}']",
        "!!python/object/new:subprocess.Popen [['touch', '{mark}']]",
        "!!python/name:os.system",
    ],
)
def test_python_tags_run_nothing(tmp_path: Path, tag: str) -> None:
    mark = tmp_path / "mark"
    path = write(tmp_path, "name: " + tag.replace("{mark}", str(mark)) + "\n")
    with pytest.raises(InputError, match="line 1"):
        Study.from_file(path)
    assert not mark.exists()


def test_not_a_text_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not text"):
        Study.from_file(write(tmp_path, bytes(range(256))))


def test_control_characters(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"study\.yaml"):
        Study.from_file(write(tmp_path, b"name: \x00\x01"))


def test_a_folder_or_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="directory"):
        Study.from_file(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        Study.from_file(tmp_path / "missing.yaml")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    with path.open("wb") as stream:
        stream.truncate(MAX_INPUT_BYTES + 1)
    with pytest.raises(InputError, match="too large"):
        Study.from_file(path)


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(UnknownNameError):
        Study.from_file(write(tmp_path, "\n".join(lines)))


def test_fields_from_a_program() -> None:
    data: dict[str, Any] = {"name": "x", "ligands": "citrate", "metals": ("Pd",)}
    assert Study.from_fields(data).charge_models == ("protonated",)
    with pytest.raises(UnknownNameError):
        Study.from_fields({**data, "metal": "Au"})


@pytest.mark.parametrize(
    ("document", "fields", "match"),
    [
        (
            MetalStudy,
            {"kind": "bulk", "layers": 6},
            "layers is read by .* segregation only",
        ),
        (MetalStudy, {"kind": "segregation", "cohesive": True}, "kind bulk only"),
        (MetalStudy, {"kind": "mixing", "facets": "111"}, "kind d-band and segregation only"),
        (MetalStudy, {"kind": "d-band", "supercell": 3}, "kind mixing only, not by 'd-band'"),
        (SolutionStudy, {"kind": "ion-affinity", "protons": 2}, "kind protonation only"),
        (SolutionStudy, {"kind": "protonation", "ions": "Ag+"}, "kind ion-affinity only"),
        (MetalStudy, {"kind": "segregate", "layers": 6}, "kind: Input should be"),
    ],
)
def test_a_field_that_nothing_would_read_is_refused(
    document: type[MetalStudy | SolutionStudy], fields: dict[str, Any], match: str
) -> None:
    names = {"metals": "Au"} if document is MetalStudy else {"ligands": "W5O18"}
    with pytest.raises(InputError, match=match):
        document.from_fields({"name": "a", **names, **fields})
