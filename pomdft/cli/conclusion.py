"""What a finished study means: ordering over the molar ratio, activity, and the report."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pomdft.cli.rendering import Format, print_rows
from pomdft.errors import PomdftError
from pomdft.schemas.study import Study

if TYPE_CHECKING:
    from pomdft.analysis.segregation_ligand import ContactAffinity

#: Molar ratios (first : second metal) shown at the end of a study.
_RATIOS = ((3, 1), (1, 1), (1, 3))
_REACTION = "co-oxidation"


def print_conclusion(study: Study, folder: Path, console: Console) -> None:
    """Print what the affinities of a study predict, and write its report.

    Parameters
    ----------
    study : Study
        A finished study with two metals or more.
    folder : Path
        The report is written into it.
    console : Console
        For progress.
    """
    from pomdft.api import find_affinities
    from pomdft.cli.report import find_study_affinities, write_study_report
    from pomdft.prediction.affinities import collect_contact_affinities
    from pomdft.prediction.report import ReportOptions

    for ligand, known in find_study_affinities(study).items():
        others = find_affinities(ligand=ligand)
        for pair in combinations(study.metals, 2):
            held = collect_contact_affinities(known, pair, others=others)
            # Without both at one level the table above says what there is.
            if len(held) == len(pair):
                _print_pair(ligand, pair, held)

    try:
        page = write_study_report(study, folder / f"{study.name}.html", ReportOptions())
    except PomdftError as error:
        console.print(f"No report: {error}", markup=False, soft_wrap=True)
        return
    console.print(f"Report: {page}", markup=False, soft_wrap=True)


def _print_pair(ligand: str, pair: tuple[str, str], held: dict[str, ContactAffinity]) -> None:
    from pomdft.api import predict_activity, predict_ordering
    from pomdft.prediction.answer import list_caveats

    first, second = pair
    rows = []
    reason = ""
    for amount, other in _RATIOS:
        fraction = other / (amount + other)
        answer = predict_ordering(first, second, ligand, fraction, affinity=held)
        activity = predict_activity(
            {first: 1.0 - fraction, second: fraction},
            _REACTION,
            answer.label,
            shell=answer.shell if answer.label == "core-shell" else None,
        )
        rows.append(
            {
                f"{first}:{second}": f"{amount}:{other}",
                "ordering": answer.label,
                "probability": answer.probabilities[answer.label],
                "core": answer.core,
                "shell": answer.shell,
                f"surface_fraction_{second}": answer.surface_fraction,
                "relative_rate": f"{activity.relative_rate:.2g}",
                "best_parent": activity.best_parent,
                "std_decades": activity.std,
            }
        )
        if amount == other:
            reason = answer.reason
    print_rows(
        rows,
        rows[0],
        Format.TABLE,
        title=f"{first}-{second} under {ligand}: 309 atoms, 298 K, equilibrium",
        caption=f"At 1:1: {reason} The rate is that of {_REACTION} on the clean surface, relative "
        "to the better parent metal; its uncertainty is in powers of ten."
        + "".join(f" Caution: {caveat}." for caveat in list_caveats(held)),
    )
