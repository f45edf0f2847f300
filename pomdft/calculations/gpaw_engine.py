"""GPAW as an engine: energies and forces with SCF checkpoints and the recovery ladder.

Runs inside the GPAW process only; all ranks call every function.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from pomdft.calculations.acceleration import accelerate_gpaw
from pomdft.calculations.dispersion import compute_d4
from pomdft.calculations.engines import make_atoms
from pomdft.calculations.progress import Progress, Reporter
from pomdft.calculations.properties import compute_properties
from pomdft.calculations.recovery import Rung, recovery_ladder
from pomdft.calculations.solvation import (
    describe_cavity,
    leave_room_for_charge,
    make_solvated_calculator,
)
from pomdft.errors import ConvergenceError
from pomdft.schemas.calculation import CalculationInput, RecoveryStep
from pomdft.schemas.solvent import find_solvent
from pomdft.units import HARTREE_EV

Array = NDArray[np.float64]

CHECKPOINT_NAME = "scf.gpw"
#: Seconds between SCF checkpoints. With a basis of atomic orbitals the wave functions are small;
#: on a grid they fill gigabytes.
_INTERVAL_S = {"lcao": 30.0}
_LONG_INTERVAL_S = 600.0
#: What reading a truncated or garbled .gpw file raises: at its end, in its table of contents (text,
#: numbers, missing entries), or for an array of absurd size.
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    MemoryError,
    OverflowError,
)
#: Left on the disk beside a checkpoint, for result and logs.
_SPACE_MARGIN_BYTES = 2_000_000


class GpawEngine:
    """Energies and forces from GPAW.

    Parameters
    ----------
    request : CalculationInput
        What to compute.
    folder : Path
        Logs and checkpoints go here.
    report : callable
        Takes progress, on the first rank.
    """

    def __init__(self, request: CalculationInput, folder: Path, report: Reporter) -> None:
        from gpaw.mpi import world

        self._request = request
        self._folder = folder
        self._report = report
        self._comm = world
        self._started = time.monotonic()
        self._atoms = make_atoms(request)
        if request.level.solvent is not None:
            leave_room_for_charge(self._atoms, request.model.charge)
        self._recovery: list[RecoveryStep] = []
        self._parameters = gpaw_parameters(request)
        name = request.level.solvent
        self._solvent = None if name is None else find_solvent(name)
        self._legacy = bool(self._parameters.pop("legacy_gpaw", False)) or name is not None
        self._dispersion_ev: float | None = None
        self._calculator: Any = None
        accelerate_gpaw()

    @property
    def recovery(self) -> tuple[RecoveryStep, ...]:
        """Rungs of the recovery ladder climbed so far."""
        return tuple(self._recovery)

    def evaluate(self, positions: Array, *, roughness: float = 1.0) -> tuple[float, Array]:
        """Return energy in eV (extrapolated to zero smearing) and forces in eV/angstrom.

        Parameters
        ----------
        positions : ndarray, shape (n_atoms, 3)
            Angstrom.
        roughness : float
            The density may be so many times less converged than the level asks. At ten times a
            step takes two thirds of the iterations and forces are off by a few per cent: good
            far from the minimum.

        Raises
        ------
        ConvergenceError
            The SCF does not converge on any rung of the ladder, or an atom has left the cell.
        """
        from gpaw.old.grid_descriptor import GridBoundsError
        from gpaw.utilities import AtomsTooClose

        self._atoms.set_positions(positions)
        try:
            if self._calculator is None:
                self._calculator = self._load_checkpoint() or self._new_calculator(self._parameters)
            self._set_density_criterion(roughness)
            self._converge()
        except (GridBoundsError, AtomsTooClose) as error:
            raise ConvergenceError(
                f"Too near to a face of the cell: {_describe_outermost(self._atoms)}.",
                "Raise level.vacuum_angstrom; an atom that wanders off is hardly bound.",
            ) from error
        energy = float(self._calculator.get_potential_energy(self._atoms))
        forces = np.array(self._calculator.get_forces(self._atoms), dtype=np.float64)
        # Forces on ghosts mean nothing: they are places of basis functions.
        forces[list(self._request.model.ghosts)] = 0.0
        self._write_checkpoint()
        dispersion = self._dispersion(positions)
        if dispersion is not None:
            self._dispersion_ev, extra = dispersion
            energy += self._dispersion_ev
            forces += extra
        # Sums in another order differ in the last digits; decisions must not.
        shared = np.array([energy])
        self._comm.broadcast(shared, 0)
        self._comm.broadcast(forces, 0)
        return float(shared[0]), forces

    def summary(self) -> dict[str, Any]:
        """Return magnetic moment, Fermi level and gap of the last electronic structure."""
        calculator = self._calculator
        spin_polarised = calculator.get_number_of_spins() == 2
        fields: dict[str, Any] = {}
        # With a fixed moment each spin has its own, and none is the Fermi level.
        if not (self._parameters.get("occupations") or {}).get("fixmagmom"):
            fermi_level = float(calculator.get_fermi_level())
            # Without an empty band (a helium atom in a small basis) it lies at infinity.
            if np.isfinite(fermi_level):
                fields["fermi_level_ev"] = fermi_level
        if spin_polarised:
            fields["magnetic_moment_bohr_magneton"] = float(calculator.get_magnetic_moment())
        extras = compute_properties(calculator, self._request.properties)
        if self._solvent is not None:
            extras["solvent"] = describe_cavity(calculator)
        return fields | ({"extras": extras} if extras else {})

    def dispersion_energy_ev(self) -> float | None:
        """Return the dispersion energy in the last energy, None where the level has none."""
        return self._dispersion_ev

    def _set_density_criterion(self, roughness: float) -> None:
        """Set how far the density is converged; go on with the same density where it changes."""
        if self._legacy:
            return
        from gpaw.convergence_criteria import dict2criterion

        dft = self._calculator.dft
        sharp = float(self._request.level.parameters.get("convergence", {}).get("density", 1e-4))
        tolerance = roughness * sharp
        criteria = dft.scf_loop.convergence
        if criteria["density"].tol > tolerance:
            dft.results.clear()
        criteria["density"] = dict2criterion({"density": tolerance})

    def _converge(self) -> None:
        """Converge the SCF, climbing the ladder where needed."""
        from gpaw import KohnShamConvergenceError

        try:
            self._calculator.get_potential_energy(self._atoms)
        except KohnShamConvergenceError as error:
            reason = str(error) or "SCF not converged"
        else:
            return
        spin = self._request.model.magnetic_moments_bohr_magneton is not None
        for rung in recovery_ladder(self._parameters, spin_polarised=spin):
            self._recovery.append(rung.record(reason))
            self._note(f"SCF not converged; trying: {rung.name}")
            try:
                self._climb(rung)
                self._calculator.get_potential_energy(self._atoms)
            except KohnShamConvergenceError as error:
                reason = str(error) or "SCF not converged"
            else:
                if not rung.preliminary:
                    return
                reason = "density prepared"
        tried = ", ".join(step.rung for step in self._recovery)
        raise ConvergenceError(
            f"The SCF does not converge, tried: {tried}.",
            "Look at gpaw.txt; change geometry, spin, or the level's mixer and occupations.",
        )

    def _climb(self, rung: Rung) -> None:
        """Change the calculator as the rung says, keeping its density where that is possible."""
        parameters = self._parameters | rung.changes
        if self._legacy or "spinpol" in rung.changes:
            self._calculator = self._new_calculator(parameters)
            return
        from gpaw.dft import Parameters

        dft = self._calculator.dft
        builder = Parameters(**parameters).dft_component_builder(
            self._atoms, log=self._calculator.log, comm=self._comm
        )
        loop = builder.create_scf_loop()
        # The Hamiltonian holds what was set up for the present positions.
        loop.hamiltonian = dft.scf_loop.hamiltonian
        loop.eigensolver = dft.scf_loop.eigensolver
        dft.scf_loop = loop

    def _new_calculator(self, parameters: dict[str, Any]) -> Any:
        from gpaw import GPAW

        if self._solvent is not None:
            symbols = self._request.model.symbols
            return self._watch(
                make_solvated_calculator(parameters, symbols, self._solvent, self._open_log())
            )
        calculator = GPAW(
            **parameters, txt=self._open_log(), legacy_gpaw=True if self._legacy else None
        )
        if not self._legacy:
            calculator.create_new_calculation(self._atoms)
            if self._request.level.parameters.get("mode") == "lcao":
                # GPAW takes coefficients not yet computed for a file read without wave functions
                # and would set everything up a second time.
                calculator.dft.ibzwfs.has_wave_functions = lambda: True
        return self._watch(calculator)

    def _load_checkpoint(self) -> Any:
        """Return a calculator that starts from the last checkpoint, None without a usable one."""
        from gpaw import GPAW

        path = self._folder / CHECKPOINT_NAME
        usable = np.array([0.0])
        if self._comm.rank == 0 and path.exists() and not self._legacy:
            usable[0] = float(_is_readable(path))
            if not usable[0]:
                path.replace(path.with_suffix(".damaged"))
        self._comm.broadcast(usable, 0)
        if not usable[0]:
            return None
        self._note("continuing from the saved electron density")
        calculator = GPAW(str(path), txt=self._open_log())
        # They may come from a rough step.
        calculator.dft.results.clear()
        return self._watch(calculator)

    def _watch(self, calculator: Any) -> Any:
        """Report SCF iterations and write checkpoints in time."""
        if self._legacy:
            calculator.attach(self._legacy_iteration, 1)
            return calculator
        mode = str(self._request.level.parameters.get("mode"))
        interval = _INTERVAL_S.get(mode, _LONG_INTERVAL_S)
        last = time.monotonic()

        def after_iteration(context: Any) -> None:
            nonlocal last
            energy = float(context.energies.total_extrapolated) * HARTREE_EV
            self._say(Progress("scf", context.niter, energy, elapsed_s=self._elapsed()))
            due = np.array([float(time.monotonic() - last > interval)])
            self._comm.broadcast(due, 0)
            if due[0]:
                self._write_checkpoint()
                last = time.monotonic()

        calculator.hooks["scf_step"] = after_iteration
        return calculator

    def _legacy_iteration(self) -> None:
        number = int(self._calculator.scf.niter)
        self._say(Progress("scf", number, elapsed_s=self._elapsed()))

    def _write_checkpoint(self) -> None:
        """Write density and wave functions; the old checkpoint stays until the new one is whole."""
        if self._legacy:
            return
        if not self._has_space():
            # A full disk must not end a calculation that could still finish.
            self._note("checkpoint not written: too little space left on the disk")
            return
        temporary = self._folder / f".{CHECKPOINT_NAME}.tmp"
        self._calculator.write(str(temporary), mode="all")
        if self._comm.rank == 0:
            temporary.replace(self._folder / CHECKPOINT_NAME)

    def _has_space(self) -> bool:
        """Return whether a checkpoint fits on the disk, the old one kept beside it.

        Asked before, because all ranks take part in writing: the first one cannot give up alone.
        """
        density = self._calculator.dft.density.nt_sR.data
        local = np.array([2.0 * density.nbytes])
        self._comm.sum(local)
        answer = np.array([1.0])
        if self._comm.rank == 0:
            path = self._folder / CHECKPOINT_NAME
            old = path.stat().st_size if path.exists() else 0
            need = max(1.2 * old, float(local[0])) + _SPACE_MARGIN_BYTES
            answer[0] = float(shutil.disk_usage(self._folder).free > need)
        self._comm.broadcast(answer, 0)
        return bool(answer[0])

    def _dispersion(self, positions: Array) -> tuple[float, Array] | None:
        variant = self._request.level.dispersion
        if variant is None:
            return None
        model = self._request.model
        real = np.ones(len(positions), dtype=bool)
        real[list(model.ghosts)] = False
        xc = self._parameters.get("xc", "LDA")
        cell = None if model.cell_angstrom is None else np.array(model.cell_angstrom)
        energy, forces = compute_d4(
            model.numbers[real],
            positions[real],
            str(xc),
            variant=variant,
            charge=model.charge,
            cell_angstrom=cell,
            pbc=model.pbc,
        )
        whole = np.zeros_like(positions)
        whole[real] = forces
        return energy, whole

    def _open_log(self) -> str:
        """Return the log's path; the log of an earlier attempt is kept under a number."""
        path = self._folder / "gpaw.txt"
        if self._comm.rank == 0 and path.exists():
            count = 1
            while (target := self._folder / f"gpaw.{count}.txt").exists():
                count += 1
            path.rename(target)
        self._comm.barrier()
        return str(path)

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _note(self, text: str) -> None:
        self._say(Progress("note", text=text, elapsed_s=self._elapsed()))

    def _say(self, event: Progress) -> None:
        if self._comm.rank == 0:
            self._report(event)


