"""The arrays of a Monte Carlo run: fields, occupations, thresholds and sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pomdft.kernels.montecarlo_tables import QuantisedModel, SiteTables
from pomdft.units import BOLTZMANN_EV_PER_K

LANES = 32
PARTS = 32
SWAP_ANY, SWAP_NEIGHBOURS, FLIP = range(3)
_SCALE = 2.0**25

Species = npt.NDArray[np.uint8]
Array = npt.NDArray[Any]


def minus_log2_table() -> npt.NDArray[np.uint32]:
    """Return log2(1 + k / 1024) for k = 0 to 1024 in units of 2^-25, uint32."""
    return np.rint(np.log2(1.0 + np.arange(1025) / 1024.0) * _SCALE).astype(np.uint32)


@dataclass(frozen=True, eq=False)
class Acceptance:
    """Temperatures as the engines want them, by slot.

    Parameters
    ----------
    kt : ndarray of float64, shape (R,)
        k T ln 2 in units of the resolution, over 2^25: a chain accepts what does not exceed
        ``-log2(u) kt``.
    beta : ndarray of float64, shape (R,)
        Inverse of `kt` (exchanges between temperatures).
    cut, shift, scale : ndarray of uint16, shape (R,)
        Replicas accept changes up to `cut` with 2^-x, x = ``change * shift * scale / 2^26``.
    """

    kt: Array
    beta: Array
    cut: Array
    shift: Array
    scale: Array


def scale_temperatures(temperatures_k: npt.NDArray[np.float64], resolution_ev: float) -> Acceptance:
    """Return the thresholds of each temperature; at 0 K nothing uphill is accepted."""
    unit = BOLTZMANN_EV_PER_K * temperatures_k * np.log(2.0) / resolution_ev
    with np.errstate(divide="ignore"):
        per_step = 1024.0 / unit
    cut = np.minimum(32767.0, np.floor(32760.0 / per_step))
    power = np.floor(np.log2(65535.0 / np.maximum(cut, 1.0)))
    scale = np.where(cut > 0, np.rint(np.minimum(per_step * 65536.0 / 2.0**power, 65535.0)), 0.0)
    with np.errstate(divide="ignore"):
        beta = _SCALE / unit
    return Acceptance(
        kt=np.minimum(unit, 1e200) / _SCALE,
        beta=beta,
        cut=cut.astype(np.uint16),
        shift=(2.0**power).astype(np.uint16),
        scale=scale.astype(np.uint16),
    )


@dataclass(eq=False)
class Sums:
    """What is summed over a run, by slot (temperature); see `MonteCarloState` for the symbols."""

    accepted: Array
    proposed: Array
    samples: Array
    reference: Array
    total: Array
    square: Array
    part_sum: Array
    part_samples: Array
    counted: Array
    cell_counts: Array
    pair_counts: Array
    exchanges: Array
    exchanged: Array

    @classmethod
    def zero(cls, n_replicas: int, n_cells: int, n_species: int) -> Sums:
        """Return sums of zero."""
        whole = {
            name: np.zeros(n_replicas, np.int64)
            for name in ("accepted", "proposed", "samples", "reference", "total", "counted")
        }
        return cls(
            **whole,
            square=np.zeros(n_replicas),
            part_sum=np.zeros((n_replicas, PARTS)),
            part_samples=np.zeros((n_replicas, PARTS), np.int64),
            cell_counts=np.zeros((n_replicas, n_cells, n_species), np.int64),
            pair_counts=np.zeros((n_replicas, n_species, n_species), np.int64),
            exchanges=np.zeros(n_replicas, np.int64),
            exchanged=np.zeros(n_replicas, np.int64),
        )


@dataclass(eq=False)
class MonteCarloState:
    """Everything `advance` reads and changes.

    R replicas, B = ceil(R / 32) blocks, S species, K classes of coordination. Arrays of the chain
    engine (``chains = 1``): field int32 (R, n + 12, 1 or 4), pair int32 (R, S, S, K, K), species
    uint8 (R, n), lists int32 (R, n). Of the replica engine: field and site int16
    (B, n, S - 1, 32), pair int16 (B, S, S, K, K, 32), species uint8 (B, n, 32), bits uint32
    (B, n + 12).
    """

    tables: SiteTables
    n_species: int
    n_replicas: int
    chains: int
    mode: int
    seed: int
    stream: Array
    slot: Array
    walker: Array
    ladder: Array
    ladder_start: Array
    acceptance: Acceptance
    field: Array
    pair: Array
    species: Species
    counts: Array
    correction: Array
    energy: Array
    sums: Sums
    field_stride: int
    pair_stride: int
    log_table: Array
    site: Array | None = None
    lists: Array | None = None
    bits: Array | None = None
    first_measured: int = 0
    n_measured: int = 1
    count_every: int = 10
    exchange_every: int = 0
    best_energy: Array | None = None
    best_species: Species | None = None

    def occupations(self, species: Species | None = None) -> Species:
        """Return the occupation by walker, uint8, shape (R, n)."""
        species = self.species if species is None else species
        if self.chains:
            return species.copy()
        n = self.tables.n_sites
        return np.ascontiguousarray(
            species.transpose(0, 2, 1).reshape(-1, n)[: self.n_replicas], dtype=np.uint8
        )

    def keep_best(self) -> None:
        """Keep each walker's best configuration from now on."""
        self.best_energy = self.energy.copy()
        self.best_species = self.species.copy()


