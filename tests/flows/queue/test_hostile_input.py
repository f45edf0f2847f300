"""Input that wants to run something: every test looks for what would be there had it run."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
from jobflow import Flow
from pymatgen.core import Molecule

from pomdft.calculations.levels import load_level
from pomdft.errors import InputError
from pomdft.flows.jobs import GpawRelaxMaker
from pomdft.flows.queue.jobs import prepare_flow, safe_path
from pomdft.flows.queue.submission import render_scripts
from pomdft.flows.queue.worker import IN_NAME, run_job
from pomdft.schemas.cluster import Cluster
from pomdft.schemas.study import Study
from pomdft.settings import Settings
from pomdft.store.results import ResultStore
from pomdft.structures.user_poms import read_anion

WATER = Molecule("OHH", [[0, 0, 0], [0, 0.8, 0.6], [0, -0.8, 0.6]])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=tmp_path / "store")


HOSTILE = "x\n#SBATCH --wrap=touch"


@pytest.mark.parametrize(
    "fields",
    [
        {"large": {"partition": "$(touch canary)"}},
        {"large": {"partition": HOSTILE}},
        {"small": {"account": "a;touch canary"}},
        {"small": {"qos": "`touch canary`"}},
        {"folder": "/tmp/../etc"},
        {"folder": "/tmp/a b"},
        {"folder": "../../x"},
        {"python": "/usr/bin/python;touch"},
        {"modules": ["gcc; touch canary"]},
        {"pre_run": ["touch canary"]},
        {"pre_run": ["source x && touch canary"]},
        {"pre_run": ["export A=$(touch canary)"]},
        {"pre_run": ["export A=b\ntouch canary"]},
        {"environment": {"A": "$(touch canary)"}},
        {"environment": {"A;touch canary": "x"}},
        {"environment": {"DB_PASSWORD": "x"}},
        {"large": {"walltime": "1:00:00\n"}},
        {"scheduler": "bash"},
        {"launcher": "touch"},
        {"project": "../x"},
    ],
)
def test_hostile_cluster_files_are_refused(
    fields: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        Cluster.from_fields(fields)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"environment": {"DB_PASSWORD": "s3cret word$"}},
        {"environment": {"OPENAI_API_KEY": "s3cret"}},
        {"environment": {"WHERE": "mongodb://user:s3cret@host/db"}},
        {"pre_run": ["export MONGO_PASSWD=s3cret"]},
        {"pre_run": ["module load gcc", "  export X=mongodb://u:s3cret@h"]},
    ],
)
def test_secrets_in_a_cluster_file_are_refused_and_not_quoted(fields: dict[str, object]) -> None:
    with pytest.raises(InputError, match="secret does not belong") as caught:
        Cluster.from_fields(fields)
    assert "s3cret" not in str(caught.value)
    Cluster.from_fields({"pre_run": ["source ~/.secrets/database"]})


@pytest.mark.parametrize("kind", [Cluster, Study])
def test_yaml_with_python_tags_is_refused(kind: type[Cluster | Study], tmp_path: Path) -> None:
    path = tmp_path / "input.yaml"
    path.write_text(f"name: !!python/object/apply:os.system ['touch {tmp_path}/canary']\n")
    with pytest.raises(InputError, match="line 1"):
        kind.from_file(path)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("name", [HOSTILE, "../../x", "$(touch canary)", "a b", ""])
def test_hostile_study_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="name"):
        Study.from_fields({"name": name, "ligands": "W5O18", "metals": "Au"})


@pytest.mark.parametrize("key", ["../../x", "", "0" * 23, "A" * 24])
def test_hostile_keys_reach_no_path(key: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        ResultStore(tmp_path).folder(key)


def test_paths_unfit_for_a_script_are_refused() -> None:
    for path in ("/a b", "/a$(x)", "relative", "/a;b", "/a\nb"):
        with pytest.raises(InputError, match="characters"):
            safe_path(path, "the store")


def test_labels_never_reach_the_script(settings: Settings) -> None:
    maker = GpawRelaxMaker(level=load_level("xtb"), store=str(settings.store))
    flow = Flow([maker.make(WATER, label="../../x\n#SBATCH --wrap=evil")], name="$(evil)")
    queued = prepare_flow(flow, Cluster(), settings)
    (script,) = render_scripts(queued, Cluster(), settings)
    assert "evil" not in script.text
    assert "$" not in queued.flow.name


def _job_file(folder: Path, content: object, mode: int = 0o600) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / IN_NAME
    path.write_text(json.dumps(content))
    path.chmod(mode)


def test_job_files_that_name_foreign_code_are_refused(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    evil = tmp_path / "evil_module.py"
    evil.write_text(f"open({str(canary)!r}, 'w').close()\nclass Evil: pass\ndef evil(*_): ...\n")
    folder = tmp_path / "job"
    for content in (
        {"job": {"@module": "evil_module", "@class": "Evil"}},
        {"job": {"function": {"@module": "evil_module", "@callable": "evil"}}},
        {"job": {"function": {"@module": "builtins", "@callable": "exec"}}},
        # Through a module of pomdft's that happens to import another one.
        {"job": {"function": {"@module": "pomdft.flows.queue.worker", "@callable": "os.system"}}},
        {
            "job": {
                "function": {"@module": "pomdft.flows.queue.submission", "@callable": "Path.touch"}
            }
        },
        {"job": {"function": {"@module": "pomdft.flows.jobs", "@callable": "load_level.__call__"}}},
        {"job": {"function": {"@module": "pymatgen.core", "@callable": "Structure.from_file"}}},
        {"job": {"function": {"@module": "pomdft.no_such_module_of_ours", "@callable": "x"}}},
        {"job": [{"@module": "subprocess", "@class": "Popen", "args": ["touch", str(canary)]}]},
    ):
        _job_file(folder, content)
        with pytest.raises(InputError, match="names the module"):
            run_job(folder)
    _job_file(folder, {}, mode=0o666)
    with pytest.raises(InputError, match="somebody else"):
        run_job(folder)
    assert not canary.exists()


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch " + os.environ["CANARY"],)


def test_pickles_beside_documents_are_never_read(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "canary"
    monkeypatch.setenv("CANARY", str(canary))
    store = ResultStore(settings.store)
    request = GpawRelaxMaker(level=load_level("xtb")).request(WATER, "w")
    folder = store.begin(request)
    for name in ("result.pkl", "result.json", "input.pickle"):
        (folder / name).write_bytes(pickle.dumps(_Bomb()))
    assert store.find_result(request.key) is None
    store.rebuild()
    assert not canary.exists()


CIF = """\
data_evil
_cell_length_a 20
_cell_length_b 20
_cell_length_c 20
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_magn.transform_BNS_Pp_abc  '{code}'
loop_
_symmetry_equiv_pos_as_xyz
'{code}'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
W1 W 0.5 0.5 0.5
O1 O 0.6 0.5 {code}
"""


@pytest.mark.parametrize(
    "code",
    [
        'a,b,[d for d in ().__class__.__mro__[1].__getattribute__(__import__("os"),"system")]',
        '__import__("os").system("touch canary"),y,z',
        "x,y,exec(open('canary','w'))",
    ],
)
def test_structure_files_with_code_in_them_run_nothing(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.cif"
    path.write_text(CIF.format(code=code))
    with pytest.raises(InputError):
        read_anion(path)
    assert [p.name for p in tmp_path.iterdir()] == ["evil.cif"]
