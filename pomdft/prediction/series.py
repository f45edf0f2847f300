"""Activity along a composition series."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pomdft.errors import InputError
from pomdft.prediction.activity import predict_activity
from pomdft.prediction.question import check_fraction


def activity_series(
    first: str,
    second: str,
    reaction: str,
    fractions: npt.ArrayLike | None = None,
    ordering: str = "random-alloy",
    **options: Any,
) -> pd.DataFrame:
    """Predict the activity along a composition series.

    Parameters
    ----------
    first, second : str
        Metals.
    reaction : str
        As for :func:`predict_activity`.
    fractions : array_like, optional
        Fractions of the second metal; default 0 to 1 in steps of 0.05.
    ordering : str
        As for :func:`predict_activity`.
    **options
        Passed to :func:`predict_activity`.

    Returns
    -------
    DataFrame
        fraction (of the second metal), relative_rate (to the better parent), std (decades),
        log10_rate, limiting_step and one column per descriptor (eV, negative = bound).

    Raises
    ------
    InputError
        A fraction is not between 0 and 1, or as for :func:`predict_activity`.
    """
    grid = np.atleast_1d(
        np.linspace(0.0, 1.0, 21) if fractions is None else np.asarray(fractions, dtype=float)
    )
    for value in grid:
        check_fraction(float(value))
    if first == second:
        raise InputError(f"both metals are {first}.", "Name two different metals.")
    rows = []
    for x in grid:
        result = predict_activity(
            {first: 1.0 - float(x), second: float(x)}, reaction, ordering, **options
        )
        rows.append(
            {
                "fraction": float(x),
                "relative_rate": result.relative_rate,
                "std": result.std,
                "log10_rate": result.log10_rate,
                "limiting_step": result.limiting_step,
                **{f"{k}_ev": v for k, v in result.descriptors_ev.items()},
            }
        )
    return pd.DataFrame(rows)
