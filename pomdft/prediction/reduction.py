r"""Which of two salts is reduced first, and how sharply the two are separated in time.

The rate of each salt follows a Tafel law up to the limit set by diffusion,

.. math:: k = 1 / (1 + \exp[(\eta_{1/2} - \eta) \alpha F / RT]), \quad \eta = E(salt) - E(reductant)

With a mild reductant both salts lie on the Tafel side and 0.20 V separates them; with hydrazine or
borohydride both are limited by diffusion and alloy in spite of 0.41 V between them. The potential
of a salt whose ion the ligand binds with the free energy dG (negative = bound) is shifted by
dG/(zF): a bound ion is harder to reduce.

References
----------
C. Tojo, D. Buceta, M. A. Lopez-Quintela, Catalysts 7, 68 (2017), doi:10.3390/catal7020068.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources

import numpy as np
import numpy.typing as npt
import pandas as pd

from pomdft.analysis.elements import find_metal
from pomdft.errors import InputError, NotComputedError, UnknownNameError
from pomdft.units import BOLTZMANN_EV_PER_K

FloatArray = npt.NDArray[np.float64]

#: Overpotential (V) at which a reduction goes over from the Tafel law to diffusion; chosen so that
#: both thresholds of the module's introduction come out.
HALF_WAVE_V = 1.0
TRANSFER_COEFFICIENT = 0.5
#: Uncertainty of each potential: activities, chloride, pH.
POTENTIAL_STD_V = 0.03
#: Potentials of reductants, V against the standard hydrogen electrode. Reduced polyoxometalates:
#: E. Papaconstantinou, Chem. Soc. Rev. 18, 1 (1989), doi:10.1039/CS9891800001; others:
#: CRC Handbook.
REDUCTANTS: dict[str, float] = {
    "borohydride": -1.24,
    "hydrazine": -1.16,
    "hydrogen": 0.0,
    "reduced-SiW12O40": 0.057,
    "ascorbic-acid": 0.08,
    "reduced-PW12O40": 0.221,
    "reduced-P2W18O62": 0.344,
}


@dataclass(frozen=True)
class CoReduction:
    """How two salts are reduced together.

    Attributes
    ----------
    salts : Mapping
        Metal to its salt, as in the shipped table ("[AuCl4]-", "Ag+"); missing metals take the
        first one listed.
    reductant : str or float
        Name, or its potential against the standard hydrogen electrode, V.
    ion_affinity_ev : Mapping
        Metal to the free energy of binding its ion to the ligand (against the aquo or chloro
        complex), eV per ion; negative = bound. Where it is positive the ion stays in its complex
        and its potential is that of the table.
    ion_std_ev : Mapping
        Metal to the standard deviation of that, eV; missing ones have none.
    ion_note : str
        Where they come from, for the answer; see `pomdft.prediction.ion_shifts`.
    galvanic_exchange : bool
        Whether ions of the nobler metal dissolve atoms of the other from the surface.
    hops_per_atom : int
        Surface-diffusion moves tried for each atom that is deposited.
    surface_exchange : bool
        Whether bonded surface atoms may also change places; slow at room temperature.
    """

    salts: Mapping[str, str] = field(default_factory=dict)
    reductant: str | float = "hydrogen"
    ion_affinity_ev: Mapping[str, float] = field(default_factory=dict)
    ion_std_ev: Mapping[str, float] = field(default_factory=dict)
    galvanic_exchange: bool = True
    hops_per_atom: int = 50
    surface_exchange: bool = False
    ion_note: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.reductant, str) and self.reductant not in REDUCTANTS:
            raise UnknownNameError("reductant", self.reductant, REDUCTANTS)
        if not isinstance(self.reductant, str) and not abs(self.reductant) <= 10.0:
            raise InputError(
                f"reductant {self.reductant} is not a potential.",
                "Give V against the standard hydrogen electrode.",
            )
        for metal, value in self.ion_affinity_ev.items():
            find_metal(metal)
            if not (np.isfinite(value) and abs(value) < 20.0):
                raise InputError(f"ion_affinity_ev of {metal} is {value!r}.", "Give eV per ion.")
        for metal, value in self.ion_std_ev.items():
            find_metal(metal)
            if not 0.0 <= value < 20.0:
                raise InputError(
                    f"ion_std_ev of {metal} is {value!r}.", "Give eV per ion, zero or more."
                )
        if not 0 <= self.hops_per_atom <= 100000:
            raise InputError(f"hops_per_atom {self.hops_per_atom} is not from 0 to 100000.")

    @property
    def reductant_v(self) -> float:
        """Potential of the reductant, V against the standard hydrogen electrode."""
        if isinstance(self.reductant, str):
            return REDUCTANTS[self.reductant]
        return float(self.reductant)


@dataclass(frozen=True)
class ReductionPotential:
    """Potential of a salt under a ligand.

    Attributes
    ----------
    metal, salt : str
        What is reduced.
    electrons : int
        To the metal.
    standard_v : float
        Standard potential, V against the standard hydrogen electrode.
    ion_affinity_ev, ion_std_ev : float
        Energy of binding the ion to the ligand, negative = bound, and its standard deviation; eV.
    """

    metal: str
    salt: str
    electrons: int
    standard_v: float
    ion_affinity_ev: float = 0.0
    ion_std_ev: float = 0.0

    @property
    def potential_v(self) -> float:
        """Shifted potential, V against the standard hydrogen electrode."""
        return self.standard_v + self.shift_v

    @property
    def shift_v(self) -> float:
        """Shift by the ion's binding to the ligand; negative: harder to reduce, V."""
        return min(self.ion_affinity_ev, 0.0) / self.electrons

    def sample(self, deviates: FloatArray, ion_deviates: FloatArray) -> FloatArray:
        """Return members of the potential, V.

        Parameters
        ----------
        deviates, ion_deviates : ndarray of float64, shape (m,)
            Standard normal ones, of the potential itself and of the ion's binding energy.
        """
        ions = np.minimum(self.ion_affinity_ev + self.ion_std_ev * ion_deviates, 0.0)
        members: FloatArray = self.standard_v + ions / self.electrons + POTENTIAL_STD_V * deviates
        return members


