"""NumPy twin of the Monte Carlo engines: the same arrays, the same trajectories, slowly."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pomdft.kernels import random_philox as rng
from pomdft.kernels.montecarlo_state import FLIP, LANES, PARTS, SWAP_NEIGHBOURS, MonteCarloState

Array = npt.NDArray[Any]
_POLYNOMIAL = (45421, 15699, 3500, 455)


def minus_log2(words: Array, table: Array) -> npt.NDArray[np.int64]:
    """Return -log2(u / 2^32) in units of 2^-25, a word of 0 taken as 1."""
    bits = np.maximum(words, 1).astype(np.float64).view(np.uint64)
    exponent = (bits >> np.uint64(52)).astype(np.int64) - 1023
    fraction = ((bits >> np.uint64(20)) & np.uint64(0xFFFFFFFF)).astype(np.int64)
    wide = table.astype(np.int64)
    low, high = wide[fraction >> 22], wide[(fraction >> 22) + 1]
    result: npt.NDArray[np.int64] = (
        ((32 - exponent) << 25) - low - (((high - low) * (fraction & 0x3FFFFF)) >> 22)
    )
    return result


def below(words: Array, n: int) -> npt.NDArray[np.int64]:
    """Return whole numbers from 0 to n - 1."""
    return ((words.astype(np.uint64) * np.uint64(n)) >> np.uint64(32)).astype(np.int64)


def _below(word: Any, n: int) -> int:
    return int(word) * n >> 32


class _Chain:
    """One replica of the chain engine; its arrays are views of the state's."""

    def __init__(self, state: MonteCarloState, walker: int) -> None:
        self.state = state
        self.walker = walker
        tables = state.tables
        self.n, self.s, self.k = tables.n_sites, state.n_species, tables.n_classes
        self.rows = tables.rows
        self.field = state.field[walker]
        self.pair = state.pair[walker if len(state.pair) > 1 else 0]
        self.species = state.species[walker]
        self.accepted = self.proposed = 0

    def value(self, i: int, c: int) -> int:
        if self.s == 2:
            return int(self.field[i, 0]) if c else 0
        return int(self.field[i, c])

    def spread(self, i: int, a: int, b: int) -> None:
        row = self.rows[i]
        near, of = row[: row[13]] >> 4, row[: row[13]] & 15
        change = (self.pair[:, b, of, row[12]] - self.pair[:, a, of, row[12]]).T
        if self.s == 2:
            self.field[near, 0] += change[:, 1]
        else:
            self.field[near, : self.s] += change

    def correction(self, i: int, j: int, a: int, b: int) -> int:
        ki, kj, p = self.rows[i, 12], self.rows[j, 12], self.pair
        return int(p[b, a, ki, kj] + p[a, b, ki, kj] - p[a, a, ki, kj] - p[b, b, ki, kj])

    def steps(self, first: int, count: int) -> None:
        state = self.state
        index = np.arange(count, dtype=np.uint64) + np.uint64(first)
        words = rng.philox_words(state.seed, index, int(state.stream[self.walker]), rng.CHAIN)
        slot = int(state.slot[self.walker])
        scaled = minus_log2(words[:, 2], state.log_table) * float(state.acceptance.kt[slot])
        thresholds = np.minimum(scaled, 2147483647.0).astype(np.int64)
        if state.mode == FLIP:
            sites, turns = below(words[:, 0], self.n), below(words[:, 1], self.s - 1)
            for i, turn, threshold in zip(sites, turns, thresholds, strict=True):
                self.flip(int(i), int(turn), int(threshold))
        elif state.mode == SWAP_NEIGHBOURS:
            sites, slots = below(words[:, 0], self.n), below(words[:, 1], 12)
            for i, m, threshold in zip(sites, slots, thresholds, strict=True):
                j = int(self.rows[i, m]) >> 4
                if j < self.n and self.species[i] != self.species[j]:
                    self.swap(int(i), j, int(threshold))
        else:
            self.swap_listed(words, thresholds)

    def swap_listed(self, words: Array, thresholds: Array) -> None:
        atoms = self.state.counts[self.walker].astype(np.int64)
        starts = np.cumsum(atoms) - atoms
        lists = self.state.lists
        if lists is None:
            return
        pairs = [
            (a, b) for a in range(self.s) for b in range(a + 1, self.s) if atoms[a] and atoms[b]
        ]
        if not pairs:
            return
        weights = np.cumsum([int(atoms[a] * atoms[b]) for a, b in pairs])
        bounds = np.minimum(weights / float(weights[-1]) * 4294967296.0, 4294967295.0)
        bound = bounds.astype(np.uint32)
        kinds = np.minimum(np.searchsorted(bound, words[:, 3], side="right"), len(pairs) - 1)
        order = lists[self.walker]
        for word, kind, threshold in zip(words, kinds, thresholds, strict=True):
            a, b = pairs[kind]
            at_a = int(starts[a]) + _below(word[0], int(atoms[a]))
            at_b = int(starts[b]) + _below(word[1], int(atoms[b]))
            i, j = int(order[at_a]), int(order[at_b])
            if self.swap(i, j, int(threshold)):
                order[at_a], order[at_b] = j, i

    def swap(self, i: int, j: int, threshold: int) -> bool:
        a, b = int(self.species[i]), int(self.species[j])
        self.proposed += 1
        change = self.value(i, b) - self.value(i, a) + self.value(j, a) - self.value(j, b)
        if (self.rows[i, :12] >> 4 == j).any():
            change += self.correction(i, j, a, b)
        if change > threshold:
            return False
        self.species[i], self.species[j] = b, a
        self.spread(i, a, b)
        self.spread(j, b, a)
        self.accept(change)
        return True

    def flip(self, i: int, turn: int, threshold: int) -> None:
        a = int(self.species[i])
        b = (a + 1 + turn) % self.s
        self.proposed += 1
        change = self.value(i, b) - self.value(i, a)
        if change <= threshold:
            self.species[i] = b
            self.spread(i, a, b)
            self.accept(change)

    def accept(self, change: int) -> None:
        self.accepted += 1
        self.state.energy[self.walker] += change


