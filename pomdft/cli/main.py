"""The `pomdft` program: registers the commands and turns errors into one clear line."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from pomdft import __version__
from pomdft.errors import PomdftError

HELP = (
    "Affinities of polyoxometalates for metals by GPAW, and the structure and activity of the "
    "bimetallic nanoparticles they protect.\n\nExample: pomdft run inputs/quickstart.yaml"
)

#: Command -> module that holds a function of that name; loaded when the command is used.
_COMMANDS = {
    "run": "pomdft.cli.run",
    "status": "pomdft.cli.status",
    "affinities": "pomdft.cli.affinities",
    "show": "pomdft.cli.show",
    "build": "pomdft.cli.build",
    "doctor": "pomdft.cli.doctor",
    "predict": "pomdft.cli.predict",
    "map": "pomdft.cli.map",
    "compare": "pomdft.cli.compare",
    "activity": "pomdft.cli.activity",
    "report": "pomdft.cli.report",
    "submit": "pomdft.cli.submit",
    "logs": "pomdft.cli.logs",
    "cancel": "pomdft.cli.cancel",
    "retry": "pomdft.cli.retry",
    "collect": "pomdft.cli.collect",
    "convergence": "pomdft.cli.convergence",
}
#: Functions whose command name is a word Python keeps for itself.
_FUNCTIONS = {"map": "map_command"}
#: Commands that hold commands.
_GROUPS = {
    "store": "pomdft.cli.store",
    "metal": "pomdft.cli.metal",
    "solution": "pomdft.cli.solution",
}

#: Exit status after Ctrl-C.
INTERRUPTED = 130
#: Base of the errors of wrong options: Click's, or that of the copy inside newer Typers.
_CLICK_ERROR: Any = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)

app = typer.Typer(
    help=HELP, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pomdft {__version__}")
        raise typer.Exit


@app.callback()
def configure(
    store: Annotated[
        Path | None,
        typer.Option(help="Folder of the results store.", envvar="POMDFT_STORE"),
    ] = None,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Affinities of polyoxometalates for metals, and what follows from them."""
    if store is not None:
        os.environ["POMDFT_STORE"] = str(store.expanduser().absolute())
    if debug:
        os.environ["POMDFT_DEBUG"] = "1"
    else:
        # Deprecations inside libraries are for their developers, not for users of the program.
        for category in (DeprecationWarning, FutureWarning, PendingDeprecationWarning):
            warnings.simplefilter("ignore", category)


def register_commands(names: list[str] | None = None) -> None:
    """Add the commands to the program; those whose module does not exist are left out.

    Parameters
    ----------
    names : list of str, optional
        Only these; by default all.
    """
    for name, module_name in _COMMANDS.items():
        if names is not None and name not in names:
            continue
        module = _import_if_there(module_name)
        if module is not None:
            app.command(name)(getattr(module, _FUNCTIONS.get(name, name)))
    for name, module_name in _GROUPS.items():
        if names is None or name in names:
            app.add_typer(import_module(module_name).app, name=name)


def _import_if_there(name: str) -> Any:
    path = Path(__file__).with_name(name.rpartition(".")[2] + ".py")
    return import_module(name) if path.exists() else None


def main() -> None:
    """Run the program; every expected error is one line and an exit status of 1 or 2."""
    register_commands()
    try:
        status = app(standalone_mode=False)
        if status == INTERRUPTED:
            # Typer turns Ctrl-C into this status without a word.
            _say("interrupted; finished results are kept, run again to go on")
    except typer.Exit as leave:
        status = leave.exit_code
    except typer.Abort:
        _say("interrupted; finished results are kept, run again to go on")
        status = INTERRUPTED
    except _CLICK_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()
        else:
            _say(f"{error.format_message().rstrip('.')}. See --help.", error)
        status = 2
    except PomdftError as error:
        _say(str(error), error)
        status = error.exit_status
    except KeyboardInterrupt:
        _say("interrupted; finished results are kept, run again to go on")
        status = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except Exception as error:
        _say(f"unexpected {type(error).__name__}: {error}. Run with --debug for details.", error)
        status = 1
    sys.exit(status or 0)


def _say(message: str, error: BaseException | None = None) -> None:
    if error is not None and os.environ.get("POMDFT_DEBUG"):
        traceback.print_exception(error)
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        f"pomdft: error: {message}", markup=False
    )


if __name__ == "__main__":
    main()
