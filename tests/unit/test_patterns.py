"""Regular expressions that every Python we run on reads the same."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [path for folder in ("layers", "functions", "local", "cli") for path in (ROOT / folder).rglob("*.py")]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_group_is_possessive(path: Path) -> None:
    """Debian 12's Python 3.11.2 matches `(...)*+` wrongly if the group can backtrack (gh-106052, mended in 3.11.5)."""
    assert re.findall(r"\)[*+?]\+|\(\?>", path.read_text(encoding="utf-8")) == []
