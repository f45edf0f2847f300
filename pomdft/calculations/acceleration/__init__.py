"""Inner loops of GPAW that pomdft does faster, with the same result to rounding."""

from pomdft.calculations.acceleration.basis_integrals import use_blocked_integrals
from pomdft.calculations.acceleration.continuum import (
    use_common_cavities,
    use_dielectric_sweeps,
    use_lasting_compensation,
)
from pomdft.calculations.acceleration.functionals import use_many_points_at_once
from pomdft.calculations.acceleration.gradient_corrections import (
    use_common_divergences,
    use_gradients_by_lines,
)
from pomdft.calculations.acceleration.paw_corrections import use_whole_angular_grids
from pomdft.calculations.acceleration.poisson import use_direct_sine_transforms

__all__ = ["accelerate_gpaw"]


def accelerate_gpaw() -> None:
    """Let GPAW use every one of these loops in this process; once is enough.

    What they do not cover (k-points, solvents' own terms, other functionals) stays GPAW's.
    """
    use_blocked_integrals()
    use_whole_angular_grids()
    use_direct_sine_transforms()
    use_common_divergences()
    use_gradients_by_lines()
    use_many_points_at_once()
    use_common_cavities()
    use_lasting_compensation()
    use_dielectric_sweeps()
