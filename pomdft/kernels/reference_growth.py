"""Python twin of the growth kernel: the same arithmetic in the same order, slowly."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pomdft.kernels import random_philox as rng
from pomdft.kernels.reference_montecarlo import minus_log2

Array = npt.NDArray[Any]
_SWAP_NONE, _SWAP_SURFACE = 0, 1
_OPEN, _SURFACE = 0, 1


class _Particle:
    def __init__(self, neighbours: Array, half: Array, atom: Array, species: Array) -> None:
        self.rows = [[int(j) for j in row if j >= 0] for row in neighbours]
        self.half, self.atom, self.species = half, atom, species
        n = len(self.rows)
        self.around = np.zeros((n, len(half)), np.int64)
        self.z = np.zeros(n, np.int64)
        for i, row in enumerate(self.rows):
            for j in row:
                if species[j] >= 0:
                    self.around[i, species[j]] += 1
                    self.z[i] += 1
        self.lists: list[list[int]] = [[], []]
        self.places: list[dict[int, int]] = [{}, {}]
        self.energy = 0.0
        for i in range(n):
            self.enlist_site(i)
            if species[i] >= 0:
                self.energy += self.atom_energy(i)

    def enlist(self, which: int, i: int, wanted: bool) -> None:
        entries, places = self.lists[which], self.places[which]
        if wanted == (i in places):
            return
        if wanted:
            places[i] = len(entries)
            entries.append(i)
            return
        last = entries.pop()
        at = places.pop(i)
        if last != i:
            entries[at] = last
            places[last] = at

    def enlist_site(self, i: int) -> None:
        occupied = bool(self.species[i] >= 0)
        self.enlist(_OPEN, i, not occupied and bool(self.z[i] > 0))
        self.enlist(_SURFACE, i, occupied and bool(self.z[i] < 12))

    def enlist_around(self, i: int) -> None:
        self.enlist_site(i)
        for j in self.rows[i]:
            self.enlist_site(j)

    def atom_energy(self, i: int) -> float:
        s, z = int(self.species[i]), int(self.z[i])
        energy = float(self.atom[s, z])
        for t in range(len(self.half)):
            energy += float(self.around[i, t]) * float(self.half[s, t, z])
        return energy

    def set_site(self, i: int, s: int) -> float:
        old = int(self.species[i])
        change = 0.0
        if old >= 0:
            change -= self.atom_energy(i)
        self.species[i] = s
        if s >= 0:
            change += self.atom_energy(i)
        for j in self.rows[i]:
            occupied = self.species[j] >= 0
            if occupied:
                change -= self.atom_energy(j)
            if old >= 0:
                self.around[j, old] -= 1
                self.z[j] -= 1
            if s >= 0:
                self.around[j, s] += 1
                self.z[j] += 1
            if occupied:
                change += self.atom_energy(j)
        return change


class _Growth:
    def __init__(
        self, particle: _Particle, neighbours: Array, seed: int, stream: int, **options: Any
    ) -> None:
        self.particle, self.neighbours, self.seed, self.stream = particle, neighbours, seed, stream
        self.table, self.kt = options["log_table"], options["kt"]
        self.swap, self.least = options["swap"], options["least_contacts"]
        self.turn = 0

    def words(self) -> list[int]:
        drawn = rng.philox_words(self.seed, np.uint64(self.turn), self.stream, rng.GROWTH)
        self.turn += 1
        return [int(w) for w in drawn]

    def find_open(self) -> int:
        p = self.particle
        entries = p.lists[_OPEN]
        if not entries:
            return -1
        words: list[int] = []
        for tries in range(64):
            if tries % 4 == 0:
                words = self.words()
            i = entries[words[tries % 4] * len(entries) >> 32]
            if p.z[i] >= self.least:
                return i
        return min(entries, key=lambda k: (-int(p.z[k]), k))

    def move_atom(self, arrival: Array, counts: Array) -> None:
        p = self.particle
        surface = p.lists[_SURFACE]
        if not surface:
            return
        words = self.words()
        i = surface[words[0] * len(surface) >> 32]
        j = int(self.neighbours[i, words[1] * 12 >> 32])
        if j < 0:
            return
        word = np.array([words[2]], np.uint32)
        threshold = float(minus_log2(word, self.table)[0]) * self.kt
        a, b = int(p.species[i]), int(p.species[j])
        hop = b < 0
        if hop:
            if p.z[j] - 1 < max(min(self.least, int(p.z[i])), 1):
                return
        elif a == b or self.swap == _SWAP_NONE or (self.swap == _SWAP_SURFACE and p.z[j] == 12):
            return
        at = 0 if hop else 2
        counts[at] += 1
        change = p.set_site(i, b if not hop else -1)
        change += p.set_site(j, a)
        if change > threshold:
            p.set_site(j, b if not hop else -1)
            p.set_site(i, a)
            return
        p.energy += change
        counts[at + 1] += 1
        arrival[i], arrival[j] = (-1 if hop else arrival[j]), arrival[i]
        if hop:
            p.enlist_around(i)
            p.enlist_around(j)


def run(
    neighbours: Array,
    half: Array,
    atom: Array,
    galvanic: Array,
    log_table: Array,
    seed: int,
    kt: float,
    moves_per_atom: int,
    swap: int,
    least_contacts: int,
    stream: Array,
    species: Array,
    arrival: Array,
    queue: Array,
    n_atoms: int,
    counts: Array,
    energy: Array,
    n_threads: int,
) -> None:
    """Grow all replicas; changes species, arrival, queue, counts and energy in place."""
    options = {"log_table": log_table, "kt": kt, "swap": swap, "least_contacts": least_contacts}
    for r in range(len(stream)):
        p = _Particle(neighbours, half, atom, species[r])
        growth = _Growth(p, neighbours, seed, int(stream[r]), **options)
        total, step = n_atoms, 0
        while step < total:
            s = int(queue[r, step])
            place = -1
            words = growth.words()
            surface = p.lists[_SURFACE]
            if surface and total < queue.shape[1]:
                met = surface[words[0] * len(surface) >> 32]
                t = int(p.species[met])
                if t != s and words[1] < float(galvanic[s, t]) * 4294967296.0:
                    queue[r, total] = t
                    total += 1
                    counts[r, 4] += 1
                    place = met
            if place < 0:
                place = growth.find_open()
            if place < 0:
                counts[r, 5] += 1
            else:
                grows = p.species[place] < 0
                p.energy += p.set_site(place, s)
                if grows:
                    p.enlist_around(place)
                arrival[r, place] = step
                for _ in range(moves_per_atom):
                    growth.move_atom(arrival[r], counts[r])
            step += 1
        energy[r] = p.energy
