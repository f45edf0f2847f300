"""Figures as files: an empty one, and writing it."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pomdft.errors import InputError


def new_figure(width: float = 6.4, height: float = 4.6) -> Figure:
    """Return an empty figure of this size in inches, outside pyplot."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def check_figure_path(path: str | Path, *, interactive: bool = True) -> None:
    """Refuse a path that no figure can be written to, before anything long is computed for it.

    Parameters
    ----------
    path : path
        Where the figure is to go.
    interactive : bool
        The caller writes .html as well; only the message depends on it.

    Raises
    ------
    InputError
        The ending is not known, or there is no such folder.
    """
    target = Path(path)
    known = sorted(FigureCanvasAgg.get_supported_filetypes())
    if target.suffix.lower().lstrip(".") not in known:
        endings = ", ".join(f".{k}" for k in known) + (" or .html" if interactive else "")
        raise InputError(f"figure {target} must end in one of {endings}.")
    if not target.parent.is_dir():
        raise InputError(f"figure {target} cannot be written: there is no {target.parent}.")


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure; the format follows from the ending (png, svg, pdf).

    Parameters
    ----------
    figure : Figure
        What to write.
    path : path
        Where.

    Raises
    ------
    InputError
        The ending is not known or the file cannot be written.
    """
    check_figure_path(path)
    target = Path(path)
    try:
        figure.savefig(target, dpi=200)
    except OSError as error:
        raise InputError(f"figure {target} cannot be written: {error.strerror}.") from error
