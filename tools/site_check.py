"""python -m tools.site_check FOLDER: checks that a built docs site loads nothing from elsewhere and has no dead links.

Links to other hosts are fine; anything that a browser would load from them by itself is not.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

ROOT: Final = Path(__file__).parents[1]
_LOADED: Final = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|input|image|use)\b[^>]*?\b(?:src|srcset|href)\s*=\s*["']?(?:https?:)?//"""
    r"""|<link\b(?=[^>]*rel\s*=\s*["']?(?:stylesheet|preconnect|dns-prefetch|preload|icon|modulepreload))[^>]*href\s*=\s*["']?(?:https?:)?//"""
    r"""|url\(\s*["']?(?:https?:)?//|@import\s+["'](?:https?:)?//""",
    re.IGNORECASE,
)
_LINK: Final = re.compile(r"""<(?:a|img|script|link)\b[^>]*?\b(?:href|src)\s*=\s*["']?(?!\w+:|//)([^"'\s>#?]+)""")
_FETCHED_FROM_ELSEWHERE: Final = re.compile(r"""class=["']?(?:mermaid|glightbox|language-pyodide)\b""")
"""What the theme's script loads from a CDN if a page uses it."""


def main() -> None:
    """Print a line for each fault, and exit with 1 if there are any."""
    site = Path(sys.argv[1])
    faults = [*foreign_assets(site), *broken_links(site), *pages_without_a_link(ROOT)]
    for fault in faults:
        print(f"docs: {fault}", file=sys.stderr)
    sys.exit(bool(faults))


def foreign_assets(site: Path) -> Iterator[str]:
    """Every place where a page or a style sheet of *site* loads something from another host."""
    pages = [*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg")]
    if not any(page.name == "index.html" for page in pages):
        yield f"there is no site in {site}; run make docs"
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for found in (*_LOADED.finditer(text), *_FETCHED_FROM_ELSEWHERE.finditer(text)):
            yield f"{page.relative_to(site)} loads from another host: {found[0][-80:]}"


def broken_links(site: Path) -> Iterator[str]:
    """Every link from a page of *site* to a missing file of the site."""
    for page in site.rglob("*.html"):
        # The error page is served at any address, so its links start at the root of the site.
        base = site if page.name == "404.html" else page.parent
        for target in sorted(set(_LINK.findall(unescape(page.read_text(encoding="utf-8"))))):
            path = unquote(target)
            found = (site / path.lstrip("/")) if path.startswith("/") else base / path
            if not (found / "index.html" if found.is_dir() else found).exists():
                yield f"{page.relative_to(site)} links to {path}, which does not exist"


def pages_without_a_link(root: Path) -> Iterator[str]:
    """Pages below docs/ that are missing from the navigation or, for decisions, from their list."""
    nav = tomllib.loads((root / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    docs = root / "docs"
    pages = {str(page.relative_to(docs)) for page in docs.rglob("*.md")}
    decisions = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (docs / "decisions" / "README.md").read_text(encoding="utf-8"))
    for page in sorted(pages - set(_listed(nav)) - {f"decisions/{name}" for name in decisions}):
        yield f"docs/{page} is missing from the navigation in zensical.toml (a decision: from docs/decisions/README.md)"


def _listed(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for entry in nav.values() if isinstance(nav, dict) else nav:
            yield from _listed(entry)


if __name__ == "__main__":
    main()
