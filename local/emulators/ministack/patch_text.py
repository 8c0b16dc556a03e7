"""Replaces pieces of ministack's source text, and fails if they are no longer there."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

SOURCE = "patched_source"
"""Where a rewritten function keeps its text, which is in no file."""


class OutOfDate(Exception):
    """The text that a patch replaces is no longer in ministack."""


def replaced(source: str, old: str, new: str) -> str:
    if source.count(old) != 1:
        raise OutOfDate(old)
    return source.replace(old, new)


def rewrite(function: Callable[..., Any], old: str, new: str) -> None:
    """Replace a piece of a function's source, patched before or not, and compile the function again in its module."""
    module = inspect.getmodule(function)
    if module is None:
        raise OutOfDate(function.__name__)
    before = getattr(function, SOURCE, None) or textwrap.dedent(inspect.getsource(function))
    source = replaced(before, old, new)
    exec(compile(source, f"{module.__file__}:patched", "exec"), vars(module))  # noqa: S102
    setattr(vars(module)[function.__name__], SOURCE, source)
