from __future__ import annotations

import os
from pathlib import Path

import pytest

from pomdft.errors import InputError
from pomdft.settings import Settings, available_cores, load_settings


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POMDFT_STORE")
    monkeypatch.delenv("POMDFT_PROGRESS")
    settings = load_settings()
    assert settings.store.is_absolute()
    assert settings.store.name == "store"
    assert settings.launcher == "mpiexec"
    assert settings.progress == "auto"
    assert settings.ranks == available_cores() == len(os.sched_getaffinity(0))


def test_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POMDFT_STORE", "~/elsewhere")
    monkeypatch.setenv("POMDFT_CORES", "3")
    monkeypatch.setenv("POMDFT_LAUNCHER", "/opt/bin/mpirun --bind-to none")
    settings = load_settings()
    assert settings.store == Path.home() / "elsewhere"
    assert settings.ranks == 3
    assert settings.launcher.endswith("--bind-to none")


def test_relative_store_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings(store=Path("here")).store == tmp_path / "here"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POMDFT_CORES", "-1"),
        ("POMDFT_CORES", "many"),
        ("POMDFT_CORES", "1000000"),
        ("POMDFT_PROGRESS", "loud"),
        ("POMDFT_LAUNCHER", "bash"),
        ("POMDFT_LAUNCHER", ""),
        ("POMDFT_LAUNCHER", "mpiexec; touch trick"),
        ("POMDFT_LAUNCHER", "mpiexec $(touch trick)"),
        ("POMDFT_LAUNCHER", "mpiexec `touch trick`"),
        ("POMDFT_LAUNCHER", "mpiexec && touch trick"),
        ("POMDFT_LAUNCHER", "mpiexec 'open quote"),
    ],
)
def test_wrong_values_name_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=name) as caught:
        load_settings()
    assert "\n" not in str(caught.value)
    assert "Value error" not in str(caught.value)
    assert caught.value.exit_status == 2
    assert not (tmp_path / "trick").exists()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().cores = 4  # type: ignore[misc]
