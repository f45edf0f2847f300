"""A page to look at structures in three dimensions, without a network."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Final

from pymatgen.core import Molecule, Structure

from pomdft.errors import InputError, StructureError

#: Colours of roles; elements of metals keep 3Dmol's Jmol colours.
ROLE_COLOURS: Final[dict[str, str]] = {
    "addendum": "#3b6ea5",
    "heteroatom": "#e0a030",
    "on-heteroatom": "#f2a6a6",
    "central": "#f2a6a6",
    "edge-bridging": "#d9534f",
    "corner-bridging": "#a3231f",
    "terminal": "#ff8c69",
    "unshared": "#c81e9b",
    "proton": "#f5f5f5",
    "cation": "#8e44ad",
    "metal": "#d4af37",
    "support": "#555555",
    "ligand-atom": "#7f8c8d",
}
_ELEMENT_COLOURS: Final = {"C": "#6b6b6b", "H": "#f5f5f5", "O": "#d9534f", "N": "#3050f8"}
_ELEMENT_COLOURS_MORE: Final = {"S": "#d9b310", "P": "#ff8000"}
#: Metals are drawn in their usual colours.
METAL_COLOURS: Final[dict[str, str]] = {
    "Au": "#f2c230",
    "Ag": "#c0c0c8",
    "Cu": "#c87533",
    "Pd": "#2a7f86",
    "Pt": "#8a8aa8",
    "Ru": "#248f8f",
}


def _site_colour(symbol: str, role: str) -> str:
    if role == "metal":
        return METAL_COLOURS.get(symbol, ROLE_COLOURS["metal"])
    if role in ("ligand-atom", "support", "proton"):
        return {**_ELEMENT_COLOURS, **_ELEMENT_COLOURS_MORE}.get(symbol, ROLE_COLOURS[role])
    return ROLE_COLOURS.get(role, "#999999")


def describe_for_view(structure: Molecule | Structure) -> dict[str, Any]:
    """Return what the page needs to draw one structure, plain values only."""
    roles = structure.site_properties.get("role", [""] * len(structure))
    atoms = [
        {
            "elem": site.specie.symbol,
            "x": round(float(xyz[0]), 4),
            "y": round(float(xyz[1]), 4),
            "z": round(float(xyz[2]), 4),
            "role": role or "",
            "colour": _site_colour(site.specie.symbol, role or ""),
        }
        for site, xyz, role in zip(structure, structure.cart_coords, roles, strict=True)
    ]
    properties = structure.properties
    facts = {
        "formula": structure.composition.formula,
        "charge": f"{structure.charge:+g}",
        "multiplicity": getattr(structure, "spin_multiplicity", None),
        "charge model": properties.get("charge_model"),
        "how the charge adds up": properties.get("charge_arithmetic"),
        "site": properties.get("site")
        if isinstance(properties.get("site"), str)
        else (properties.get("site") or {}).get("name"),
        "orientation": properties.get("orientation"),
        "metal contacts": properties.get("contacts"),
        "contact score": properties.get("contact_score"),
        "xTB energy (eV)": (properties.get("xtb") or {}).get("energy_ev"),
    }
    cell = structure.lattice.matrix.tolist() if isinstance(structure, Structure) else None
    return {
        "title": str(properties.get("name", structure.composition.reduced_formula)),
        "facts": {k: str(v) for k, v in facts.items() if v is not None},
        "atoms": atoms,
        "cell": cell,
    }


def render_view(structures: Sequence[Molecule | Structure], title: str = "pomdft") -> str:
    """Return a self-contained HTML page that shows structures, one at a time.

    Parameters
    ----------
    structures : sequence of pymatgen Molecule or Structure
    title : str

    Returns
    -------
    str
        HTML with 3Dmol's script inside; nothing is loaded from elsewhere.

    Raises
    ------
    StructureError
        If there is nothing to show.
    """
    if not structures:
        raise StructureError("view: there is no structure to show.")
    data = files("pomdft.structures")
    page = Template(data.joinpath("data/view.html").read_text("utf-8"))
    # A closing tag inside the data would end the script early.
    payload = json.dumps([describe_for_view(s) for s in structures]).replace("</", "<\\/")
    return page.substitute(
        title=html.escape(title),
        script=data.joinpath("data/3Dmol-min.js").read_text("utf-8"),
        licence=html.escape(data.joinpath("data/3Dmol-LICENSE.txt").read_text("utf-8")),
        payload=payload,
        roles=json.dumps(ROLE_COLOURS),
    )


def write_view(
    structures: Sequence[Molecule | Structure], path: str | Path, title: str = "pomdft"
) -> Path:
    """Write the page of `render_view`.

    Parameters
    ----------
    structures : sequence of pymatgen Molecule or Structure
    path : str or Path
        Ends in .html.
    title : str

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    path = Path(path)
    try:
        path.write_text(render_view(structures, title), encoding="utf-8")
    except OSError as error:
        raise InputError(f"view: {path} cannot be written: {error.strerror}.") from error
    return path
