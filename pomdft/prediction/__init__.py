"""From affinities and segregation energies to ordering and activity."""
