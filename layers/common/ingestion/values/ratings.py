"""The rating scale of a file: 1 is the top of one scale and the bottom of the other, so the scale belongs to the file.

Facts are collected from each chunk and combined; only those of the whole file decide the scale. All ratings from 0 to 5
count, also in rejected rows; a rating that fits neither scale, such as a typing error, decides nothing.
"""

from collections.abc import Iterable
from decimal import Context, Decimal
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from ingestion.faults import Fault, FaultCode
from ingestion.values.marks import shown
from ingestion.values.spreadsheets import bare

LOWEST: Final = Decimal(0)
HIGHEST: Final = Decimal(5)
_ONE: Final = Decimal(1)
_QUARTER: Final = Decimal("0.25")
_EXACT: Final = Context(prec=100)
"""Precise enough that no rating that `cells.rating` accepts is rounded."""


class Scale(StrEnum):
    """The two scales in use."""

    ZERO_TO_ONE = "zero_to_one"
    ONE_TO_FIVE = "one_to_five"


_WRITE: Final = {
    None: "write a number from 1 to 5, or from 0 to 1, with one scale for the whole file",
    Scale.ZERO_TO_ONE: "this file rates from 0 to 1; write a number from 0 to 1",
    Scale.ONE_TO_FIVE: "this file rates from 1 to 5; write a number from 1 to 5",
}


class RatingFacts(BaseModel):
    """What the ratings so far say about the scale; `|` combines the facts of chunks."""

    model_config = ConfigDict(frozen=True)

    saw_above_one: bool = False
    saw_below_one: bool = False
    saw_any: bool = False

    def __or__(self, other: "RatingFacts") -> "RatingFacts":
        return RatingFacts(
            saw_above_one=self.saw_above_one or other.saw_above_one,
            saw_below_one=self.saw_below_one or other.saw_below_one,
            saw_any=self.saw_any or other.saw_any,
        )


def facts_of(ratings: Iterable[Decimal]) -> RatingFacts:
    """Collect the facts of some ratings; their order and repeats don't matter."""
    seen = {raw for raw in ratings if LOWEST <= raw <= HIGHEST}
    return RatingFacts(
        saw_above_one=any(raw > _ONE for raw in seen),
        saw_below_one=any(raw < _ONE for raw in seen),
        saw_any=bool(seen),
    )


def scale_of(facts: RatingFacts) -> tuple[Scale, bool]:
    """Return the scale of a whole file, and whether it is assumed because no rating is decisive."""
    if facts.saw_above_one:
        return Scale.ONE_TO_FIVE, False
    if facts.saw_below_one:
        return Scale.ZERO_TO_ONE, False
    return Scale.ONE_TO_FIVE, True


def scale_so_far(facts: RatingFacts) -> Scale | None:
    """Return the scale if a part of the file decides it: one rating above 1 does, a rating below 1 does not."""
    return Scale.ONE_TO_FIVE if facts.saw_above_one else None


def fits(raw: Decimal, scale: Scale | None) -> bool:
    """Whether a rating fits the scale, or either scale while it is unknown."""
    lowest = _ONE if scale is Scale.ONE_TO_FIVE else LOWEST
    highest = _ONE if scale is Scale.ZERO_TO_ONE else HIGHEST
    return lowest <= raw <= highest


def off_scale(field: str, text: str, scale: Scale | None) -> Fault:
    """Return the fault of a rating that does not fit the scale; *text* is the cell."""
    value = bare(text)
    is_unrated = scale is Scale.ONE_TO_FIVE and not value.strip("0.,+-")
    advice = f"{_WRITE[scale]}, or leave the cell empty if it was not rated" if is_unrated else _WRITE[scale]
    return Fault(FaultCode.INVALID_RATING, field, f"{field}: {shown(value)} is off the scale; {advice}", text)


def normalised(raw: Decimal, scale: Scale) -> Decimal:
    """Return the rating from 0 to 1 that is stored: unchanged, or exactly (r - 1) / 4."""
    if scale is Scale.ZERO_TO_ONE:
        return abs(raw)
    return _EXACT.multiply(_EXACT.subtract(raw, _ONE), _QUARTER)
