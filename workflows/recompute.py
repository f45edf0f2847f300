"""Compute shipped numbers again from the beginning and compare.

    python workflows/recompute.py STORE KEY [KEY ...]

STORE is a folder for the new calculations, empty at first; stopped and started again it goes on.
Each key's own command (`pomdft show KEY`) is run there. Like the command it takes what it builds
upon from the shipped data: lattice constants for slabs and alloys, relaxed complexes for ensembles
and interaction energies. Fails where an energy moves by more than 0.02 eV.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

from pomdft.cli.recomputation import find_command
from pomdft.schemas.affinity import Affinity
from pomdft.store.documents import (
    StoredDocument,
    list_documents,
    load_every_reference_document,
    load_reference_affinities,
)
from pomdft.store.results import ResultStore

TOLERANCE_EV = 0.02
#: What differs between two computations of one number, energies apart.
_OF_ITS_OWN = {"key", "calculations", "source", "finished", "contacts"}


def find_shipped(prefix: str) -> Affinity | StoredDocument:
    """Return the one shipped document whose key begins so."""
    every = (*load_reference_affinities(), *load_every_reference_document())
    found = [document for document in every if document.key.startswith(prefix)]
    if len(found) != 1:
        raise SystemExit(f"{len(found)} shipped documents have a key that begins with {prefix}.")
    return found[0]


def describe(document: Affinity | StoredDocument) -> dict[str, object]:
    """Return what a document is of: its names and whole numbers, and its level."""
    data = document.model_dump(exclude=_OF_ITS_OWN)
    names = {name: value for name, value in data.items() if isinstance(value, str | int)}
    return {**names, "model": data.get("model"), "level": document.level.title}


def compare(document: Affinity | StoredDocument, root: Path) -> float:
    """Print the energies of a document beside those computed in `root`; return the worst change."""
    if isinstance(document, Affinity):
        candidates: list[Affinity | StoredDocument] = [*ResultStore(root).affinities()]
    else:
        candidates = [*list_documents(root, type(document))]
    again = [other for other in candidates if describe(other) == describe(document)]
    if not again:
        print(f"{document!r}: not computed")
        return float("inf")
    worst = 0.0
    for name in type(document).model_fields:
        old, new = getattr(document, name), getattr(again[-1], name)
        if "_ev" in name and isinstance(old, float) and isinstance(new, float):
            print(f"{document.key[:8]}  {name:28} {old:+10.4f} {new:+10.4f} {new - old:+9.4f}")
            worst = max(worst, abs(new - old))
    return worst


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path, help="folder for the new calculations")
    parser.add_argument("keys", nargs="+", help="keys of shipped numbers, or their beginnings")
    chosen = parser.parse_args()
    environment = {**os.environ, "POMDFT_STORE": str(chosen.store.absolute())}
    worst = 0.0
    for document in map(find_shipped, chosen.keys):
        command = find_command(document)
        if command is None:
            raise SystemExit(f"No single command computes {document!r}.")
        print(command, flush=True)
        program = [sys.executable, "-m", "pomdft.cli.main", *shlex.split(command)[1:]]
        subprocess.run(program, env=environment, check=False, stdout=subprocess.DEVNULL)
        worst = max(worst, compare(document, chosen.store.absolute()))
    print(f"largest change {worst:.4f} eV, limit {TOLERANCE_EV} eV")
    if worst > TOLERANCE_EV:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
