import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.electronic_structure.core import Orbital, OrbitalType, Spin
from pymatgen.electronic_structure.dos import CompleteDos, Dos

from pomdft.analysis.dband import read_arrays, read_complete_dos, read_projections
from pomdft.errors import InputError, KernelInputError

ORBITALS = (Orbital.dxy, Orbital.dyz, Orbital.dz2, Orbital.dxz, Orbital.dx2_y2)
FERMI = 4.2


def make_dos(spins=(Spin.up, Spin.down), orbitals=ORBITALS):
    """A Pd-Pd-O cell: d projections on the metals only, energies not relative to vacuum."""
    rng = np.random.default_rng(0)
    structure = Structure(
        Lattice.cubic(5.0), ["Pd", "Pd", "O"], [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]]
    )
    energies = np.linspace(-6.0, 12.0, 1800)

    def densities():
        center = rng.uniform(0.0, 4.0)
        shape = np.exp(-((energies - center) ** 2))
        return {spin: shape * rng.uniform(0.5, 1.0) for spin in spins}

    pdos = {
        site: {o: densities() for o in (*orbitals, Orbital.s)}
        if i < 2
        else {Orbital.s: densities()}
        for i, site in enumerate(structure)
    }
    total = Dos(FERMI, energies, densities())
    return CompleteDos(structure, total, pdos)


@pytest.mark.parametrize("spins", [(Spin.up,), (Spin.up, Spin.down)])
def test_complete_dos_gives_what_pymatgen_gives(spins):
    dos = make_dos(spins)
    bands = read_complete_dos(dos)
    assert bands.sites == ("Pd0", "Pd1")
    for band, site in zip(bands, dos.structure, strict=False):
        assert band.center_ev == pytest.approx(dos.get_band_center(sites=[site]), abs=1e-9)
        assert band.width_ev == pytest.approx(dos.get_band_width(sites=[site]), abs=1e-9)
        assert band.filling == pytest.approx(dos.get_band_filling(sites=[site]), abs=5e-3)
        # Theirs is periodic and on the grid.
        theirs = dos.get_upper_band_edge(sites=[site], spin=None)
        if len(spins) == 1:
            assert band.upper_edge_ev == pytest.approx(theirs, abs=0.05)


def test_window_is_relative_to_the_fermi_level():
    dos = make_dos()
    band = read_complete_dos(dos, sites=[1], window_ev=(-4.0, 0.0))[0]
    theirs = dos.get_band_center(sites=[dos.structure[1]], erange=(-4.0, 0.0))
    assert band.center_ev == pytest.approx(theirs, abs=0.01)
    assert band.filling == pytest.approx(1.0)
    assert "-4 to 0 eV" in repr(band)


def test_mean_is_the_band_of_the_summed_densities():
    dos = make_dos()
    mean = read_complete_dos(dos).mean()
    assert mean.center_ev == pytest.approx(dos.get_band_center(elements=["Pd"]), abs=1e-9)
    assert mean.width_ev == pytest.approx(dos.get_band_width(elements=["Pd"]), abs=1e-9)
    assert mean.upper_edge_ev is None
    assert mean.site == "2 sites"


def test_orbitals_may_be_summed_already():
    dos = make_dos()
    summed = {}
    for site, by_orbital in dos.pdos.items():
        d = [v for o, v in by_orbital.items() if o.orbital_type == OrbitalType.d]
        if d:
            summed[site] = {OrbitalType.d: {s: sum(x[s] for x in d) for s in d[0]}}
    other = CompleteDos(dos.structure, dos, summed)
    assert read_complete_dos(other)[0].center_ev == pytest.approx(
        read_complete_dos(dos)[0].center_ev
    )


def test_sites_without_d_orbitals_are_refused():
    dos = make_dos()
    with pytest.raises(InputError, match=r"site 2 has no projections.*0, 1"):
        read_complete_dos(dos, sites=[2])
    with pytest.raises(InputError, match="site 7"):
        read_complete_dos(dos, sites=[7])
    with pytest.raises(InputError, match="no site has projections"):
        read_complete_dos(CompleteDos(dos.structure, dos, {}))


def test_arrays_and_table():
    e = np.linspace(-8.0, 4.0, 1201)
    rho = np.exp(-((e[None, None] + np.array([[[2.0]], [[3.0]]])) ** 2))
    bands = read_arrays(rho, e, sites=["Au0", "Pd1"])
    table = bands.to_dataframe()
    assert list(table.index) == ["Au0", "Pd1"]
    assert table.loc["Pd1", "center_ev"] == pytest.approx(-3.0, abs=1e-6)
    assert bands[1].center_ev == table.loc["Pd1", "center_ev"]
    assert len(list(bands)) == len(bands) == 2
    assert "whole band" in repr(bands[0])
    with pytest.raises(InputError, match="1 names for 2 sites"):
        read_arrays(rho, e, sites=["Au0"])
    with pytest.raises(KernelInputError, match="densities"):
        read_arrays(0.0 * rho, e)


def test_projections_of_one_state():
    bands = read_projections(np.ones((1, 5, 1)), [-1.5], [2.0], broadening_ev=0.1)
    band = bands.mean()
    assert band.center_ev == pytest.approx(-1.5)
    assert band.weight == pytest.approx(10.0)
    assert band.upper_edge_ev == pytest.approx(-1.5 + 0.924139 * np.sqrt(2.0) * 0.1, abs=1e-3)
