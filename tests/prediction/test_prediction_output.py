import csv
import io
import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import pomdft
from pomdft.analysis.segregation_ligand import ContactAffinity
from pomdft.cli import activity as activity_cli
from pomdft.cli import compare as compare_cli
from pomdft.cli import map as map_cli
from pomdft.cli import predict as predict_cli
from pomdft.cli.pairs import parse_affinities, parse_ratio
from pomdft.errors import InputError, NotComputedError
from pomdft.prediction import energy_figures, figures, interactive
from pomdft.prediction.activity import predict_activity
from pomdft.prediction.figure_files import save_figure
from pomdft.prediction.map import ordering_map
from pomdft.prediction.ordering import predict_ordering
from pomdft.prediction.report import ReportOptions, write_report
from pomdft.prediction.volcano import locate_activity, locate_metals

HELD = {
    "W5O18": {"Au": ContactAffinity("Au", -0.4, 0.1), "Ag": ContactAffinity("Ag", -1.4, 0.1)},
    "PVP": {"Au": ContactAffinity("Au", -0.2, 0.1), "Ag": ContactAffinity("Ag", -0.2, 0.1)},
}
SMALL = {"n_members": 8, "n_sweeps": 20}


@pytest.fixture(scope="module")
def answer():
    return predict_ordering("Au", "Ag", "W5O18", affinity=HELD["W5O18"], n_atoms=147, **SMALL)


@pytest.fixture(scope="module")
def ordering():
    return ordering_map(
        "Au",
        "Ag",
        "W5O18",
        np.linspace(0, 1, 6),
        [300.0, 600.0, 900.0],
        affinity=HELD["W5O18"],
        n_atoms=147,
        **SMALL,
    )


@pytest.fixture(scope="module")
def points():
    return [
        *locate_metals("co-oxidation"),
        locate_activity(predict_activity({"Au": 0.5, "Pd": 0.5})),
    ]


def test_figures_are_written(tmp_path, answer, ordering, points):
    drawn = {
        "bars": energy_figures.draw_affinities(HELD),
        "map": ordering.plot(),
        "profile": figures.draw_radial_profile([answer]),
        "particle": figures.draw_particle(answer),
        "labels": figures.draw_label_probabilities({"W5O18": answer}),
        "volcano": figures.draw_volcano("co-oxidation", points),
        "line": figures.draw_volcano("aerobic-oxidation", locate_metals("aerobic-oxidation")),
    }
    for name, figure in drawn.items():
        save_figure(figure, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="must end"):
        save_figure(drawn["map"], tmp_path / "map.docx")


def test_models_are_drawn_with_the_difference_of_their_metals():
    models = {
        ligand: [pomdft.affinity(ligand, metal) for metal in ("Au", "Ag")]
        for ligand in ("W5O18", "A-alpha-SiW9O34")
    }
    left, right = energy_figures.draw_models(models).axes
    assert "binding energy (eV), negative = bound" in left.get_xlabel()
    assert right.get_xlabel() == "Ag minus Au (eV)"
    for line, field in zip(right.lines, ("energy_ev", "counterpoise_energy_ev"), strict=True):
        expected = [getattr(ag, field) - getattr(au, field) for au, ag in models.values()]
        np.testing.assert_allclose(line.get_xdata(), expected)
    assert [label.get_text() for label in left.get_yticklabels()] == list(models)
    ends = [bar.get_segments()[0][:, 0] for bar in right.collections]
    members = [ag.ensemble_ev - au.ensemble_ev for au, ag in models.values()]
    assert [np.ptp(two) for two in ends] == pytest.approx([2.0 * m.std() for m in members])
    assert len(left.collections) == 4


def test_interactive_figures_hold_the_numbers(tmp_path, answer, ordering, points):
    heat = interactive.plot_ordering_map(ordering).data[0]
    np.testing.assert_allclose(heat.z, ordering.core_shell_probability.T)
    bars = interactive.plot_affinities(HELD)
    assert {trace.name for trace in bars.data} == {"Au", "Ag"}
    particle = interactive.plot_particle(answer)
    atoms = sum(len(trace.x) for trace in particle.data[:2]) / 42
    assert atoms == 147
    assert len(interactive.plot_radial_profile([answer]).data) == 1
    assert len(interactive.plot_label_probabilities({"a": answer}).data) == 4
    volcano = interactive.plot_volcano("co-oxidation", points)
    path = tmp_path / "volcano.html"
    interactive.write_html(volcano, path)
    text = path.read_text()
    assert "<script src=" not in text  # self-contained
    assert "Plotly.newPlot" in text


def test_report_is_one_self_contained_page(tmp_path):
    path = write_report(
        tmp_path / "new" / "report.html",
        HELD,
        options=ReportOptions(n_atoms=55, n_members=4, reactions=("aerobic-oxidation",)),
        provenance=[{"ligand": "W5O18", "metal": "Au", "key": "abc<def"}],
    )
    text = path.read_text()
    assert "<script src=" not in text
    assert "<link" not in text.split("Plotly")[0]
    for needed in ("Au-Ag", "W5O18", "PVP", "no ligand", "negative", "10.1103/PhysRevB.59.15990"):
        assert needed in text
    assert "abc&lt;def" in text
    assert text.count("Plotly.newPlot(") == 10
    with pytest.raises(NotComputedError, match="two metals"):
        write_report(tmp_path / "r.html", {"W5O18": {"Au": ContactAffinity("Au", -0.4)}})
    with pytest.raises(InputError, match="cannot be written"):
        write_report(tmp_path, HELD, options=ReportOptions(n_atoms=55, n_members=2, reactions=()))


