"""Bar charts by month, and the shares of one bar: drawn here as SVG, they need no script and can be printed."""

from collections.abc import Callable, Sequence
from datetime import date
from math import ceil, log10
from typing import Final, NamedTuple

WIDTH: Final = 520
LEFT: Final = 52
TOP: Final = 22
FLOOR: Final = 172
HEIGHT: Final = 208
FILLED: Final = 0.72
"""The share of a month's width that its bar takes."""
MOST_STEPS: Final = 4
LEAST_MONTHS: Final = 12
"""A chart shows at least a year, so that the bar of a single month does not fill it like a wall."""
MOST_MONTHS: Final = 36
LABELLED_MONTHS: Final = 12
"""Up to so many months have room for names and values; beyond that, only the first month of each quarter is named."""


class Column(NamedTuple):
    """A month's value, the value as text, and the text that its bar shows when pointed at."""

    value: float
    text: str
    title: str


class Bar(NamedTuple):
    """A month in the chart. `name` and `year` are empty where there is no room, or the year has been shown already."""

    x: float
    y: float
    height: float
    middle: float
    text: str
    title: str
    name: str = ""
    year: str = ""


class Line(NamedTuple):
    """A line across the chart, with its value."""

    y: float
    text: str


class Chart(NamedTuple):
    """Everything that a chart draws."""

    bars: list[Bar]
    lines: list[Line]
    bar_width: float
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    top: int = TOP
    floor: int = FLOOR


def by_month(
    months: Sequence[tuple[date, Column | None]], names: Sequence[str], write: Callable[[float], str], least: float
) -> Chart:
    """Draw the months in order; None is a month with nothing in it. *write* gives the text of a value on the axis,
    *least* is the smallest step between two of these values."""
    highest = max((column.value for _, column in months if column), default=0.0)
    step = _step(highest, least)
    steps = max(ceil(round(highest / step, 9)), 1)
    per_value = (FLOOR - TOP) / (steps * step)
    pitch = (WIDTH - LEFT) / len(months)
    bars = [
        _bar(LEFT + number * pitch, pitch, column, (column.value if column else 0.0) * per_value)
        for number, (_, column) in enumerate(months)
    ]
    lines = [Line(round(FLOOR - n * step * per_value, 2), write(n * step)) for n in range(steps + 1)]
    return Chart(_labelled(bars, [day for day, _ in months], names), lines, round(pitch * FILLED, 2))


def _bar(x: float, pitch: float, column: Column | None, height: float) -> Bar:
    return Bar(
        x=round(x + pitch * (1 - FILLED) / 2, 2),
        y=round(FLOOR - height, 2),
        height=round(height, 2),
        middle=round(x + pitch / 2, 2),
        text=column.text if column else "",
        title=column.title if column else "",
    )


def _labelled(bars: Sequence[Bar], days: Sequence[date], names: Sequence[str]) -> list[Bar]:
    """Add the labels for which there is room below and above each bar."""
    crowded = len(bars) > LABELLED_MONTHS
    return [
        bar._replace(
            name=names[day.month - 1] if not crowded or day.month in (1, 4, 7, 10) else "",
            year=str(day.year) if day.month == 1 or (number == 0 and day.month < 11) else "",
            text="" if crowded else bar.text,
        )
        for number, (bar, day) in enumerate(zip(bars, days, strict=True))
    ]


def _step(highest: float, least: float) -> float:
    """1, 2 or 5 times a power of ten, so that a few steps reach the highest value."""
    rough = max(highest / MOST_STEPS, least)
    power = 10.0 ** (ceil(log10(rough)) - 1)
    return max(least, next(power * n for n in (1, 2, 5, 10) if power * n >= rough * (1 - 1e-9)))


def months_to_draw(first: date, last: date) -> list[date]:
    """The first day of each month to draw, up to *last*: at least a year, and of many years the latest."""
    count = 12 * (last.year - first.year) + last.month - first.month + 1
    count = min(max(count, LEAST_MONTHS), MOST_MONTHS)
    newest = 12 * last.year + last.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(newest - count + 1, newest + 1)]


def shares(*counts: int) -> list[float]:
    """The parts of a bar in percent, at least 1 % for each that is not zero: one bad row in 100,000 must be visible."""
    whole = sum(counts) or 1
    parts = [max(100 * count / whole, 1.0) if count else 0.0 for count in counts]
    if any(counts):
        largest = parts.index(max(parts))
        parts[largest] += 100 - sum(parts)
    return [round(part, 2) for part in parts]
