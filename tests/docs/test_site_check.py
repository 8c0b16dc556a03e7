"""make docs fails where a page would ask another host for something, or leads nowhere."""

from pathlib import Path

import pytest

from tools.site_check import ROOT, broken_links, foreign_assets, pages_without_a_link


def site(folder: Path, html: str, css: str = "") -> Path:
    (folder / "index.html").write_text(html)
    (folder / "style.css").write_text(css)
    return folder


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example.com/a.js"></script>',
        "<script defer src=//cdn.example.com/a.js></script>",
        '<link rel="stylesheet" href="https://fonts.example.com/css?family=Inter">',
        '<link href="https://fonts.example.com" rel="preconnect">',
        '<img alt="" src="http://example.com/a.png">',
        '<pre class="mermaid">graph LR</pre>',
    ],
)
def test_what_a_browser_would_load_from_elsewhere_is_found(tmp_path: Path, html: str) -> None:
    assert list(foreign_assets(site(tmp_path, html)))


def test_a_font_in_a_style_sheet_is_found(tmp_path: Path) -> None:
    assert list(foreign_assets(site(tmp_path, "", "@font-face{src:url(https://example.com/a.woff2)}")))


def test_a_link_to_follow_is_fine(tmp_path: Path) -> None:
    html = '<link rel="canonical" href="https://example.org/"><a href="https://example.org/">there</a><img src="a.png">'
    assert not list(foreign_assets(site(tmp_path, html)))


def test_a_folder_without_a_site_is_no_site(tmp_path: Path) -> None:
    assert list(foreign_assets(tmp_path))


def test_a_link_to_a_page_that_is_not_there_is_found(tmp_path: Path) -> None:
    pages = site(tmp_path, '<a href="style.css">there</a> <a href="gone.html#part">gone</a> <a href="#here">here</a>')
    assert list(broken_links(pages)) == ["index.html links to gone.html, which does not exist"]


def test_the_navigation_has_every_page() -> None:
    assert not list(pages_without_a_link(ROOT))
