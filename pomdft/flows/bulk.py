"""Lattice constants by equation of state: computed once a metal and level, then reused."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from ase.eos import EquationOfState
from ase.units import GPa
from jobflow import Maker, job
from numpy.typing import NDArray

from pomdft.calculations.levels import load_level
from pomdft.calculations.periodic import fix_grid
from pomdft.errors import CalculationError
from pomdft.flows.periodic import PeriodicCalculation, store_root
from pomdft.schemas.base import canonical_hash
from pomdft.schemas.bulk import STRAIN_ROLE, BulkMetal
from pomdft.schemas.calculation import CalculationResult
from pomdft.schemas.level import Level
from pomdft.store.documents import find_documents, save_document
from pomdft.structures.crystals import Lattice, build_crystal, experimental_lattice

#: Linear strains of the equation of state, about the measured lattice constant stretched by 1 %,
#: which is what PBE does to late transition metals.
STRAINS = (-0.03, -0.015, 0.0, 0.015, 0.03)
_PBE_STRETCH = 1.01
#: Relative changes of c/a for hcp metals, at the volume of the minimum.
RATIO_CHANGES = (-0.02, 0.0, 0.02)
#: A larger deviation (eV) of a point from the fit means that the points do not belong together.
LARGEST_RESIDUAL_EV = 0.005


@dataclass(frozen=True)
class EquationFit:
    """Minimum of an equation of state.

    Attributes
    ----------
    volume_angstrom3 : float
        Volume of the minimum.
    energy_ev : float
        Energy there.
    bulk_modulus_gpa : float
    residual_ev : float
        Largest deviation of a point from the fit.
    """

    volume_angstrom3: float
    energy_ev: float
    bulk_modulus_gpa: float
    residual_ev: float


def fit_equation_of_state(volumes: Sequence[float], energies: Sequence[float]) -> EquationFit:
    """Fit the Birch-Murnaghan equation of state.

    Parameters
    ----------
    volumes : sequence of float
        Angstrom cubed.
    energies : sequence of float
        eV.

    Raises
    ------
    CalculationError
        The minimum lies outside of the volumes, or the points are no equation of state.

    References
    ----------
    F. Birch, Phys. Rev. 71, 809 (1947), doi:10.1103/PhysRev.71.809.
    """
    equation = EquationOfState(volumes, energies, eos="birchmurnaghan")
    try:
        with warnings.catch_warnings():
            # The covariance, which scipy may not be able to estimate from few points, is unused.
            warnings.simplefilter("ignore")
            volume, energy, modulus = equation.fit(warn=False)
    except (RuntimeError, ValueError) as error:
        raise CalculationError(f"The energies fit no equation of state: {error}.") from error
    if not min(volumes) < volume < max(volumes):
        raise CalculationError(
            f"The minimum of the equation of state, {volume:.2f} angstrom^3, lies outside of the "
            f"volumes {min(volumes):.2f} to {max(volumes):.2f}.",
            "Give another range of strains.",
        )
    fitted = np.array([equation.func(v, *equation.eos_parameters) for v in volumes])
    residual = float(np.abs(fitted - np.asarray(energies)).max())
    if residual > LARGEST_RESIDUAL_EV:
        raise CalculationError(
            f"The energies are off the equation of state by up to {residual:.4f} eV.",
            "Use one k-point grid for all volumes, or converge the SCF further.",
        )
    return EquationFit(float(volume), float(energy), float(modulus / GPa), residual)


@dataclass
class BulkMaker(Maker):
    """Equilibrium of a bulk metal.

    Parameters
    ----------
    level : Level
        Level of theory, with k-points.
    store : str, optional
        Folder of the results store; by default POMDFT_STORE.
    cores : int
        MPI ranks; 0 means all.
    retry : bool
        Try again what failed for good before.
    strains : sequence of float
        Linear strains of the equation of state.
    shipped : bool
        Take a lattice that is shipped with the package as known.
    """

    name: str = "bulk"
    level: Level = field(default_factory=lambda: load_level("pw-bulk"))
    store: str | None = None
    cores: int = 0
    retry: bool = False
    strains: Sequence[float] = STRAINS
    shipped: bool = True

    @job(output_schema=BulkMetal)
    def make(self, metal: str) -> BulkMetal:
        """Job: see `find_equilibrium`."""
        return self.find_equilibrium(metal)

    def find_equilibrium(self, metal: str) -> BulkMetal:
        """Return the equilibrium of a metal: from the store or the shipped data, else computed.

        Every point of the equation of state is a calculation in the store, so that an
        interrupted fit goes on where it stopped.

        Parameters
        ----------
        metal : str
            An fcc or hcp metal.
        """
        known = find_bulk(metal, self.level, self.store, shipped=self.shipped)
        if known is not None:
            return known
        start = experimental_lattice(metal)
        stretched = Lattice(start.symmetry, start.a_angstrom * _PBE_STRETCH, start.c_over_a)
        level = fix_grid(self.level, build_crystal(metal, stretched))
        crystal_runs = PeriodicCalculation(
            level=level, store=self.store, cores=self.cores, retry=self.retry
        )
        keys: dict[str, str] = {}
        results: dict[str, CalculationResult] = {}

        def energy_of(role: str, lattice: Lattice) -> tuple[float, float]:
            crystal = build_crystal(metal, lattice)
            keys[role], result = crystal_runs.run(crystal, f"{metal} bulk, {role}")
            results[role] = result
            return float(crystal.volume) / len(crystal), result.energy_ev / len(crystal)

        scales = [_PBE_STRETCH * (1 + strain) for strain in self.strains]
        points = [
            energy_of(
                f"{STRAIN_ROLE}{strain:+.3f}",
                Lattice(start.symmetry, start.a_angstrom * scale, start.c_over_a),
            )
            for strain, scale in zip(self.strains, scales, strict=True)
        ]
        fit = fit_equation_of_state(*map(list, zip(*points, strict=True)))
        lattice, energy = _lattice_of(start, fit.volume_angstrom3), fit.energy_ev
        if lattice.c_over_a is not None:
            ratios = [lattice.c_over_a * (1 + change) for change in RATIO_CHANGES]
            energies = [
                energy_of(
                    f"c/a {change:+.2f}",
                    _lattice_of(Lattice("hcp", 1.0, ratio), fit.volume_angstrom3),
                )[1]
                for change, ratio in zip(RATIO_CHANGES, ratios, strict=True)
            ]
            best, energy = fit_minimum(np.array(ratios), np.array(energies))
            lattice = _lattice_of(Lattice("hcp", 1.0, best), fit.volume_angstrom3)
        nearest = keys_nearest(points, fit.volume_angstrom3, list(keys))
        moment = results[nearest].magnetic_moment_bohr_magneton
        atoms = len(results[nearest].positions_angstrom)
        document = BulkMetal(
            key=canonical_hash({"bulk": dict(sorted(keys.items()))}),
            metal=metal,
            symmetry="hcp" if lattice.symmetry == "hcp" else "fcc",
            level=self.level,
            lattice_constant_angstrom=round(lattice.a_angstrom, 4),
            c_over_a=None if lattice.c_over_a is None else round(lattice.c_over_a, 4),
            bulk_modulus_gpa=round(fit.bulk_modulus_gpa, 1),
            energy_ev_per_atom=energy,
            fit_residual_ev=fit.residual_ev,
            magnetic_moment_bohr_magneton_per_atom=None if moment is None else moment / atoms,
            calculations=keys,
        )
        save_document(store_root(self.store), document)
        return document


def find_bulk(
    metal: str, level: Level, store: str | None = None, *, shipped: bool = True
) -> BulkMetal | None:
    """Return a known equilibrium of a metal at exactly this level, None if there is none."""
    found = find_documents(
        store_root(store),
        BulkMetal,
        lambda d: (
            d.metal == metal
            and d.level.fingerprint == level.fingerprint
            and (shipped or d.source != "reference")
        ),
    )
    return found[-1] if found else None


def lattice_of(bulk: BulkMetal) -> Lattice:
    """Return the lattice of a bulk document."""
    return Lattice(bulk.symmetry, bulk.lattice_constant_angstrom, bulk.c_over_a)


def fit_minimum(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Return place and value of the minimum of a parabola through three or more points.

    Raises
    ------
    CalculationError
        It has none within the points.
    """
    middle = float(x.mean())
    curvature, slope, constant = np.polyfit(x - middle, y, 2)
    if curvature <= 0 or not x.min() <= middle - slope / (2 * curvature) <= x.max():
        raise CalculationError("The energy has no minimum within the c/a ratios tried.")
    place = -slope / (2 * curvature)
    return middle + float(place), float(constant + 0.5 * slope * place)


def keys_nearest(points: Sequence[tuple[float, float]], volume: float, roles: list[str]) -> str:
    """Return the role of the point whose volume is nearest."""
    return roles[int(np.argmin([abs(v - volume) for v, _ in points]))]


def _lattice_of(shape: Lattice, volume_per_atom: float) -> Lattice:
    """Return the lattice of the shape with this volume an atom."""
    if shape.c_over_a is None:
        return Lattice("fcc", float((4 * volume_per_atom) ** (1 / 3)))
    a = (2 * volume_per_atom / (np.sqrt(3) / 2 * shape.c_over_a)) ** (1 / 3)
    return Lattice("hcp", float(a), shape.c_over_a)
