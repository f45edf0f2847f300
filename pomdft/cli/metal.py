"""`pomdft metal`: lattice constants, d-bands, segregation, and ensembles of affinities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from pomdft.calculations.progress import Progress
from pomdft.cli.rendering import Format, make_console, print_rows
from pomdft.schemas.calculation import CalculationInput, CalculationResult
from pomdft.schemas.dband import ENERGY_CONVENTION
from pomdft.schemas.metal_study import DEFAULT_LAYERS, DEFAULT_REPEAT, MetalStudy
from pomdft.schemas.segregation import SIGN_CONVENTION
from pomdft.settings import load_settings

if TYPE_CHECKING:
    from pomdft.store.documents import StoredDocument

app = typer.Typer(help="Metals: lattice constants, d-bands, segregation and mixing energies.")

_COLUMNS = {
    "bulk": (
        "metal",
        "symmetry",
        "lattice_constant_angstrom",
        "lattice_constant_std_angstrom",
        "c_over_a",
        "bulk_modulus_gpa",
        "bulk_modulus_std_gpa",
        "cohesive_energy_ev_per_atom",
        "cohesive_std_ev_per_atom",
        "magnetic_moment_bohr_magneton_per_atom",
        "key",
    ),
    "d-band": (
        "metal",
        "facet",
        "center_ev",
        "window_center_ev",
        "width_ev",
        "filling",
        "upper_edge_ev",
        "key",
    ),
    "segregation": ("host", "solute", "facet", "energy_ev", "std_ev", "relaxed", "layers", "key"),
    "mixing": ("host", "solute", "energy_ev", "std_ev", "relaxed", "n_atoms", "key"),
}
_CAPTIONS = {
    "bulk": "equilibrium by equation of state; cohesive energy positive; std: of the BEEF-vdW "
    "ensemble, where it was computed",
    "d-band": ENERGY_CONVENTION,
    "segregation": SIGN_CONVENTION,
    "mixing": "energy to dissolve one solute atom in eV; negative = mixes",
}

Retry = Annotated[bool, typer.Option("--retry", help="Try failed ones again.")]
Ensemble = Annotated[
    bool,
    typer.Option("--ensemble", help="BEEF-vdW ensembles: one more single point each."),
]
Form = Annotated[Format, typer.Option("--format", help="Of the table.")]


class ProgressLines:
    """Says on standard error what is being computed."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, request: CalculationInput, *, stored: bool) -> None:
        """Say what begins, or that it is in the store."""
        self._say(f"{request.model.label}: {'stored' if stored else 'computing'}")

    def progress(self, event: Progress) -> None:
        """Say a relaxation step or a note."""
        if event.kind != "scf":
            self._say(f"    {event}")

    def finish(self, request: CalculationInput, result: CalculationResult) -> None:
        """Say the total energy of what is finished."""
        self._say(f"{request.model.label}: E = {result.energy_ev:.4f} eV")

    def fail(self, label: str, error: Exception) -> None:
        """Say what failed and why."""
        self._say(f"{label}: failed: {error}")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)


@app.command("run")
def run(
    study: Annotated[Path, typer.Argument(help="Input file (YAML), see inputs/.")],
    retry: Retry = False,
    form: Form = Format.TABLE,
) -> None:
    """Compute what an input file asks; started again it goes on where it stopped.

    Example: pomdft metal run inputs/d-bands.yaml
    """
    _compute(MetalStudy.from_file(study), retry, form)


@app.command("bulk")
def bulk(
    metals: Annotated[list[str], typer.Argument(help="fcc or hcp metals.")],
    cohesive: Annotated[
        bool, typer.Option("--cohesive", help="Cohesive energies too: one free atom more a metal.")
    ] = False,
    ensemble: Ensemble = False,
    retry: Retry = False,
    form: Form = Format.TABLE,
) -> None:
    """Compute lattice constants by equation of state.

    Example: pomdft metal bulk Au Ag
    """
    _compute(_study("bulk", metals, cohesive=cohesive, ensemble=ensemble), retry, form)


