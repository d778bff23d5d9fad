"""How a command ends: exit codes, and one line on stderr instead of a traceback.

0 well · 1 the platform or the network refused · 2 the call was wrong · 130 Ctrl-C
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from qianfan.errors import InvalidArgumentError, QianfanError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What is no result goes here.
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: object, style: str = "red") -> None:
    """Write one line to stderr, in colour where it is a terminal."""
    stderr.print(" ".join(str(message).split()), style=style, markup=False)


def _give_up_stdout() -> None:
    """Send what is still to be written nowhere, or Python would stumble over it again at its exit."""
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def clean_ending() -> Iterator[None]:
    """Turn what may go wrong inside a command into its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character still shows the others
    try:
        yield
    except KeyboardInterrupt:
        stderr.print()
        raise typer.Exit(130) from None
    except BrokenPipeError:  # the reader, such as `head`, has enough
        _give_up_stdout()
        raise typer.Exit(0) from None
    except InvalidArgumentError as error:
        say(f"qianfan: {error}")
        raise typer.Exit(2) from None
    except (QianfanError, OSError, ImportError) as error:
        if isinstance(error, OSError) and not isinstance(error, QianfanError):
            _give_up_stdout()
        say(f"qianfan: {error}")
        raise typer.Exit(1) from None
