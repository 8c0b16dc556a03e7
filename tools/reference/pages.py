"""The generated pages and files, and what generates each."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.reference import (
    api_page,
    columns_page,
    commands_page,
    errors_page,
    lifecycles,
    parameters_page,
    record_columns,
    settings_page,
)

ROOT: Final = Path(__file__).parents[2]
PAGES: Final[dict[str, Callable[[], str]]] = {
    "cli/record_columns.json": record_columns.render,
    "docs/errors.md": errors_page.render,
    "docs/reference/api.md": api_page.render,
    "docs/reference/columns.md": columns_page.render,
    "docs/reference/commands.md": commands_page.render,
    "docs/reference/parameters.md": parameters_page.render,
    "infra/files.yaml": lifecycles.render,
    "docs/reference/settings.md": settings_page.render,
}
