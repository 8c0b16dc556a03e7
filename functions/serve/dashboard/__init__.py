"""The dashboard: HTML pages on what the API knows, rendered here, with their templates, texts and assets in serve/web."""

from pathlib import Path
from typing import Final

WEB: Final = Path(__file__).parent.parent / "web"
