import numpy as np
import pytest

from pomdft.calculations.projections import StateProjections, read_projections
from pomdft.errors import CorruptDocumentError, InputError

gpaw = pytest.importorskip("gpaw")
pytestmark = pytest.mark.filterwarnings("default")  # GPAW's own deprecations


@pytest.fixture(scope="module", params=["new", "legacy"])
def copper(request):
    """A coarse calculation of bulk copper (1 s): the reading is tested, not the numbers."""
    from ase.build import bulk

    options = {"legacy_gpaw": True} if request.param == "legacy" else {}
    atoms = bulk("Cu")
    atoms.calc = gpaw.GPAW(
        mode=gpaw.PW(200),
        xc="LDA",
        kpts=(2, 2, 1),
        occupations={"name": "fermi-dirac", "width": 0.1},
        convergence={"density": 1e-3},
        txt=None,
        **options,
    )
    atoms.get_potential_energy()
    return atoms.calc


def test_moments_equal_those_of_the_calculator_s_own_density_of_states(copper):
    from gpaw.dos import DOSCalculator

    read = read_projections(copper)
    assert read.atoms.tolist() == [0]
    energies = np.linspace(-20.0, 60.0, 16001)
    theirs = DOSCalculator.from_calculator(copper).raw_pdos(energies, a=0, l=2, width=0.1)
    weight = np.trapezoid(theirs, energies)
    center = np.trapezoid(theirs * energies, energies) / weight
    # Their Gaussian is exp(-(e / width)^2).
    ours = read.moments(broadening_ev=0.1 / np.sqrt(2.0), upper_edge=True)
    assert ours.weight[0] == pytest.approx(weight, rel=1e-6)
    assert ours.center_ev[0] == pytest.approx(center, abs=1e-5)
    low, high = -6.0, -1.0
    inside = np.linspace(low, high, 5001)
    part = np.interp(inside, energies, theirs)
    window = read.moments(broadening_ev=0.1 / np.sqrt(2.0), window_ev=(low, high))
    expected = np.trapezoid(part * inside, inside) / np.trapezoid(part, inside)
    assert window.center_ev[0] == pytest.approx(expected, abs=1e-3)
    assert window.center_ev[0] < ours.upper_edge_ev[0] < 0.0


def test_occupations_and_weights_count_the_electrons(copper):
    read = read_projections(copper, [0])
    assert read.state_weights @ read.occupations == pytest.approx(11.0, abs=1e-6)
    assert read.projections.shape[1] == 5
    assert "5 channels" in repr(read)


def test_other_orbitals_and_wrong_atoms(copper):
    assert read_projections(copper, angular_momentum=0).projections.shape[1] == 1
    with pytest.raises(InputError, match="outside 0 to 0"):
        read_projections(copper, [3])
    with pytest.raises(InputError, match="no atom has a f orbital"):
        read_projections(copper, angular_momentum=3)
    with pytest.raises(InputError, match="must be 0 to 3"):
        read_projections(copper, angular_momentum=4)


def test_file_is_read_back(copper, tmp_path):
    read = read_projections(copper)
    path = tmp_path / "projections.npz"
    read.write(path)
    again = StateProjections.read(path)
    assert again.projections.dtype == read.projections.dtype
    assert np.array_equal(again.projections, read.projections)
    assert [p.name for p in tmp_path.iterdir()] == ["projections.npz"]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CorruptDocumentError, match="not a file of projections"):
        StateProjections.read(path)
    with pytest.raises(CorruptDocumentError, match=r"missing.npz"):
        StateProjections.read(tmp_path / "missing.npz")
