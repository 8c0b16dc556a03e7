"""The dashboard: HTML pages about uploads, batches and sessions, with their templates, texts and assets."""

from pathlib import Path
from typing import Final

WEB: Final = Path(__file__).parent
