"""infra/files.yaml: the days of its lifecycle rules, which CloudFormation can't compute, from `config.Retention`."""

import re
from pathlib import Path
from typing import Final

from ingestion.config import Retention

TEMPLATE: Final = Path(__file__).parents[2] / "infra" / "files.yaml"
_DERIVED: Final = re.compile(
    r"(?<=InDays: )[0-9]+(?=[}\]]*  # config\.Retention\.(\w+)(?: \+ ([0-9]+))?$)", re.MULTILINE
)


def render() -> str:
    """The whole template, with the days that its comments name."""
    return with_days_of(Retention(), TEMPLATE.read_text(encoding="utf-8"))


def with_days_of(kept: Retention, template: str) -> str:
    """The template of a system that keeps things for other times."""
    return _DERIVED.sub(lambda found: str(getattr(kept, found[1]) + int(found[2] or 0)), template)
