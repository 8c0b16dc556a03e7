"""No pattern takes quadratic time, whatever it is given: every pattern of the package is found and tried."""

import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Iterator
from types import ModuleType

import pytest

PACKAGES = (
    *("ingestion", "intake", "stage", "reconcile", "annotate_conflicts", "merge", "finalize", "api", "dashboard"),
    *("sign_in", "retention", "monitor", "migrate", "cli"),
)
METHODS = ("search", "sub", "findall", "finditer", "split", "match", "fullmatch")
UNITS = (
    *("-", "_", " ", "\t", "\n", "\r\n", ".", ",", ";", ":", "/", "\\", "'", '"', "=", "+", "@", "(", ")", "#", "%"),
    *("0", "7", "a", "A", "ø", "а", "?", "{", "[", "<", "&", "\u00a0", "\u200b", "\udc80", "\x00"),
    *("a-", "-a", "a.", "a@", "a_", "0.", "0-", "a ", " a", "- ", "_ ", '""', '"a', "\\\\", "=?", "1h", "kopi "),
)
ENDS = ("", "!", '"', "\n!", " (1", "@", "\\u000")
SMALL, GROWTH = 2_000, 8
MOST = GROWTH * 3.5
"""Linear growth is 8, quadratic 64; between them there is room for a busy machine."""
TOO_SHORT_SECONDS = 0.002


def modules() -> Iterator[ModuleType]:
    for package in map(importlib.import_module, PACKAGES):
        if package.__file__:
            yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def patterns() -> list[object]:
    """Every pattern that a module makes, with each way in which it is asked."""
    cases = {}
    for module in modules():
        source = inspect.getsource(module)
        for name, value in vars(module).items():
            for number, pattern in enumerate(value if isinstance(value, tuple | list) else (value,)):
                if isinstance(pattern, re.Pattern):
                    used = [method for method in METHODS if is_used(name, method, source)]
                    for method in used or ("search", "fullmatch"):
                        key = f"{module.__name__}.{name}.{number}.{method}"
                        cases[key] = pytest.param(pattern, method, id=key)
    return [cases[key] for key in sorted(cases)]


def is_used(name: str, method: str, source: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\.{method}\b", source) is not None


def seconds(pattern: re.Pattern[str], method: str, text: str) -> float:
    ask = getattr(pattern, method)
    arguments = ("", text) if method == "sub" else (text,)
    best = float("inf")
    for _ in range(2):
        start = time.process_time()
        answer = ask(*arguments)
        if method == "finditer":
            list(answer)
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize(("pattern", "method"), patterns())
def test_a_pattern_takes_as_much_longer_as_the_text_is_longer(pattern: re.Pattern[str], method: str) -> None:
    is_bytes = isinstance(pattern.pattern, bytes)
    for unit in UNITS:
        for end in ENDS:
            small = unit * (SMALL // len(unit)) + end
            large = unit * (SMALL * GROWTH // len(unit)) + end
            texts = [text.encode("utf-8", "surrogateescape") if is_bytes else text for text in (small, large)]
            after = seconds(pattern, method, texts[1])  # type: ignore[arg-type]
            if after < TOO_SHORT_SECONDS:
                continue
            before = seconds(pattern, method, texts[0])  # type: ignore[arg-type]
            assert after < before * MOST, f"{unit!r} again and again, then {end!r}: {before:.4f} s, then {after:.4f} s"


def test_the_patterns_are_found() -> None:
    names = [str(case.id) for case in patterns()]  # type: ignore[attr-defined]
    assert "ingestion.values.emails._EMAIL.0.fullmatch" in names
    assert len(names) > 40