@app.command("d-band")
def d_band(
    metals: Annotated[list[str], typer.Argument(help="fcc or hcp metals.")],
    facet: Annotated[
        list[str] | None, typer.Option(help="111, 100, 211, 0001 or bulk; default: close-packed.")
    ] = None,
    retry: Retry = False,
    form: Form = Format.TABLE,
) -> None:
    """Compute d-bands of surfaces or bulk.

    Example: pomdft metal d-band Pd --facet 111
    """
    _compute(_study("d-band", metals, facets=facet or []), retry, form)


@app.command("segregation")
def segregation(  # noqa: PLR0917 - options of a command
    host: str,
    solute: str,
    facet: Annotated[str | None, typer.Option(help="Default: close-packed.")] = None,
    layers: Annotated[int, typer.Option(help="Of the slab.")] = DEFAULT_LAYERS,
    repeat: Annotated[
        int, typer.Option(help="Surface cells along both directions.")
    ] = DEFAULT_REPEAT,
    ensemble: Ensemble = False,
    retry: Retry = False,
    form: Form = Format.TABLE,
) -> None:
    """Compute segregation energies of two metals in each other, by slab swap.

    Example: pomdft metal segregation Au Ag
    """
    fields = {
        "facets": [facet] if facet else [],
        "layers": layers,
        "repeat": repeat,
        "ensemble": ensemble,
    }
    _compute(_study("segregation", [host, solute], **fields), retry, form)


@app.command("mixing")
def mixing(
    host: str,
    solute: str,
    ensemble: Ensemble = False,
    retry: Retry = False,
    form: Form = Format.TABLE,
) -> None:
    """Compute the energies to dissolve two metals in each other.

    Example: pomdft metal mixing Au Ag
    """
    _compute(_study("mixing", [host, solute], ensemble=ensemble), retry, form)


@app.command("ensemble")
def add_ensemble(  # noqa: PLR0917 - options of a command
    ligand: str,
    metal: str,
    cluster: Annotated[str, typer.Option(help="Metal cluster.")] = "M4",
    site: Annotated[str, typer.Option(help="Docking site.")] = "vacancy",
    charge_model: Annotated[str, typer.Option(help="How the charge is compensated.")] = (
        "protonated"
    ),
    level: Annotated[str, typer.Option(help="Level of theory.")] = "lcao",
    retry: Retry = False,
) -> None:
    """Add a BEEF-vdW ensemble, and the cluster's d-bands, to a computed affinity.

    Example: pomdft metal ensemble W5O18 Au
    """
    from pomdft.api import affinity
    from pomdft.flows.ensemble import EnsembleMaker
    from pomdft.flows.reporting import reporting_to

    names = {"cluster": cluster, "site": site, "charge_model": charge_model}
    found = affinity(ligand, metal, level=level, **names)
    with reporting_to(ProgressLines(make_console(stderr=True))):
        updated = EnsembleMaker(retry=retry).add_ensemble(found)
    typer.echo(repr(updated))


def _study(kind: str, metals: list[str], **fields: Any) -> MetalStudy:
    data = {"name": "command-line", "kind": kind, "metals": metals, **fields}
    return MetalStudy.from_fields(data, origin="the command line")


def _compute(study: MetalStudy, retry: bool, form: Format) -> None:
    from pomdft.flows.metals import make_metal_flows, run_metal_flows

    settings = load_settings()
    console = make_console(stderr=True)
    console.quiet = settings.progress == "none"
    flows = make_metal_flows(study, settings, retry=retry)
    outcome = run_metal_flows(flows, ProgressLines(console))
    rows = [_row(document, _COLUMNS[study.kind]) for document in outcome.documents]
    print_rows(rows, _COLUMNS[study.kind], form, title=study.name, caption=_CAPTIONS[study.kind])
    outcome.check_complete()


def _row(document: StoredDocument, columns: tuple[str, ...]) -> dict[str, Any]:
    return {column: getattr(document, column) for column in columns}