class _Block:
    """32 replicas of the replica engine, in NumPy arrays of 32 lanes."""

    def __init__(self, state: MonteCarloState, index: int) -> None:
        self.state = state
        tables = state.tables
        self.n, self.s, self.k = tables.n_sites, state.n_species, tables.n_classes
        self.rows = tables.rows
        first = index * LANES
        self.count = min(LANES, state.n_replicas - first)
        self.walkers = np.minimum(first + np.arange(LANES), state.n_replicas - 1)
        self.field = state.field[index]
        self.pair = state.pair[index]
        self.species = state.species[index]
        if state.site is not None:
            self.site = state.site[index]
        slots = state.slot[self.walkers]
        self.cut = state.acceptance.cut[slots].astype(np.int64)
        self.shift = state.acceptance.shift[slots].astype(np.int64)
        self.scale = state.acceptance.scale[slots].astype(np.int64)
        self.lane = np.arange(LANES)
        self.accepted = np.zeros(LANES, np.int64)
        self.proposed = np.zeros(LANES, np.int64)

    def steps(self, first: int, count: int) -> None:
        state = self.state
        index = np.arange((count + 1) // 2, dtype=np.uint64) + np.uint64(first // 2)
        shared = rng.philox_words(state.seed, index, 0, rng.PROPOSAL).reshape(-1, 2)
        eighths = np.arange((count + 7) // 8, dtype=np.uint64) + np.uint64(first // 8)
        words = rng.philox_words(
            state.seed, eighths[:, None], state.stream[self.walkers], rng.ACCEPT
        )
        halves = np.stack([words & np.uint32(0xFFFF), words >> np.uint32(16)], axis=-1)
        bits = halves.reshape(len(eighths), LANES, 8).swapaxes(1, 2).reshape(-1, LANES)
        for k in range(count):
            i = _below(shared[k, 0], self.n)
            self.step(i, shared[k, 1], bits[k].astype(np.int64), first + k)

    def value(self, i: int, c: Array) -> Array:
        own = self.field[i].astype(np.int64)
        return np.where(c > 0, own[np.maximum(c - 1, 0), self.lane], 0)

    def step(self, i: int, word: np.uint32, bits: Array, now: int) -> None:
        a = self.species[i].astype(np.int64)
        if self.state.mode == FLIP:
            offer = _below(word, 3)
            trade = {2: 1 - a, 3: np.where(a == offer, a, 3 - offer - a), 4: a ^ (offer + 1)}
            b = trade[self.s]
            change = self.value(i, b) - self.value(i, a)
            accept = self.decide(change, a != b, bits, now)
            self.species[i] = np.where(accept, b, a)
            self.spread(i, a, b, accept)
            return
        if self.state.mode == SWAP_NEIGHBOURS:
            j = int(self.rows[i, _below(word, 12)]) >> 4
            if j >= self.n:
                return
        else:
            j = _below(word, self.n)
        b = self.species[j].astype(np.int64)
        change = self.value(i, b) - self.value(i, a) + self.value(j, a) - self.value(j, b)
        if (self.rows[i, :12] >> 4 == j).any():
            at = (self.rows[i, 12], self.rows[j, 12], self.lane)
            p = self.pair.astype(np.int64)
            change += p[(b, a, *at)] + p[(a, b, *at)] - p[(a, a, *at)] - p[(b, b, *at)]
        accept = self.decide(change, a != b, bits, now)
        self.species[i] = np.where(accept, b, a)
        self.species[j] = np.where(accept, a, b)
        self.spread(i, a, b, accept)
        self.spread(j, b, a, accept)

    def decide(self, change: Array, unlike: Array, bits: Array, now: int) -> Array:
        tried = unlike & (change > 0) & (change <= self.cut)
        shifted = np.where(tried, change * self.shift, 0)
        product = shifted * self.scale
        high = product >> 16
        f = (product >> 10) & 0xFFFF
        p1, p2, p3, p4 = _POLYNOMIAL
        p = p1 - ((f * (p2 - ((f * (p3 - ((f * p4) >> 16))) >> 16))) >> 16)
        mantissa = 65535 - ((f * p) >> 16)
        whole = high >> 10
        bound = mantissa >> whole
        accept = (unlike & (change <= 0)) | (tried & (bits < bound))
        for lane in np.flatnonzero(tried & (bits == bound)):
            stream = int(self.state.stream[self.walkers[lane]])
            words = rng.philox_words(self.state.seed, now, stream, rng.REFINE)
            low = ((int(mantissa[lane]) << 16) >> int(whole[lane])) & 0xFFFF
            accept[lane] = (int(words[0]) & 0xFFFF) < low
        self.accepted += accept
        self.proposed += unlike
        return np.asarray(accept)

    def spread(self, i: int, a: Array, b: Array, accept: Array) -> None:
        row = self.rows[i]
        for entry in row[: row[13]]:
            at = (int(entry) & 15, int(row[12]), self.lane)
            for c in range(1, self.s):
                change = self.pair[(c, b, *at)] - self.pair[(c, a, *at)]
                self.field[int(entry) >> 4, c - 1] += np.where(accept, change, 0).astype(np.int16)

    def energies(self) -> npt.NDArray[np.int64]:
        both = self.field.astype(np.int64) + self.site
        kinds = np.arange(1, self.s)[None, :, None]
        own = np.where(self.species[:, None, :] == kinds, both, 0)
        total: npt.NDArray[np.int64] = own.sum(axis=(0, 1)) // 2
        return total


def _measure(state: MonteCarloState, sweep: int, walker: int, species: Array) -> None:
    if not 0 <= sweep - state.first_measured < state.n_measured:
        return
    sums, slot = state.sums, int(state.slot[walker])
    energy = int(state.energy[walker])
    if sums.samples[slot] == 0:
        sums.reference[slot] = energy
    difference = energy - int(sums.reference[slot])
    done = sweep - state.first_measured
    part = done * PARTS // state.n_measured
    sums.samples[slot] += 1
    sums.total[slot] += difference
    sums.square[slot] += float(difference) * float(difference)
    sums.part_sum[slot, part] += float(difference)
    sums.part_samples[slot, part] += 1
    if done % state.count_every:
        return
    tables, s = state.tables, state.n_species
    for cell in range(len(tables.cell_shell)):
        sites = tables.cell_sites[tables.cell_start[cell] : tables.cell_start[cell + 1]]
        sums.cell_counts[slot, cell] += np.bincount(species[sites], minlength=s)
    ends = np.sort(species[tables.bonds].astype(np.int64), axis=1)
    pairs = np.bincount(ends[:, 0] * s + ends[:, 1], minlength=s * s)
    sums.pair_counts[slot] += pairs.reshape(s, s)
    sums.counted[slot] += 1


def _keep_best(state: MonteCarloState, walker: int, place: Any) -> None:
    if state.best_energy is None or state.best_species is None:
        return
    if state.energy[walker] < state.best_energy[walker]:
        state.best_energy[walker] = state.energy[walker]
        state.best_species[place] = state.species[place]


def _run_chain(state: MonteCarloState, walker: int, sweep: int) -> None:
    chain = _Chain(state, walker)
    n = state.tables.n_sites
    chain.steps(sweep * ((n + 7) // 8 * 8), n)
    slot = state.slot[walker]
    state.sums.accepted[slot] += chain.accepted
    state.sums.proposed[slot] += chain.proposed
    _measure(state, sweep, walker, state.species[walker])
    _keep_best(state, walker, walker)


def _run_block(state: MonteCarloState, index: int, sweep: int) -> None:
    block = _Block(state, index)
    n = state.tables.n_sites
    block.steps(sweep * ((n + 7) // 8 * 8), n)
    energies = block.energies()
    for lane in range(block.count):
        walker = int(block.walkers[lane])
        slot = state.slot[walker]
        state.energy[walker] = energies[lane]
        state.sums.accepted[slot] += block.accepted[lane]
        state.sums.proposed[slot] += block.proposed[lane]
        _measure(state, sweep, walker, block.species[:, lane])
        _keep_best(state, walker, (index, slice(None), lane))


def _exchange(state: MonteCarloState, index: int) -> None:
    beta, energy = state.acceptance.beta, state.energy
    for start, stop in zip(state.ladder_start[:-1], state.ladder_start[1:], strict=True):
        for k in range(int(start) + (index & 1), int(stop) - 1, 2):
            a, b = int(state.ladder[k]), int(state.ladder[k + 1])
            wa, wb = int(state.walker[a]), int(state.walker[b])
            words = rng.philox_words(state.seed, index, k, rng.EXCHANGE)
            barrier = float(beta[b] - beta[a]) * float(energy[wa] - energy[wb])
            state.sums.exchanges[a] += 1
            if barrier > float(minus_log2(words[:1], state.log_table)[0]):
                continue
            state.sums.exchanged[a] += 1
            state.walker[a], state.walker[b] = wb, wa
            state.slot[wa], state.slot[wb] = b, a


def advance(state: MonteCarloState, sweep: int, n_sweeps: int, level: int, n_threads: int) -> None:
    """Do `n_sweeps` sweeps from the `sweep`-th on; changes the arrays of `state` in place.

    Parameters
    ----------
    state : MonteCarloState
        Arrays of the run.
    sweep, n_sweeps : int
        Sweeps done before, and to do.
    level, n_threads : int
        Vector path and threads of the compiled engines; no meaning here.
    """
    units = state.n_replicas if state.chains else len(state.species)
    run = _run_chain if state.chains else _run_block
    for at in range(sweep, sweep + n_sweeps):
        for unit in range(units):
            run(state, unit, at)
        if state.exchange_every and (at + 1) % state.exchange_every == 0:
            _exchange(state, (at + 1) // state.exchange_every)