@functools.cache
def load_potentials() -> pd.DataFrame:
    """Read the shipped table of reduction potentials (metal, salt, potential_v, electrons)."""
    path = resources.files("pomdft.prediction").joinpath("data/reduction_potentials.csv")
    with path.open() as file:
        return pd.read_csv(file, comment="#")


def find_potential(metal: str, plan: CoReduction) -> ReductionPotential:
    """Find the potential at which a metal's salt is reduced.

    Parameters
    ----------
    metal : str
        The metal.
    plan : CoReduction
        Salts and ion affinities.

    Returns
    -------
    ReductionPotential

    Raises
    ------
    NotComputedError
        No salt of the metal is listed.
    UnknownNameError
        The salt is not listed for the metal.
    """
    table = load_potentials()
    rows = table[table["metal"] == metal]
    if rows.empty:
        raise NotComputedError(
            f"No reduction potential of {metal} is known.",
            f"Known: {', '.join(sorted(set(table['metal'])))}; use route='equilibrium'.",
        )
    salt = plan.salts.get(metal, str(rows["salt"].iloc[0]))
    if salt not in set(rows["salt"]):
        raise UnknownNameError(f"salt of {metal}", salt, [str(s) for s in rows["salt"]])
    row = rows[rows["salt"] == salt].iloc[0]
    electrons = int(row["electrons"])
    return ReductionPotential(
        metal,
        salt,
        electrons,
        float(row["potential_v"]),
        float(plan.ion_affinity_ev.get(metal, 0.0)),
        float(plan.ion_std_ev.get(metal, 0.0)),
    )


def compute_rates(
    potentials_v: npt.ArrayLike, reductant_v: float, temperature_k: float
) -> FloatArray:
    """Compute relative rates of reduction, 1 at the diffusion limit.

    Parameters
    ----------
    potentials_v : array_like of float64
        Potentials of the salts, V against the standard hydrogen electrode.
    reductant_v : float
        Potential of the reductant.
    temperature_k : float
        Temperature.

    Returns
    -------
    ndarray of float64
    """
    width = BOLTZMANN_EV_PER_K * temperature_k / TRANSFER_COEFFICIENT
    lacking = HALF_WAVE_V - (np.asarray(potentials_v, dtype=np.float64) - reductant_v)
    return np.exp(-np.logaddexp(0.0, lacking / width))


def draw_sequences(
    rates: FloatArray, n_second: int, n_atoms: int, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Draw the order in which atoms are reduced: the pick goes with rate times what is left.

    Parameters
    ----------
    rates : ndarray of float64, shape (m, 2)
        Relative rates of the two salts for each member.
    n_second : int
        Atoms of the second metal.
    n_atoms : int
        All atoms.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of uint8, shape (m, n_atoms)
        1 where an atom of the second metal comes.
    """
    # Exponential clocks give the same order as picking one by one (Gillespie's first reaction).
    clocks = rng.exponential(size=(len(rates), n_atoms))
    is_second = np.arange(n_atoms) < n_second
    waiting = clocks / np.where(is_second, rates[:, 1:], rates[:, :1])
    order = np.argsort(waiting, axis=1)
    return is_second[order].astype(np.uint8)
