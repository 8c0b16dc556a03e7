"""The generated pages, and what generates each."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.reference import api_page, columns_page, commands_page, errors_page, parameters_page, settings_page

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGES: Final[dict[str, Callable[[], str]]] = {
    "errors.md": errors_page.render,
    "reference/api.md": api_page.render,
    "reference/columns.md": columns_page.render,
    "reference/commands.md": commands_page.render,
    "reference/parameters.md": parameters_page.render,
    "reference/settings.md": settings_page.render,
}
