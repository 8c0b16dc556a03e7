"""How large a file, and each of its parts, may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes, in bytes if nothing else is said, that one file is held to.

    `field` may not exceed 131,072, the `csv` module's own limit. What a chunk costs in memory goes by its bytes where
    rows are of the usual length, by its rows where they are short, and by its cells where they are short and the header
    is wide: a rejected row is as wide as the header.
    """

    unpacked: int = 20 << 30
    unpacked_ratio: int = 200
    chunk: int = 4 << 20
    chunk_rows: int = 30_000
    chunk_cells: int = 1 << 20
    row: int = 1 << 20
    field: int = 131_072
