"""Shows answers: tables on a terminal, tab-separated lines in a pipe, JSON on request."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import click

from cli.api import Json, Page
from cli.words import as_json, clean

NARROWEST: Final = 8
"""A column is not cut shorter than this; instead, a less important one is left out."""


GAP: Final = 2


@dataclass(frozen=True)
class Column:
    """One column of a list. If a terminal lacks room for all, the column with the highest `rank` is dropped first."""

    header: str
    value: Callable[[Json], Any]
    rank: int = 0
    is_number: bool = False
    may_be_cut: bool = False


ColumnsOf = Callable[[list[Json]], list[Column]]
"""Chooses the columns of a list from its items."""


def field(name: str) -> Callable[[Json], Any]:
    """A column that shows a field unchanged."""
    return lambda item: item[name]


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def show_json(value: Any) -> None:
    """Print one JSON document, with times in UTC as the API returns them."""
    click.echo(as_json(value, indent=2))


def show_json_list(pages: Iterator[Page]) -> None:
    """Print the list in the API's form, page by page, since it may not fit in memory."""
    before, cursor = '{"items": [\n', None
    for page in pages:
        for item in page.items:
            sys.stdout.write(before + as_json(item))
            before = ",\n"
        cursor = page.next_cursor
    if before != ",\n":
        sys.stdout.write(before)
    click.echo(f'\n], "nextCursor": {as_json(cursor)}}}')


def show_list(pages: Iterator[Page], columns: ColumnsOf, noun: str) -> None:
    """Print the list as a table that fits the terminal, or as lines for a pipe. Notes about it go to stderr."""
    if is_terminal():
        count, cursor = _show_table(pages, columns)
    else:
        count, cursor = _show_lines(pages, columns)
    if cursor is not None:
        click.echo(f"kintell: {count} {noun} shown; --limit N or --all shows more", err=True)
    elif count == 0:
        click.echo(f"kintell: no {noun}", err=True)


def _show_lines(pages: Iterator[Page], columns: ColumnsOf) -> tuple[int, str | None]:
    count, cursor = 0, None
    for page in pages:
        shown = columns(page.items)
        for item in page.items:
            sys.stdout.write("\t".join(clean(column.value(item)) for column in shown) + "\n")
        sys.stdout.flush()
        count, cursor = count + len(page.items), page.next_cursor
    return count, cursor


def _show_table(pages: Iterator[Page], columns_of: ColumnsOf) -> tuple[int, str | None]:
    # Imported here, so that a pipe does not wait for it.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    items: list[Json] = []
    cursor = None
    for page in pages:
        items += page.items
        cursor = page.next_cursor
    if not items:
        return 0, None
    console, columns = Console(highlight=False), columns_of(items)
    cells = {column.header: [clean(column.value(item)) for item in items] for column in columns}
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    shown = fitting(columns, cells, console.width)
    for column, width in shown.items():
        justify: Literal["left", "right"] = "right" if column.is_number else "left"
        table.add_column(column.header, justify=justify, no_wrap=True, overflow="ellipsis", width=width)
    for number in range(len(items)):
        table.add_row(*(Text(cells[column.header][number]) for column in shown))
    console.print(table)
    return len(items), cursor


def fitting(columns: list[Column], cells: dict[str, list[str]], width: int) -> dict[Column, int]:
    """The columns for which a terminal of this width has room, in order, and their widths."""
    from rich.cells import cell_len

    natural = {column: max(map(cell_len, (column.header, *cells[column.header]))) for column in columns}
    shown = {
        column: min(full, max(NARROWEST, len(column.header))) if column.may_be_cut else full
        for column, full in natural.items()
    }

    def left() -> int:
        return width - sum(shown.values()) - GAP * (len(shown) - 1)

    while len(shown) > 1 and left() < 0:
        del shown[max(shown, key=lambda column: column.rank)]
    for column in sorted(shown, key=lambda column: column.rank):
        shown[column] += max(0, min(natural[column] - shown[column], left()))
    return shown
