"""The model of one calculation: atoms, charge, spin, cell, ghosts."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pomdft.errors import ChargeError, StructureError, UnknownNameError
from pomdft.schemas.base import Document

Vector = tuple[float, float, float]

#: Closer than this times the sum of covalent radii two atoms overlap.
OVERLAP_FRACTION = 0.5
#: More atoms than this are a mistake in the input, not a DFT model.
MAX_ATOMS = 2000


class AtomicModel(Document):
    """Atoms with charge, spin and cell, as one calculation sees them.

    Attributes
    ----------
    label : str
        What a person calls it, e.g. "H6-W5O18 + Au4 (vacancy)".
    symbols : tuple of str
        Chemical symbols, n_atoms.
    positions_angstrom : tuple of 3-tuples
        Cartesian positions in angstrom, n_atoms x 3.
    cell_angstrom : 3 x 3 tuple, optional
        Rows are lattice vectors in angstrom; None for a free molecule (xTB).
    pbc : tuple of bool
        Periodicity along each lattice vector.
    charge : int
        Total charge in units of the elementary charge.
    magnetic_moments_bohr_magneton : tuple of float, optional
        Initial moments; None for a closed-shell calculation without spin polarisation.
    ghosts : tuple of int
        Indices of atoms that contribute basis functions only (counterpoise correction).
    frozen : tuple of int
        Indices of atoms that a relaxation does not move.
    """

    CURRENT_VERSION: ClassVar[int] = 1

    label: str = Field(default="", max_length=200)
    symbols: tuple[str, ...]
    positions_angstrom: tuple[Vector, ...]
    cell_angstrom: tuple[Vector, Vector, Vector] | None = None
    pbc: tuple[bool, bool, bool] = (False, False, False)
    charge: int = 0
    magnetic_moments_bohr_magneton: tuple[float, ...] | None = None
    ghosts: tuple[int, ...] = ()
    frozen: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        n = len(self.symbols)
        if n == 0:
            raise StructureError(f"Model {self.label!r} has no atoms.")
        if n > MAX_ATOMS:
            raise StructureError(f"Model {self.label!r} has {n} atoms; at most {MAX_ATOMS}.")
        unknown = [s for s in self.symbols if s not in atomic_numbers or s == "X"]
        if unknown:
            raise UnknownNameError("element", unknown[0], list(atomic_numbers)[1:])
        if len(self.positions_angstrom) != n:
            raise StructureError(
                f"Model {self.label!r}: {n} symbols but {len(self.positions_angstrom)} positions."
            )
        moments = self.magnetic_moments_bohr_magneton
        if moments is not None and len(moments) != n:
            raise StructureError(
                f"Model {self.label!r}: {n} atoms but {len(moments)} magnetic moments."
            )
        for name, indices in (("ghosts", self.ghosts), ("frozen", self.frozen)):
            if any(not 0 <= i < n for i in indices):
                raise StructureError(
                    f"Model {self.label!r}: {name} has an index outside 0..{n - 1}."
                )
        if any(self.pbc) and self.cell_angstrom is None:
            raise StructureError(f"Model {self.label!r} is periodic but has no cell.")
        self._check_overlaps()
        self._check_electrons()
        return self

    def _check_overlaps(self) -> None:
        from ase import Atoms
        from ase.neighborlist import neighbor_list

        numbers = self.numbers
        radii = covalent_radii[numbers] * OVERLAP_FRACTION
        cell = np.array(self.cell_angstrom) if self.cell_angstrom else np.zeros((3, 3))
        atoms = Atoms(numbers, positions=self.positions, cell=cell, pbc=self.pbc)
        i, j, d = neighbor_list("ijd", atoms, radii.tolist())
        if len(i):
            k = int(np.argmin(d))
            a, b = int(i[k]), int(j[k])
            raise StructureError(
                f"Model {self.label!r}: atoms {a} ({self.symbols[a]}) and {b} ({self.symbols[b]}) "
                f"overlap: {d[k]:.2f} angstrom apart.",
                "Move one of them or remove the duplicate.",
            )

    def _check_electrons(self) -> None:
        electrons = self.electron_count
        if electrons <= 0:
            raise ChargeError(
                f"Model {self.label!r}: charge {self.charge:+d} leaves {electrons} electrons."
            )
        # In a crystal bands are filled in part: an odd number of electrons a cell means nothing.
        odd = electrons % 2 and not any(self.pbc)
        if self.magnetic_moments_bohr_magneton is None and odd:
            raise ChargeError(
                f"Model {self.label!r}: charge {self.charge:+d} gives an odd number of electrons "
                f"({electrons}) but no spin is set.",
                "Change the charge, or set a spin multiplicity or magnetic moments.",
            )

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Atomic numbers, shape (n_atoms,), int64."""
        return np.array([atomic_numbers[s] for s in self.symbols], dtype=np.int64)

    @property
    def positions(self) -> NDArray[np.float64]:
        """Positions in angstrom, shape (n_atoms, 3), float64."""
        return np.array(self.positions_angstrom, dtype=np.float64)

    @property
    def electron_count(self) -> int:
        """Electrons of all atoms that are not ghosts, less the charge."""
        numbers = self.numbers
        real = np.ones(len(numbers), dtype=bool)
        real[list(self.ghosts)] = False
        return int(numbers[real].sum()) - self.charge

    @property
    def formula(self) -> str:
        """Formula in Hill order, ghosts left out."""
        from ase.formula import Formula

        real = [s for i, s in enumerate(self.symbols) if i not in set(self.ghosts)]
        return str(Formula.from_list(real).format("hill"))

    def canonical(self) -> dict[str, object]:
        """Return what identifies the model: all but the label, positions to 1e-6 angstrom."""
        data = self.model_dump(mode="json", exclude={"label", "schema_version"})
        data["positions_angstrom"] = _rounded(self.positions_angstrom)
        if self.cell_angstrom is not None:
            data["cell_angstrom"] = _rounded(self.cell_angstrom)
        return data

    def with_positions(self, positions: NDArray[np.float64], label: str | None = None) -> Self:
        """Return the same model with other positions in angstrom, shape (n_atoms, 3)."""
        changes: dict[str, object] = {"positions_angstrom": as_vectors(positions)}
        if label is not None:
            changes["label"] = label
        return type(self).model_validate({**self.model_dump(), **changes})


def as_vectors(array: NDArray[np.float64]) -> tuple[Vector, ...]:
    """Return an (n, 3) array as nested tuples of plain floats."""
    return tuple((float(x), float(y), float(z)) for x, y, z in array)


def _rounded(vectors: tuple[Vector, ...]) -> list[list[float]]:
    # + 0.0 turns -0.0 into 0.0, which would hash differently.
    return [[round(x, 6) + 0.0 for x in vector] for vector in vectors]