def run(function, *arguments):
    app = typer.Typer()
    app.command()(function)
    return CliRunner().invoke(app, list(arguments))


def test_predict_command():
    by_hand = ("--affinity", "Au=-0.4", "--affinity", "Ag=-2.0+-0.1", "--atoms", "147")
    shown = run(predict_cli.predict, "Au", "Ag", "--ratio", "1:3", *by_hand)
    assert shown.exit_code == 0, shown.output
    assert "core-shell" in shown.stdout
    assert "more tightly per contact" in shown.stdout
    plain = json.loads(run(predict_cli.predict, "Au", "Ag", *by_hand, "--format", "json").stdout)
    assert plain["fraction"] == pytest.approx(0.5, abs=0.01)
    assert sum(plain["probabilities"].values()) == pytest.approx(1.0)


def test_predict_command_asks_for_what_is_missing():
    missing = run(predict_cli.predict, "Au", "Hf", "--ligand", "W5O18")
    assert missing.exit_code != 0
    assert isinstance(missing.exception, NotComputedError | InputError)


def test_map_command(tmp_path):
    picture = tmp_path / "map.html"
    shown = run(
        map_cli.map_command,
        *("Au", "Ag", "--affinity", "Au=-0.4", "--affinity", "Ag=-2.0", "--atoms", "147"),
        *("--ratios", "4", "--temperatures", "300:600:2", "--members", "4"),
        *("--format", "csv", "--plot", str(picture)),
    )
    assert shown.exit_code == 0, shown.output
    rows = list(csv.DictReader(io.StringIO(shown.stdout)))
    assert len(rows) == 8
    assert picture.stat().st_size > 100_000


def test_activity_command():
    shown = run(activity_cli.activity, "Au:1", "Pd:3", "--reaction", "aerobic-oxidation")
    assert shown.exit_code == 0
    assert "Au:0.25 Pd:0.75" in shown.stdout
    series = run(activity_cli.activity, "Au", "Pd", "--series", "--format", "csv")
    assert len(series.stdout.splitlines()) == 22


def test_map_command_of_the_co_reduction():
    shown = run(
        map_cli.map_command,
        *("Au", "Ag", "--route", "co-reduction", "--ion-affinity", "Au=-1.5", "--atoms", "147"),
        *("--ratios", "3", "--temperatures", "298:298.5:2", "--members", "4", "--format", "json"),
    )
    assert shown.exit_code == 0, shown.exception
    rows = json.loads(shown.stdout)
    assert {row["route"] for row in rows} == {"co-reduction"}
    # Gold ions held by the ligand are reduced last: the surface is gold.
    assert all(row["surface_fraction"] < 0.5 for row in rows if row["fraction"] == 0.5)


def test_compare_command_takes_affinities_by_hand_and_draws(tmp_path):
    picture = tmp_path / "labels.png"
    shown = run(
        compare_cli.compare,
        *("Au", "Ag", "--ligands", "W5O18", "none", "--atoms", "147", "--fraction", "0.65"),
        *("--affinity", "W5O18:Au=-0.4", "--affinity", "W5O18:Ag=-2.4+-0.1"),
        *("--plot", str(picture), "--format", "json"),
    )
    assert shown.exit_code == 0, shown.exception
    rows = {row["ligand"]: row for row in json.loads(shown.stdout)}
    assert rows["W5O18"]["label"] == "core-shell"
    assert rows["none"]["label"] == "random-alloy"
    assert "-2.40 ± 0.10" in rows["W5O18"]["provenance"]
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("item", ["PVP:Au=-1", "W5O18:Cu=-1", "W5O18:Au", "Au=-1", "W5O18:Au=x"])
def test_compare_command_refuses_bad_affinities(item):
    shown = run(compare_cli.compare, "Au", "Ag", "--ligands", "W5O18", "--affinity", item)
    assert isinstance(shown.exception, InputError)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--ion-affinity", "Au"), "Au"),
        (("--ion-affinity", "Au=x"), "ion-affinity"),
        (("--ion-affinity", "Xx=-1"), "Xx"),
        (("--reductant", "nan"), "reductant"),
        (("--salt", "Au=AuBr"), "salt"),
        (("--affinity", "Cu=-1"), "Cu"),
        (("--members", "0"), "n_members"),
        (("--seed", "-1"), "seed"),
    ],
)
def test_predict_command_names_bad_options(options, word):
    shown = run(predict_cli.predict, "Au", "Ag", "--route", "co-reduction", *options)
    assert isinstance(shown.exception, InputError)
    assert shown.exception.exit_status == 2
    assert word in str(shown.exception)


def test_compare_command():
    shown = run(compare_cli.compare, "Au", "Ag", "--ligands", "none", "--atoms", "55")
    assert shown.exit_code == 0, shown.output
    assert "random-alloy" in shown.stdout


def test_ratios_and_affinities_are_parsed():
    assert parse_ratio("1:3", None) == 0.75
    assert parse_ratio(None, 0.2) == 0.2
    assert parse_affinities(["Au=-0.4", "Ag=-0.7±0.1"]) == {"Au": (-0.4, 0.0), "Ag": (-0.7, 0.1)}
    for wrong in ("1:", "a:b", "0:0", "1:2:3"):
        with pytest.raises(InputError, match="ratio"):
            parse_ratio(wrong, None)
    with pytest.raises(InputError, match="is not like"):
        parse_affinities(["Au:-0.4"])
