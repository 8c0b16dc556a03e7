"""Cut a large file into parts, which are sent one by one; the last is what remains."""

from collections.abc import Iterator
from typing import Final, NamedTuple

LEAST_PART_BYTES: Final = 5 * 1024 * 1024
MOST_PART_BYTES: Final = 5 * 1024 * 1024 * 1024
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""
MOST_PARTS: Final = 1024
"""S3 takes 10,000, but an answer of Lambda has at most 6 MB, and a link may have 5,000 characters."""
MOST_BYTES: Final = MOST_PARTS * MOST_PART_BYTES

_USUAL_PARTS: Final = 100
_USUAL_PART_BYTES: Final = 64 * 1024 * 1024
"""What a part that was broken off costs to send again; a link to each part takes time to sign."""


class Part(NamedTuple):
    """A part's number, from 1, and its size."""

    number: int
    size_bytes: int


def choose_part_bytes(size_bytes: int) -> int:
    """Return the size of a file's parts: about a hundred of them, unless they would be very small or very large."""
    usual = min(-(-size_bytes // _USUAL_PARTS), _USUAL_PART_BYTES)
    return max(LEAST_PART_BYTES, usual, -(-size_bytes // MOST_PARTS))


def parts_of(size_bytes: int, part_bytes: int) -> Iterator[Part]:
    """Yield the parts of a file, in order."""
    for number, start in enumerate(range(0, size_bytes, part_bytes), 1):
        yield Part(number, min(part_bytes, size_bytes - start))
