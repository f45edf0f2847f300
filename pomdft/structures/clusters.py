"""Metal atoms, ions and clusters, of one element or an alloy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from ase.cluster import Octahedron
from ase.data import atomic_numbers, reference_states
from numpy.typing import NDArray
from pymatgen.core import Molecule

from pomdft.errors import ChargeError, InputError, UnknownNameError
from pomdft.structures.charges import check_electron_count, count_electrons
from pomdft.structures.connectivity import check_no_overlap

FloatArray = NDArray[np.float64]

CLUSTER_KINDS: Final[dict[str, int]] = {
    "M1": 1,
    "M4": 4,
    "M4-rhombus": 4,
    "M13": 13,
    "M13-cuboctahedron": 13,
    "M38": 38,
    "M55": 55,
}
_SYNONYMS: Final = {"M13-icosahedron": "M13", "M55-icosahedron": "M55", "M4-tetrahedron": "M4"}
#: Bond length of a cluster as a share of the bulk's: bonds shorten as coordination drops,
#: here 12 (bulk) to 3 in the tetrahedron (Pauling, J. Am. Chem. Soc. 69, 542 (1947),
#: doi:10.1021/ja01195a024, scaled to PBE clusters). The icosahedron's is its surface bond.
BOND_CONTRACTION: Final[dict[str, float]] = {
    "M1": 1.0,
    "M4": 0.945,
    "M4-rhombus": 0.945,
    "M13": 0.99,
    "M13-cuboctahedron": 0.965,
    "M38": 0.98,
    "M55": 1.0,
}
#: Positions of the smallest clusters, bond length 1.
_SMALL: Final = {
    "M1": [[0.0, 0.0, 0.0]],
    "M4": np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(8),
    "M4-rhombus": np.array([[1, 0, 0], [-1, 0, 0], [0, np.sqrt(3), 0], [0, -np.sqrt(3), 0]]) / 2,
}
#: Crystal structures of which a nearest-neighbour distance is known here.
_NEAREST_NEIGHBOUR: Final = {"fcc": np.sqrt(0.5), "bcc": np.sqrt(0.75)}

#: Unpaired electrons of neutral atoms (Hund ground states of the configuration in NIST's
#: atomic spectra database).
ATOM_UNPAIRED: Final[dict[str, int]] = {
    "Sc": 1, "Ti": 2, "V": 3, "Cr": 6, "Mn": 5, "Fe": 4, "Co": 3, "Ni": 2, "Cu": 1, "Zn": 0,
    "Y": 1, "Zr": 2, "Nb": 5, "Mo": 6, "Tc": 5, "Ru": 4, "Rh": 3, "Pd": 0, "Ag": 1, "Cd": 0,
    "Hf": 2, "Ta": 3, "W": 4, "Re": 5, "Os": 4, "Ir": 3, "Pt": 2, "Au": 1, "Hg": 0, "Al": 1,
}  # fmt: skip
#: Unpaired electrons from which tetrahedra start. Bare ones as DFT finds them: Pd4 and Pt4
#: triplets, the magnetic 3d metals and Ru high spin. Rh4 has none when bare, whatever it starts
#: from, but docked on W5O18 five, 0.2 eV below the closed shell.
TETRAHEDRON_UNPAIRED: Final[dict[str, int]] = {
    "Pd": 2, "Pt": 2, "Ni": 4, "Co": 10, "Fe": 12, "Ru": 4, "Rh": 2, "Ir": 0, "Os": 4, "Mn": 16,
}  # fmt: skip
#: Unpaired electrons per atom of larger clusters: bulk moments for Fe, Co, Ni; the small
#: moments of Rh13, Ru13, Pd13 and Pt13 spread over the atoms.
MOMENT_PER_ATOM: Final[dict[str, float]] = {
    "Fe": 2.6, "Co": 1.9, "Ni": 0.7, "Mn": 1.0, "Rh": 0.7, "Ru": 0.3, "Pd": 0.45, "Pt": 0.15,
}  # fmt: skip


def nearest_neighbour(element: str) -> float:
    """Return the nearest-neighbour distance of the bulk metal.

    Parameters
    ----------
    element : str
        Of fcc, hcp or bcc structure.

    Returns
    -------
    float
        In angstrom, from ASE's table of ground-state crystals (Ashcroft and Mermin).

    Raises
    ------
    UnknownNameError
        If the symbol is no fcc, hcp or bcc element.
    """
    state = reference_states[atomic_numbers[element]] if element in atomic_numbers else None
    if state is None or state["symmetry"] not in ("fcc", "hcp", "bcc"):
        raise UnknownNameError("metal", str(element), known_metals())
    if state["symmetry"] == "hcp":
        ratio = state["c/a"]
        return float(min(state["a"], state["a"] * np.sqrt(1 / 3 + ratio**2 / 4)))
    return float(state["a"] * _NEAREST_NEIGHBOUR[state["symmetry"]])


def known_metals() -> list[str]:
    """Return the fcc, hcp and bcc elements that clusters and slabs can be made of."""
    skip = {"H", "He", "Ne", "Ar", "Kr", "Xe"}
    return [
        s
        for s, z in atomic_numbers.items()
        if z < len(reference_states)
        and reference_states[z] is not None
        and reference_states[z]["symmetry"] in ("fcc", "hcp", "bcc")
        and s not in skip
    ]


def build_cluster(
    metal: str | Mapping[str, float],
    kind: str = "M4",
    *,
    charge: int = 0,
    spin_multiplicity: int | None = None,
    seed: int = 0,
) -> Molecule:
    """Build a metal atom, ion or cluster, centred at the origin.

    Parameters
    ----------
    metal : str or mapping of str to float
        Element, or composition of an alloy as fractions, e.g. ``{"Au": 0.5, "Pd": 0.5}``.
    kind : str
        ``M1``, ``M4`` (tetrahedron), ``M4-rhombus`` (planar), ``M13`` (icosahedron),
        ``M13-cuboctahedron``, ``M38`` (truncated octahedron) or ``M55`` (Mackay icosahedron).
    charge : int
        In units of e.
    spin_multiplicity : int, optional
        2S+1; by default from the tables of this module (atoms: Hund; tetrahedra and larger
        clusters: typical DFT moments), made to fit the electron count.
    seed : int
        Chooses the sites of an alloy's elements.

    Returns
    -------
    pymatgen Molecule
        Site properties ``role`` and ``fragment`` are "metal".

    Raises
    ------
    UnknownNameError
        Unknown element or kind.
    InputError
        Fractions that are negative or do not sum to 1.
    ChargeError
        Charge out of reach, or multiplicity that the electron count cannot have.
    StructureError
        Elements of an alloy too different in size for one bond length.
    """
    kind = _SYNONYMS.get(kind, kind)
    if kind not in CLUSTER_KINDS:
        raise UnknownNameError("cluster", str(kind), CLUSTER_KINDS)
    composition = {metal: 1.0} if isinstance(metal, str) else dict(metal)
    symbols = assign_elements(composition, CLUSTER_KINDS[kind], seed)
    check_metal_charge(symbols, charge)
    fractions = {s: symbols.count(s) / len(symbols) for s in dict.fromkeys(symbols)}
    bond = sum(f * nearest_neighbour(s) for s, f in fractions.items()) * BOND_CONTRACTION[kind]
    positions = unit_cluster(kind) * bond
    if spin_multiplicity is None:
        spin_multiplicity = default_multiplicity(symbols, charge)
    check_electron_count(symbols, charge, spin_multiplicity)
    check_no_overlap(symbols, positions, what=f"{kind} of {', '.join(fractions)}")
    name = "".join(f"{s}{symbols.count(s)}" for s in fractions)
    return Molecule(
        symbols,
        positions,
        charge=charge,
        spin_multiplicity=spin_multiplicity,
        site_properties={"role": ["metal"] * len(symbols), "fragment": ["metal"] * len(symbols)},
        properties={
            "name": name,
            "metal": name if len(fractions) > 1 else symbols[0],
            "cluster": kind,
            "metal_charge": charge,
            "seed": seed if len(fractions) > 1 else None,
        },
    )


def assign_elements(composition: Mapping[str, float], n_atoms: int, seed: int) -> list[str]:
    """Spread the elements of an alloy over sites.

    Parameters
    ----------
    composition : mapping of str to float
        Fractions that sum to 1.
    n_atoms : int
    seed : int

    Returns
    -------
    list of str
        Counts are the largest-remainder rounding of the fractions; order is random by seed.

    Raises
    ------
    InputError, UnknownNameError
    """
    for element in composition:
        nearest_neighbour(element)
    try:
        fractions = np.array([float(f) for f in composition.values()])
    except (TypeError, ValueError):
        fractions = np.array([np.nan])
    fits = len(fractions) > 0 and np.isfinite(fractions).all() and (fractions >= 0).all()
    if not fits or abs(fractions.sum() - 1.0) > 1e-6:
        raise InputError(
            f"composition: {dict(composition)} is not a set of fractions that sum to 1.",
            "Write e.g. {'Au': 0.25, 'Pd': 0.75}.",
        )
    exact = fractions * n_atoms
    counts = np.floor(exact + 1e-9).astype(int)
    for k in np.argsort(-(exact - counts), kind="stable")[: n_atoms - int(counts.sum())]:
        counts[k] += 1
    symbols = [s for s, n in zip(composition, counts, strict=True) for _ in range(n)]
    if len(composition) > 1:
        order = np.random.default_rng(seed).permutation(n_atoms)
        symbols = [symbols[k] for k in order]
    return symbols


def unit_cluster(kind: str) -> FloatArray:
    """Return positions of a cluster with surface bond length 1, centred, shape (n, 3)."""
    golden = (1 + np.sqrt(5)) / 2
    corners = [(0.0, s, t * golden) for s in (1, -1) for t in (1, -1)]
    icosahedron = np.array([np.roll(c, k) for k in range(3) for c in corners]) / 2
    if kind in _SMALL:
        return np.array(_SMALL[kind], dtype=np.float64)
    if kind == "M13":
        return np.vstack([np.zeros((1, 3)), icosahedron])
    if kind == "M13-cuboctahedron":
        points = [np.roll((0.0, s, t), k) for k in range(3) for s in (1, -1) for t in (1, -1)]
        return np.vstack([np.zeros((1, 3)), np.array(points) / np.sqrt(2)])
    if kind == "M55":
        distance = np.linalg.norm(icosahedron[:, None] - icosahedron[None], axis=2)
        edges = [
            (icosahedron[i] + icosahedron[j])
            for i in range(12)
            for j in range(i)
            if distance[i, j] < 1.01
        ]
        return np.vstack([np.zeros((1, 3)), icosahedron, 2 * icosahedron, np.array(edges)])
    atoms = Octahedron("Au", length=4, cutoff=1, latticeconstant=np.sqrt(2))
    return np.asarray(atoms.positions - atoms.positions.mean(axis=0), dtype=float)


def default_multiplicity(symbols: list[str], charge: int = 0) -> int:
    """Return 2S+1 of a metal atom, ion or cluster by the tables of this module.

    Parameters
    ----------
    symbols : list of str
    charge : int
        In units of e.

    Returns
    -------
    int
        Fits the electron count; a tabulated moment of the wrong parity is lowered by one.
    """
    electrons = count_electrons(symbols, charge)
    n = len(symbols)
    if n == 1:
        unpaired = float(ATOM_UNPAIRED.get(symbols[0], electrons % 2))
        if charge > 0 and symbols[0] not in ("Cu", "Ag", "Au"):
            unpaired = float(_ion_unpaired(symbols[0], charge))
    elif n == 4:
        unpaired = sum(TETRAHEDRON_UNPAIRED.get(s, 0) for s in symbols) / 4
    else:
        unpaired = sum(MOMENT_PER_ATOM.get(s, 0.0) for s in symbols)
    whole = int(unpaired + 0.5)
    if (whole - electrons) % 2:
        whole += 1 if whole == 0 else -1
    return min(whole, electrons) + 1


def _ion_unpaired(symbol: str, charge: int) -> int:
    """Return unpaired d electrons of a bare cation: low spin for 4d and 5d d8, else Hund's rule."""
    z = atomic_numbers[symbol]
    core = max((c for c in (18, 36, 54) if c < z), default=0)
    d = z - core - charge - (14 if core == 54 and z > 70 else 0)
    if not 0 < d <= 10:
        return int(z - charge) % 2
    if symbol in ("Pd", "Pt", "Rh", "Ir", "Au") and d in (6, 8):
        return 0
    return int(d if d <= 5 else 10 - d)


def check_metal_charge(symbols: list[str], charge: int) -> None:
    """Refuse a charge beyond what the metal atoms can lose.

    Raises
    ------
    ChargeError
    """
    count_electrons(symbols, charge)
    if charge > 8 * len(symbols) or charge < -len(symbols):
        raise ChargeError(
            f"metal charge: {charge:+d} is out of reach for {len(symbols)} atom(s).",
            "Give between -1 and +8 per atom.",
        )
