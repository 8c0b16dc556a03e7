"""The dashboard: HTML pages on what the API knows; their templates, texts and assets stand beside them."""

from pathlib import Path
from typing import Final

WEB: Final = Path(__file__).parent
