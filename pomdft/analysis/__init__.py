"""From stored results to d-band moments and segregation energies."""
