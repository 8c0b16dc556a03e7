"""Replaces pieces of ministack's source text, and fails if they are no longer there."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any


class OutOfDate(Exception):
    """The text that a patch replaces is no longer in ministack."""


def replaced(source: str, old: str, new: str) -> str:
    if source.count(old) != 1:
        raise OutOfDate(old)
    return source.replace(old, new)


def rewrite(function: Callable[..., Any], old: str, new: str) -> None:
    """Replace a piece of a function's source and compile the function again in its module."""
    module = inspect.getmodule(function)
    if module is None:
        raise OutOfDate(function.__name__)
    source = replaced(textwrap.dedent(inspect.getsource(function)), old, new)
    exec(compile(source, f"{module.__file__}:patched", "exec"), vars(module))  # noqa: S102
