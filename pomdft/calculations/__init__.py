"""Running one calculation: levels of theory, GPAW in its own process, recovery, checkpoints."""
