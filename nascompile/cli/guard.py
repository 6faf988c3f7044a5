"""The border of every command: mistakes become rendered diagnostics and an exit status, never a traceback."""

from __future__ import annotations

import errno
import functools
import sys
from collections.abc import Callable, Iterable
from typing import NoReturn, ParamSpec, TypeVar

import typer

from nascompile.diagnostics import Diagnostic, NasError, error
from nascompile.report.terminal import render

P = ParamSpec("P")
R = TypeVar("R")

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """A command whose NasError, OSError and Ctrl-C end in a message and status 1 (or 130)."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except NasError as failure:
            fail(failure.diagnostics)
        except BrokenPipeError:
            raise  # the reader of our output went away; typer ends quietly
        except OSError as cause:
            fail(of_os_error(cause).diagnostics)
        except MemoryError:
            hint = "try a smaller batch, a smaller patch or fewer channels"
            fail(error("out-of-memory", "the machine has not enough memory", hint=hint).diagnostics)
        except KeyboardInterrupt as cause:
            print(f"\nstopped{f'; {cause}' if str(cause) else ''}", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None

    return run


def fail(diagnostics: Iterable[Diagnostic]) -> NoReturn:
    """Print diagnostics on the error stream and leave with status 1."""
    print(render(diagnostics, color=sys.stderr.isatty()), file=sys.stderr)
    raise typer.Exit(1)


def warn(diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics on the error stream and go on."""
    text = render(diagnostics, color=sys.stderr.isatty())
    if text:
        print(text, file=sys.stderr)


def of_os_error(cause: OSError) -> NasError:
    """What the system refused, in words."""
    name = f"`{cause.filename}`" if cause.filename else "a file"
    reason = cause.strerror or str(cause)
    if cause.errno == errno.ENOSPC:
        return error("disk-full", f"the disk is full: {name} was not written", hint="free some space and resume")
    if isinstance(cause, PermissionError):
        return error("no-permission", f"{name} may not be read or written", hint="check who owns it")
    return error("system", f"{name}: {reason}")
