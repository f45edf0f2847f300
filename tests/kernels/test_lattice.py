import numpy as np
import pytest
from ase.cluster import Decahedron, Icosahedron, Octahedron
from ase.neighborlist import neighbor_list

from pomdft.errors import KernelInputError, UnknownNameError
from pomdft.kernels import compiled, reference_lattice, shapes, site_grids
from pomdft.kernels.lattice import SHAPES, Lattice, build_lattice

MAGIC = (13, 55, 147, 309, 561, 923, 1415)


@pytest.mark.parametrize("shape", ["cuboctahedron", "icosahedron"])
def test_closed_shell_sizes(shape):
    for shells, n in enumerate(MAGIC, start=1):
        lattice = build_lattice(shape, n)
        assert len(lattice) == n
        assert lattice.size == {"shells": shells}
        # Surface atoms of a closed shell: 10 k^2 + 2; one shell lies within the other.
        sizes = [10 * k * k + 2 for k in range(shells, 0, -1)] + [1]
        assert np.bincount(lattice.shell).tolist() == sizes


@pytest.mark.parametrize("n", [38, 79, 201, 314, 405, 586])
def test_truncated_octahedra(n):
    assert len(build_lattice("truncated-octahedron", n)) == n


@pytest.mark.parametrize("n", [75, 101, 146, 192])
def test_marks_decahedra(n):
    assert len(build_lattice("decahedron", n)) == n


def _bonds(positions, cell=(0, 0, 0), pbc=False):
    from ase import Atoms

    atoms = Atoms(f"Au{len(positions)}", positions, cell=cell, pbc=pbc)
    i, j = neighbor_list("ij", atoms, 1.2)
    return sorted(zip(i.tolist(), j.tolist(), strict=True))


def _table_bonds(lattice):
    return [
        (i, j)
        for i, row in enumerate(lattice.neighbours.tolist())
        for j in row[: lattice.coordination[i]]
    ]


@pytest.mark.parametrize("shape", SHAPES[:-1])
@pytest.mark.parametrize("n", [30, 150])
def test_neighbours_equal_those_by_distance(kernel_path, shape, n):
    lattice = build_lattice(shape, n)
    assert _table_bonds(lattice) == _bonds(lattice.positions)


@pytest.mark.parametrize("facet", ["111", "100"])
@pytest.mark.parametrize(("width", "layers"), [(3, 1), (3, 4), (4, 5)])
def test_slab_neighbours_equal_those_by_distance(facet, width, layers):
    lattice = build_lattice("slab", width=width, layers=layers, facet=facet)
    along = {"111": [[1, 0, 0], [0.5, np.sqrt(0.75), 0]], "100": [[1, 0, 0], [0, 1, 0]]}[facet]
    cell = [*(width * np.array(along)), [0, 0, 100]]
    assert _table_bonds(lattice) == _bonds(lattice.positions, cell, (True, True, False))
    surface = {"111": 9, "100": 8}[facet]
    if layers > 2:
        assert set(lattice.coordination) == {surface, 12}


@pytest.mark.parametrize(
    ("shape", "size", "theirs"),
    [
        ("icosahedron", {"shells": 3}, lambda: Icosahedron("Au", 4)),
        ("truncated-octahedron", {"length": 7, "cutoff": 2}, lambda: Octahedron("Au", 7, 2)),
        ("cuboctahedron", {"shells": 2}, lambda: Octahedron("Au", 5, 2)),
        ("decahedron", {"p": 2, "q": 2, "r": 1}, lambda: Decahedron("Au", 2, 2, 1)),
        ("decahedron", {"p": 3, "q": 1, "r": 0}, lambda: Decahedron("Au", 3, 1, 0)),
    ],
)
def test_shapes_equal_those_of_ase(shape, size, theirs):
    lattice = build_lattice(shape, **size)
    atoms = theirs()
    assert len(atoms) == len(lattice)
    ours, other = (
        np.sort(np.linalg.norm(p[:, None] - p[None], axis=2), axis=None)
        for p in (lattice.positions, atoms.positions)
    )
    # Up to the length unit, the same distances.
    assert np.allclose(ours / ours.max(), other / other.max(), atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [1, 60, 3000])