def gpaw_parameters(request: CalculationInput) -> dict[str, Any]:
    """Return GPAW's parameters for a model at a level: charge, spin and ghosts added."""
    model = request.model
    parameters = dict(request.level.parameters)
    parameters["charge"] = float(model.charge)
    if model.magnetic_moments_bohr_magneton is not None:
        parameters["spinpol"] = True
    if model.ghosts:
        setups = parameters.get("setups")
        by_atom: dict[Any, Any] = (
            dict(setups) if isinstance(setups, dict) else {"default": setups} if setups else {}
        )
        parameters["setups"] = by_atom | dict.fromkeys(model.ghosts, "ghost")
    return parameters


def _describe_outermost(atoms: Atoms) -> str:
    """Return which atom is nearest to a face of an orthorhombic cell, and how near, in words."""
    edges = atoms.cell.lengths()
    nearest = np.minimum(atoms.positions, edges - atoms.positions)[:, ~atoms.pbc].min(axis=1)
    index = int(nearest.argmin())
    return f"atom {index} ({atoms.symbols[index]}), {nearest[index]:.2f} angstrom"


def _is_readable(path: Path) -> bool:
    """Return whether a .gpw file is whole: its table of contents and last array can be read."""
    from ase.io import ulm

    try:
        # The reader leaves a file that it cannot read open.
        with path.open("rb") as file:
            density = ulm.Reader(file).density.density
            return bool(np.isfinite(density).all())
    except _DAMAGED:
        return False
