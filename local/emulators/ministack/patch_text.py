"""Replaces pieces of ministack's own text, and says when they are not there any more."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any


class OutOfDate(Exception):
    """The text that a patch replaces isn't in ministack any more."""


def replaced(source: str, old: str, new: str) -> str:
    if source.count(old) != 1:
        raise OutOfDate(old)
    return source.replace(old, new)


def rewrite(function: Callable[..., Any], old: str, new: str) -> None:
    """Replaces a piece of a module's function by another and compiles it again in its module."""
    module = inspect.getmodule(function)
    if module is None:
        raise OutOfDate(function.__name__)
    source = replaced(textwrap.dedent(inspect.getsource(function)), old, new)
    exec(compile(source, f"{module.__file__}:patched", "exec"), vars(module))  # noqa: S102
