import numpy as np
import pytest

from pomdft.errors import KernelInputError
from pomdft.kernels.checks import check_array, check_range, check_scalar, check_species


def test_right_array_is_passed_through_without_a_copy():
    array = np.arange(6.0).reshape(2, 3)
    assert check_array("a", array, np.float64, (2, None)) is array


def test_fortran_order_and_strides_are_made_contiguous():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    checked = check_array("a", array[:, ::2], np.float64, (2, 2))
    assert checked.flags.c_contiguous
    assert np.array_equal(checked, array[:, ::2])


@pytest.mark.parametrize(
    ("value", "dtype", "shape", "what"),
    [
        ([1.0, np.nan], np.float64, (2,), r"not finite at index \[1\]"),
        ([[1.0], [np.inf]], np.float64, (2, 1), r"not finite at index \[1, 0\]"),
        ([1.0, 2.0], np.int32, (2,), "does not convert to int32"),
        (["a"], np.float64, (1,), "does not convert"),
        ([1j], np.float64, (1,), "does not convert"),
        ([300], np.int8, (1,), "300 to 300 does not fit in int8"),
        ([1.0], np.float64, (2,), r"got shape \(1,\), wanted \(2\)"),
        ([1.0], np.float64, (None, 3), r"wanted \(any, 3\)"),
        ([], np.float64, (None,), "is empty"),
        ([[1.0], [1.0, 2.0]], np.float64, (None,), "not an array"),
        ([None], np.float64, (1,), "does not convert"),
    ],
)
def test_wrong_arrays_name_argument_and_fault(value, dtype, shape, what):
    with pytest.raises(KernelInputError, match=f"^densities: .*{what}"):
        check_array("densities", value, dtype, shape)


def test_range_names_entry_and_bounds():
    with pytest.raises(KernelInputError, match=r"sites: 4 at index \[1\] is outside 0 to 3"):
        check_range("sites", np.array([0, 4]), 0, 4)
    check_range("sites", np.array([0, 3]), 0, 4)


@pytest.mark.parametrize("bad", [[0, 2], [-1, 0], [0], [0.0, 1.0], [0, np.nan], [[0, 1]], [0, 200]])
def test_wrong_species_are_refused(bad):
    with pytest.raises(KernelInputError, match=r"^species: "):
        check_species(bad, 2, 2)
    with pytest.raises(KernelInputError, match=r"^species: "):
        check_species(np.array(bad), 2, 2)


def test_species_of_other_integer_types_are_converted():
    checked = check_species(np.array([0, 1], dtype=np.int64), 2, 2)
    assert checked.dtype == np.int8


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, 2.0, "x", None, [1.0]])
def test_wrong_scalars_are_refused(bad):
    with pytest.raises(KernelInputError, match=r"^broadening_ev: "):
        check_scalar("broadening_ev", bad, low=0.0, high=1.0)
