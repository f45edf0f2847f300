"""Flows on a cluster's queue: scripts, the engine that drives it, workers on its nodes."""
