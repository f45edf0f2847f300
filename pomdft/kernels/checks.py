"""The checks at the kernels' doors: dtype, order, shape, finiteness, ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pomdft.errors import KernelInputError

Array = npt.NDArray[Any]


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return f"{type(value).__name__} {value!r}"[:80]


def check_array(
    name: str,
    value: npt.ArrayLike,
    dtype: npt.DTypeLike,
    shape: Sequence[int | None],
    *,
    finite: bool = True,
    empty: bool = False,
) -> Array:
    """Return `value` as a C-contiguous array of `dtype` after checking it.

    A copy is made only where dtype or order differ.

    Parameters
    ----------
    name : str
        Argument's name, for the message.
    value : array_like
        What was given.
    dtype : dtype
        Dtype of the result; only casts that keep the kind (integer, real, complex) are made.
    shape : sequence of int or None
        Wanted shape; None stands for any length.
    finite : bool
        Whether NaN and infinities are refused.
    empty : bool
        Whether a length of zero is allowed.

    Returns
    -------
    ndarray
        C-contiguous, of `dtype`.

    Raises
    ------
    KernelInputError
        Wrong dtype, shape or content; the message names the argument.
    """
    wanted = np.dtype(dtype)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise KernelInputError(f"{name}: not an array ({error}).") from error
    if array.dtype != wanted:
        if not np.can_cast(array.dtype, wanted, casting="same_kind"):
            raise KernelInputError(
                f"{name}: got {_describe(array)}, which does not convert to {wanted}.",
                f"Give an array of {wanted}.",
            )
        if wanted.kind in "iu" and array.size:
            limits = np.iinfo(wanted)
            low, high = array.min(), array.max()
            if low < limits.min or high > limits.max:
                raise KernelInputError(f"{name}: {low} to {high} does not fit in {wanted}.")
    if array.ndim != len(shape) or any(
        want is not None and got != want for got, want in zip(array.shape, shape, strict=True)
    ):
        text = ", ".join("any" if n is None else str(n) for n in shape)
        raise KernelInputError(f"{name}: got shape {array.shape}, wanted ({text}).")
    if not empty and array.size == 0:
        raise KernelInputError(f"{name}: is empty (shape {array.shape}).")
    array = np.ascontiguousarray(array, dtype=wanted)
    if finite and wanted.kind in "fc" and not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise KernelInputError(f"{name}: not finite at index {where}.")
    return array


def check_target(name: str, value: Array, dtype: npt.DTypeLike, shape: Sequence[int]) -> Array:
    """Return an array that a kernel changes in place, after checking that it can.

    Parameters
    ----------
    name : str
        Argument's name, for the message.
    value : ndarray
        What was given; its content is not looked at.
    dtype : dtype
        Wanted.
    shape : sequence of int
        Wanted.

    Returns
    -------
    ndarray
        The one given.

    Raises
    ------
    KernelInputError
        Wrong dtype or shape, or not C-contiguous.
    """
    if check_array(name, value, dtype, shape, finite=False) is not value:
        raise KernelInputError(
            f"{name}: would be copied, not changed.",
            f"Give a C-contiguous array of {np.dtype(dtype)}.",
        )
    return value


def check_range(name: str, array: Array, low: int, high: int) -> None:
    """Raise where an entry is below `low` or not below `high`.

    Parameters
    ----------
    name : str
        Argument's name, for the message.
    array : ndarray of int
        Any shape.
    low, high : int
        Half-open range.

    Raises
    ------
    KernelInputError
        An entry is outside; the message names the argument and the entry.
    """
    if array.size and (array.min() < low or array.max() >= high):
        where = np.argwhere((array < low) | (array >= high))[0]
        raise KernelInputError(
            f"{name}: {array[tuple(where)]} at index {where.tolist()} is outside "
            f"{low} to {high - 1}."
        )


def check_species(value: npt.ArrayLike, n_sites: int, n_species: int) -> npt.NDArray[np.int8]:
    """Return the occupation of the sites as int8 after checking it.

    Parameters
    ----------
    value : array_like of int, shape (n_sites,)
        Species of each site, 0 to `n_species` - 1.
    n_sites : int
        Number of lattice sites.
    n_species : int
        Number of species of the model.

    Returns
    -------
    ndarray of int8, shape (n_sites,)
        C-contiguous.

    Raises
    ------
    KernelInputError
        Wrong dtype or shape, or a species out of range.
    """
    if (
        type(value) is np.ndarray
        and value.dtype == np.int8
        and value.shape == (n_sites,)
        and value.flags.c_contiguous
        and value.view(np.uint8).max() < n_species
    ):
        # The quick way for what the kernels are mostly given; the checks below name the fault.
        return value
    species = check_array("species", value, np.int8, (n_sites,))
    check_range("species", species, 0, n_species)
    return species


def check_scalar(
    name: str, value: float, *, low: float | None = None, high: float | None = None
) -> float:
    """Return `value` as a finite float within closed bounds.

    Parameters
    ----------
    name : str
        Argument's name, for the message.
    value : float
        What was given.
    low, high : float, optional
        Closed bounds.

    Returns
    -------
    float
        The value.

    Raises
    ------
    KernelInputError
        Not a finite number, or outside the bounds.
    """
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise KernelInputError(f"{name}: got {_describe(value)}, wanted a number.") from error
    if not np.isfinite(number):
        raise KernelInputError(f"{name}: is {number}, not finite.")
    if (low is not None and number < low) or (high is not None and number > high):
        bounds = f"{'' if low is None else low} to {'' if high is None else high}"
        raise KernelInputError(f"{name}: {number} is outside {bounds.strip()}.")
    return number