def test_compiled_lattice_equals_its_twin(compiled_path, shape, n, monkeypatch):
    lattice = build_lattice(shape, n)
    monkeypatch.setenv("POMDFT_KERNELS", "reference")
    twin = build_lattice(shape, n)
    for name in ("positions", "neighbours", "coordination", "shell"):
        ours, theirs = getattr(lattice, name), getattr(twin, name)
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [1, 90, 700])
def test_what_is_built_passes_the_checks_of_what_is_given(kernel_path, shape, n):
    built = build_lattice(shape, n)
    own = Lattice(built.positions, built.neighbours, "own")
    assert np.array_equal(own.coordination, built.coordination)
    assert np.array_equal(own.shell, built.shell)
    present = built.neighbours >= 0
    assert (np.diff(np.where(present, built.neighbours, 2**30), axis=1)[present[:, 1:]] > 0).all()


@pytest.mark.parametrize("p", [1, 2, 4])
@pytest.mark.parametrize("q", [1, 2, 5])
@pytest.mark.parametrize("r", [0, 1, 3])
def test_decahedra_have_as_many_atoms_as_is_said(p, q, r):
    lattice = build_lattice("decahedron", p=p, q=q, r=r)
    assert len(lattice) == shapes.count_decahedron(p, q, r)
    distances = np.linalg.norm(lattice.positions[:, None] - lattice.positions, axis=2)
    bonds = (distances > 0) & (distances < 1.2)
    assert np.array_equal(bonds.sum(axis=1), lattice.coordination)


def test_spheres_have_as_many_atoms_as_is_said():
    squares, counts = shapes.sphere_sizes(500)
    assert counts[-1] > 500
    for square, count in zip(squares.tolist(), counts.tolist(), strict=True):
        sites = shapes.sphere(square)
        assert len(sites) == count
        assert (np.sum(sites**2, axis=1) <= square).all()


def test_a_grid_that_gives_a_site_too_many_neighbours_is_refused(kernel_path):
    core = compiled.select("lattice", reference_lattice)
    steps = site_grids.slab(3, 1, "111").steps
    # Site 0 in the middle of two pieces that share nothing else.
    numbers = np.full((2, 5, 5, 5), -1, np.int32)
    numbers[:, 1:-1, 1:-1, 1:-1] = np.arange(54).reshape(2, 3, 3, 3)
    assert len(core.grid_neighbours(numbers, steps, 54)) == 54
    numbers[1, 2, 2, 2] = numbers[0, 2, 2, 2]
    with pytest.raises(ValueError, match="more than 12 neighbours"):
        core.grid_neighbours(numbers, steps, 54)


def test_a_million_atoms():
    if not compiled.is_compiled("lattice"):
        pytest.skip("the twin takes long for a million sites")
    lattice = build_lattice("cuboctahedron", 10**6)
    k = lattice.size["shells"]
    assert len(lattice) == shapes.closed_shells(k)
    assert abs(len(lattice) - 10**6) < 40_000
    # Coordination numbers of the inside, (111) and (100) faces, edges and vertices.
    expected = {
        12: shapes.closed_shells(k - 1),
        9: 8 * (k - 1) * (k - 2) // 2,
        8: 6 * (k - 1) ** 2,
        7: 24 * (k - 1),
        5: 12,
    }
    counts = np.bincount(lattice.coordination)
    assert {z: int(counts[z]) for z in np.flatnonzero(counts)} == expected


def test_nearest_size_is_taken_and_said():
    lattice = build_lattice("cuboctahedron", 300)
    assert len(lattice) == 309
    assert "nearest size to the 300 atoms asked for" in repr(lattice)
    assert "asked for" not in repr(build_lattice("cuboctahedron", 309))


