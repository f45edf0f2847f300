"""One HTML page with affinities, ordering, activity, provenance and citations."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from itertools import combinations
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from pomdft.analysis.segregation import ComputedSegregation
from pomdft.analysis.segregation_ligand import ContactAffinity
from pomdft.errors import InputError, NotComputedError
from pomdft.prediction import interactive
from pomdft.prediction.activity import predict_activity
from pomdft.prediction.citations import CITATIONS
from pomdft.prediction.kinetics import REACTIONS
from pomdft.prediction.map import ordering_map
from pomdft.prediction.ordering import Ordering, predict_ordering
from pomdft.prediction.volcano import locate_activity, locate_metals

_STYLE = """
body{font-family:system-ui,sans-serif;color:#1c2733;max-width:1080px;margin:2rem auto;
padding:0 1.2rem;line-height:1.5}
h1{font-size:1.7rem;margin-bottom:.2rem}h2{font-size:1.25rem;margin-top:2.4rem;
border-bottom:2px solid #dde3ea;padding-bottom:.2rem}h3{font-size:1.05rem;margin-top:1.6rem}
table{border-collapse:collapse;margin:.8rem 0;font-size:.9rem}
th,td{border-bottom:1px solid #dde3ea;padding:.32rem .7rem;text-align:left;vertical-align:top}
th{background:#f3f6f9}td.number{text-align:right;font-variant-numeric:tabular-nums}
.answer{background:#f3f6f9;border-left:4px solid #d55e00;padding:.7rem 1rem;margin:1rem 0}
.muted{color:#5b6b7b;font-size:.9rem}.scroll{overflow-x:auto}
"""


@dataclass(frozen=True)
class ReportOptions:
    """What a report covers.

    Attributes
    ----------
    fraction : float
        Atomic fraction of the second metal of each pair for single answers.
    n_atoms : int
        Size of the particles.
    temperature_k : float
        Temperature of single answers.
    coverage : float or None
        Contacts per surface atom; None: the default.
    n_members : int
        Members of the uncertainty.
    reactions : tuple of str
        Reactions of the activity section.
    pairs : tuple of (str, str)
        Metal pairs; empty: every pair of metals with affinities.
    computed : Mapping or None
        DFT segregation energies, see :func:`pomdft.analysis.segregation.segregation_energy`.
    """

    fraction: float = 0.5
    n_atoms: int = 309
    temperature_k: float = 298.15
    coverage: float | None = None
    n_members: int = 100
    reactions: tuple[str, ...] = tuple(REACTIONS)
    pairs: tuple[tuple[str, str], ...] = ()
    computed: ComputedSegregation | None = None


@dataclass
class _Page:
    parts: list[str] = field(default_factory=list)
    has_script: bool = False

    def add(self, *lines: str) -> None:
        self.parts.extend(lines)

    def heading(self, text: str, level: int = 2) -> None:
        self.add(f"<h{level}>{html.escape(text)}</h{level}>")

    def paragraph(self, text: str, css: str = "") -> None:
        name = f' class="{css}"' if css else ""
        self.add(f"<p{name}>{html.escape(text)}</p>")

    def figure(self, figure: go.Figure) -> None:
        self.add(
            figure.to_html(full_html=False, include_plotlyjs=not self.has_script),
        )
        self.has_script = True

    def table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        head = "".join(f"<th>{html.escape(str(name))}</th>" for name in rows[0])
        body = "".join(
            "<tr>" + "".join(_cell(value) for value in row.values()) + "</tr>" for row in rows
        )
        self.add(f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>')


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f'<td class="number">{value:.3f}</td>'
    if isinstance(value, int):
        return f'<td class="number">{value}</td>'
    return f"<td>{html.escape('' if value is None else str(value))}</td>"


def write_report(
    path: str | Path,
    affinities: Mapping[str, Mapping[str, ContactAffinity]],
    *,
    title: str = "Bimetallic nanoparticles under polyoxometalates",
    options: ReportOptions | None = None,
    provenance: Sequence[Mapping[str, Any]] = (),
    progress: Callable[[str], Any] | None = None,
) -> Path:
    """Write the report of a study as one self-contained HTML page.

    Parameters
    ----------
    path : path
        Where; parent folders are made.
    affinities : mapping
        Ligand to (metal to affinity per contact).
    title : str
        Heading.
    options : ReportOptions, optional
        What to cover.
    provenance : sequence of mapping
        One row per calculation, as the store gives it; printed as a table.
    progress : callable, optional
        Called with what is being done.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    NotComputedError
        No ligand has affinities for two metals.
    InputError
        The page cannot be written.
    """
    chosen = options or ReportOptions()
    tell = progress or (lambda _: None)
    page = _Page()
    page.add(f"<h1>{html.escape(title)}</h1>")
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    page.paragraph(f"pomdft {metadata.version('pomdft')}, {stamp}.", "muted")
    page.paragraph(
        "Signs: a negative binding energy is bound; a negative segregation energy brings the "
        "solute to the surface. Fractions are atomic and of the second metal of a pair.",
        "muted",
    )
    _write_affinities(page, affinities)
    pairs = chosen.pairs or _find_pairs(affinities)
    if not pairs:
        raise NotComputedError(
            "No ligand has affinities for two metals, so there is nothing to predict.",
            "Compute affinities of one ligand for two metals with `pomdft run`.",
        )
    for pair in pairs:
        _write_pair(page, pair, affinities, chosen, tell)
    _write_provenance(page, provenance)
    page.heading("Literature")
    page.add("<ul>")
    for citation in CITATIONS:
        link = f", doi:{citation.doi}" if citation.doi else ""
        page.add(f"<li>{html.escape(citation.text + link)} ({html.escape(citation.use)})</li>")
    page.add("</ul>")
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_wrap(title, page.parts), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"the report {target} cannot be written: {error.strerror}.", "Choose another path."
        ) from error
    return target


def _wrap(title: str, parts: Sequence[str]) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _find_pairs(
    affinities: Mapping[str, Mapping[str, ContactAffinity]],
) -> tuple[tuple[str, str], ...]:
    found = [pair for held in affinities.values() for pair in combinations(held, 2)]
    return tuple(dict.fromkeys(found))


def _write_affinities(page: _Page, affinities: Mapping[str, Mapping[str, ContactAffinity]]) -> None:
    page.heading("How tightly each ligand holds each metal")
    page.figure(interactive.plot_affinities(affinities))
    page.table(
        [
            {
                "ligand": ligand,
                "metal": metal,
                "affinity / eV per contact": held.per_contact_ev,
                "std / eV": held.uncertainty_ev,
                "source": held.source,
            }
            for ligand, by_metal in affinities.items()
            for metal, held in by_metal.items()
        ]
    )


def _write_pair(
    page: _Page,
    pair: tuple[str, str],
    affinities: Mapping[str, Mapping[str, ContactAffinity]],
    options: ReportOptions,
    tell: Callable[[str], Any],
) -> None:
    first, second = pair
    page.heading(f"{first}-{second}")
    answers: dict[str, Ordering] = {}
    ligands = {n: h for n, h in affinities.items() if first in h and second in h}
    for name, held in {"no ligand": None, **ligands}.items():
        tell(f"ordering of {first}-{second} under {name}")
        answers[name] = predict_ordering(
            first,
            second,
            None if held is None else name,
            options.fraction,
            options.n_atoms,
            options.temperature_k,
            affinity=held,
            coverage=None if held is None else options.coverage,
            n_members=options.n_members,
            computed=options.computed,
        )
    for name, answer in answers.items():
        share = answer.probabilities[answer.label]
        made = f"{answer.core}@{answer.shell} " if answer.label == "core-shell" else ""
        page.add(
            f'<div class="answer"><b>{html.escape(name)}: {html.escape(made + answer.label)}</b> '
            f"with probability {share:.2f} at x({html.escape(second)}) = {answer.fraction:.2f}, "
            f"{answer.n_atoms} atoms, {answer.temperature_k:g} K. "
            f"{html.escape(answer.reason)}"
            f'<br><span class="muted">{html.escape(answer.provenance)}</span></div>'
        )
    page.figure(interactive.plot_label_probabilities(answers))
    page.figure(interactive.plot_radial_profile(list(answers.values())))
    for name, answer in answers.items():
        page.heading(f"{first}-{second} under {name}", 3)
        page.figure(interactive.plot_particle(answer))
        tell(f"map of {first}-{second} under {name}")
        held = ligands.get(name)
        found = ordering_map(
            first,
            second,
            None if held is None else name,
            affinity=held,
            coverage=None if held is None else options.coverage,
            n_atoms=options.n_atoms,
            n_members=options.n_members,
            computed=options.computed,
        )
        page.figure(interactive.plot_ordering_map(found))
        for text in found.extrapolation:
            page.paragraph(f"Extrapolated where {text}.", "muted")
    _write_activity(page, pair, answers, options, tell)


def _write_activity(
    page: _Page,
    pair: tuple[str, str],
    answers: Mapping[str, Ordering],
    options: ReportOptions,
    tell: Callable[[str], Any],
) -> None:
    first, second = pair
    page.heading(f"{first}-{second}: activity of the clean surfaces", 3)
    page.paragraph(
        "Rates per surface site relative to the better of the two metals. The composition of the "
        "surface is that of the predicted particle; the ligand's own effect on the d band and the "
        "sites it blocks are not in these numbers.",
        "muted",
    )
    rows: list[dict[str, Any]] = []
    for reaction in options.reactions:
        tell(f"activity of {first}-{second} for {reaction}")
        points = locate_metals(reaction)
        known = {p.name for p in points}
        if first not in known or second not in known:
            page.paragraph(f"{reaction}: adsorption energies are not known for this pair.")
            continue
        for name, answer in answers.items():
            found = predict_activity(
                {first: 1.0 - answer.fraction, second: answer.fraction},
                reaction,
                "random-alloy",
                surface_fraction=answer.surface_fraction,
                core_fraction=answer.interior_fraction,
            )
            points.append(locate_activity(found, f"{first}{second}, {name}"))
            rows.append(
                {
                    "reaction": reaction,
                    "particle made under": name,
                    "label": answer.label,
                    "relative rate": f"{found.relative_rate:.2g}",
                    "to": found.best_parent,
                    "std / decades": found.std,
                    "limited by": found.limiting_step,
                }
            )
        page.figure(interactive.plot_volcano(reaction, points))
    page.table(rows)


def _write_provenance(page: _Page, provenance: Sequence[Mapping[str, Any]]) -> None:
    page.heading("Provenance")
    if provenance:
        page.table([dict(row) for row in provenance])
    else:
        page.paragraph("Affinities were given by hand; there is no calculation behind them.")
    page.paragraph(
        "Segregation and mixing energies come from the models described in the documentation, "
        "with the uncertainties stated there; probabilities count the members of the uncertainty "
        "that give a label.",
        "muted",
    )