def _lanes(array: Array, n_replicas: int) -> Array:
    """Return (R or 1, ...) as (B, ..., 32); the last replica fills what is left."""
    n_blocks = -(-n_replicas // LANES)
    index = np.minimum(np.arange(n_blocks * LANES), n_replicas - 1)
    if len(array) == 1:
        index = np.zeros_like(index)
    picked = array[index].reshape(n_blocks, LANES, *array.shape[1:])
    return np.ascontiguousarray(np.moveaxis(picked, 1, -1))


def build_state(
    tables: SiteTables,
    model: QuantisedModel,
    species: Species,
    temperatures_k: npt.NDArray[np.float64],
    *,
    engine: str,
    mode: int,
    seed: int,
    stream: npt.NDArray[np.uint32],
) -> MonteCarloState:
    """Return the state that a run starts from.

    Parameters
    ----------
    tables : SiteTables
        The lattice.
    model : QuantisedModel
        The model in whole numbers.
    species : ndarray of uint8, shape (R, n)
        Initial occupations.
    temperatures_k : ndarray of float64, shape (R,)
        Temperatures (K).
    engine : {"chain", "replicas"}
        Which engine runs.
    mode : int
        `SWAP_ANY`, `SWAP_NEIGHBOURS` or `FLIP`.
    seed : int
        Key of the random numbers.
    stream : ndarray of uint32, shape (R,)
        Stream of each replica.

    Returns
    -------
    MonteCarloState
        With sums of zero and no exchanges.
    """
    n_replicas, n = species.shape
    n_species, n_classes = model.bond.shape[1], model.bond.shape[3]
    fields = model.fields(tables, species)
    energy = model.energies(fields, species)
    counts = np.zeros((n_replicas, 4), np.int32)
    for s in range(n_species):
        counts[:, s] = (species == s).sum(axis=1)
    order = np.arange(n_replicas, dtype=np.int32)
    common: dict[str, Any] = {
        "tables": tables,
        "n_species": n_species,
        "n_replicas": n_replicas,
        "chains": int(engine == "chain"),
        "mode": mode,
        "seed": seed,
        "stream": np.ascontiguousarray(stream, dtype=np.uint32),
        "slot": order.copy(),
        "walker": order.copy(),
        "ladder": order.copy(),
        "ladder_start": np.zeros(1, np.int32),
        "acceptance": scale_temperatures(temperatures_k, model.resolution_ev),
        "counts": counts,
        "energy": energy,
        "sums": Sums.zero(n_replicas, len(tables.cell_shell), n_species),
        "log_table": minus_log2_table(),
    }
    if engine == "replicas":
        fields16 = _lanes(fields[..., 1:].astype(np.int16), n_replicas)
        return MonteCarloState(
            **common,
            field=fields16,
            site=_lanes(model.site[..., 1:].astype(np.int16), n_replicas),
            pair=_lanes(model.bond.astype(np.int16), n_replicas),
            species=_lanes(species, n_replicas),
            bits=np.zeros((len(fields16), n + 12), np.uint32),
            correction=np.zeros((n_replicas, 2), np.int32),
            field_stride=n * (n_species - 1) * LANES,
            pair_stride=n_species**2 * n_classes**2 * LANES,
        )
    width = 1 if n_species == 2 else 4
    field = np.zeros((n_replicas, n + 12, width), np.int32)
    if width == 1:
        field[:, :n] = fields[..., 1:]
    else:
        field[:, :n, :n_species] = fields
    bond = model.bond
    mixed = bond + bond.swapaxes(1, 2)
    like = np.einsum("rssxy->rsxy", bond)
    change = mixed - like[:, :, None] - like[:, None]
    flat = change.reshape(len(change), -1)
    correction = np.stack(
        [np.minimum(flat.min(axis=1), 0), np.maximum(flat.max(axis=1), 0)], axis=1
    )
    return MonteCarloState(
        **common,
        field=field,
        pair=np.ascontiguousarray(bond),
        species=species.copy(),
        lists=np.argsort(species, axis=1, kind="stable").astype(np.int32),
        correction=np.ascontiguousarray(
            np.broadcast_to(correction, (n_replicas, 2)), dtype=np.int32
        ),
        field_stride=(n + 12) * width,
        pair_stride=0 if len(bond) == 1 else n_species**2 * n_classes**2,
    )