def test_arrays_cannot_be_changed():
    lattice = build_lattice("cuboctahedron", 13)
    for name in ("positions", "neighbours", "coordination", "shell"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(lattice, name)[0] = 0


def test_own_tables_are_copied():
    good = build_lattice("cuboctahedron", 13)
    table = good.neighbours.copy()
    lattice = Lattice(good.positions.copy(), table, "own")
    table[0, 0] = 12345
    assert np.array_equal(lattice.neighbours, good.neighbours)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda t: t.__setitem__((0, 0), 13), "outside -1 to 12"),
        (lambda t: t.__setitem__((0, 0), -2), "outside -1 to 12"),
        (lambda t: t.__setitem__((0, 0), 0), "not filled from the left"),
        (lambda t: t.__setitem__((0, 1), t[0, 0]), "not filled from the left"),
        (lambda t: t.__setitem__((0, 0), -1), "not filled from the left"),
        (lambda t: t.__setitem__((0, slice(None)), -1), "not filled from the left"),
        (lambda t: t.__setitem__((0, 4), 12), "not filled from the left"),
    ],
)
def test_broken_tables_are_refused(kernel_path, change, what):
    good = build_lattice("cuboctahedron", 13)
    table = good.neighbours.copy()
    change(table)
    with pytest.raises(KernelInputError, match=f"^neighbours: .*{what}"):
        Lattice(good.positions, table, "own")


def test_rows_need_not_ascend(kernel_path):
    good = build_lattice("icosahedron", 55)
    table = good.neighbours.copy()
    for row, z in zip(table, good.coordination, strict=True):
        row[:z] = row[:z][::-1]
    turned = Lattice(good.positions, table, "own")
    assert np.array_equal(turned.shell, good.shell)


def test_fault_names_the_row(kernel_path):
    good = build_lattice("cuboctahedron", 55)
    table = good.neighbours.copy()
    row = int(np.flatnonzero(good.coordination < 12)[5])
    table[row, good.coordination[row] - 1] = -1
    with pytest.raises(KernelInputError, match="neighbours: row"):
        Lattice(good.positions, table, "own")


@pytest.mark.parametrize(
    ("arguments", "error", "what"),
    [
        ({"shape": "cubocta"}, UnknownNameError, "cuboctahedron"),
        ({"shape": "sphere"}, KernelInputError, "n_atoms"),
        ({"shape": "sphere", "n_atoms": 5, "radius": 3.0}, KernelInputError, "n_atoms"),
        ({"shape": "sphere", "n_atoms": 0}, KernelInputError, "n_atoms"),
        ({"shape": "sphere", "n_atoms": 10**7}, KernelInputError, "n_atoms"),
        ({"shape": "sphere", "radius": 0.5}, KernelInputError, "radius"),
        ({"shape": "sphere", "shells": 2}, KernelInputError, "takes radius"),
        ({"shape": "icosahedron", "shells": 0}, KernelInputError, "shells"),
        ({"shape": "icosahedron", "shells": 2.5}, KernelInputError, "shells"),
        ({"shape": "icosahedron", "shells": 900}, KernelInputError, "more than"),
        ({"shape": "truncated-octahedron", "length": 5, "cutoff": 3}, KernelInputError, "cutoff"),
        ({"shape": "slab", "width": 2}, KernelInputError, "width"),
        ({"shape": "slab", "width": 4, "facet": "110"}, UnknownNameError, "111"),
        ({"shape": "slab", "width": 4, "layers": 0}, KernelInputError, "layers"),
        ({"shape": "slab", "width": 4, "depth": 3}, KernelInputError, "depth"),
        ({"shape": "slab"}, KernelInputError, "width"),
    ],
)
def test_wrong_sizes_are_refused(arguments, error, what):
    with pytest.raises(error, match=what):
        build_lattice(**arguments)
