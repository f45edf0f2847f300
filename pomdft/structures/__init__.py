"""Polyoxometalates, metal clusters, slabs and the complexes docked from them."""
