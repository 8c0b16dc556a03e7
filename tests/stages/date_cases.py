"""What the dates of cases/F1-dates.csv say: a moment, a fault, or one of the two where the rules leave the choice."""

from typing import Final, NamedTuple

MIDNIGHT: Final = "2024-11-13T00:00:00+00:00"
NOON: Final = "2024-11-13T12:00:00+00:00"
TWO: Final = "2024-11-13T14:00:00+00:00"
HALF_PAST_TWO: Final = "2024-11-13T14:30:00+00:00"


class Allowed(NamedTuple):
    """What may become of a date; nothing else may."""

    moment: str | None = None
    codes: tuple[str, ...] = ()


INVALID: Final = Allowed(codes=("E003",))
MISSING: Final = Allowed(codes=("E002", "E003"))


def read_as(moment: str) -> Allowed:
    """Listed in the rules: always read."""
    return Allowed(moment)


def at_most(moment: str) -> Allowed:
    """Not listed: rejected, or read as the one moment that it can mean."""
    return Allowed(moment, ("E003",))


DATES: Final[dict[int, Allowed]] = {
    **dict.fromkeys((0, 1, 3, 10, 18, 20, 21, 26, 27, 29, 31, 37, 38, 39, 56, 57), INVALID),
    **dict.fromkeys((40, 41, 42, 43, 44, 45), MISSING),
    46: Allowed(codes=("E002",)),
    **dict.fromkeys((4, 5, 16, 47, 48), read_as(MIDNIGHT)),
    **dict.fromkeys((2, 6, 7, 25, 32, 55), read_as(TWO)),
    33: read_as("2024-11-13T14:00:00.123000+00:00"),
    **dict.fromkeys((8, 9), read_as(NOON)),
    **dict.fromkeys((12, 14), read_as(HALF_PAST_TWO)),
    **dict.fromkeys((11, 13, 15), at_most(HALF_PAST_TWO)),
    **dict.fromkeys((17, 19, 23, 24, 28), at_most(TWO)),
    **dict.fromkeys((30, 34, 36, 49, 50, 51, 52, 53), at_most(MIDNIGHT)),
    22: at_most(NOON),
    35: at_most("2024-11-13T16:00:00+00:00"),
    54: at_most("2024-11-13T13:00:00+00:00"),
}
"""The values that may be stored, by the number in the session's id."""

OWN_TIMES: Final[dict[int, frozenset[str]]] = {
    3: frozenset({"2:00", "14:00"}),
    10: frozenset(),
    31: frozenset(),
}
"""The times that a message may hold: the row's own, as it is written or on 24 hours."""
