"""Bars by month: heights that stand for their values, steps that are read at a glance, names where there is room."""

from datetime import date

import pytest

from dashboard.charts import FLOOR, TOP, Column, by_month, months_to_draw, shares

NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
DAY = date(2024, 11, 1)


def column(value: float) -> Column:
    return Column(value, f"{value:g}", f"it is {value:g}")


@pytest.mark.parametrize(
    ("highest", "least", "steps"),
    [
        (0, 1, ["0", "1"]),
        (1, 1, ["0", "1"]),
        (3, 1, ["0", "1", "2", "3"]),
        (7, 1, ["0", "2", "4", "6", "8"]),
        (40, 1, ["0", "10", "20", "30", "40"]),
        (41, 1, ["0", "20", "40", "60"]),
        (123_456, 1, ["0", "50000", "100000", "150000"]),
        (0.36, 0.01, ["0", "0.1", "0.2", "0.3", "0.4"]),
        (0.004, 0.01, ["0", "0.01"]),
        (1, 0.01, ["0", "0.5", "1"]),
    ],
)
def test_the_lines_stand_for_round_numbers(highest: float, least: float, steps: list[str]) -> None:
    chart = by_month([(DAY, column(highest))], NAMES, lambda value: f"{round(value, 6):g}", least)
    assert [line.text for line in chart.lines] == steps
    assert [line.y for line in chart.lines] == sorted((line.y for line in chart.lines), reverse=True)
    assert (chart.lines[0].y, chart.lines[-1].y) == (FLOOR, TOP)


def test_a_bar_is_as_high_as_its_value_and_stands_on_the_floor() -> None:
    months = [(date(2024, month, 1), column(value)) for month, value in ((9, 10), (10, 20))]
    chart = by_month([*months, (DAY, None)], NAMES, str, 1)
    low, high, none = chart.bars
    assert high.height == pytest.approx(2 * low.height, abs=0.02)
    assert [bar.y + bar.height for bar in chart.bars] == pytest.approx([FLOOR] * 3)
    assert (none.height, none.title, none.text) == (0, "", "")
    assert (high.title, high.text) == ("it is 20", "20")


@pytest.mark.parametrize(("first", "count"), [(DAY, 12), (date(2023, 11, 1), 13), (date(2010, 1, 1), 36)])
def test_a_year_is_drawn_at_least_and_three_at_most_up_to_the_last_month(first: date, count: int) -> None:
    months = months_to_draw(first, DAY)
    assert (len(months), months[-1]) == (count, DAY)
    assert months == sorted(set(months))


def test_many_months_are_named_by_the_quarter_and_each_year_once() -> None:
    months = [(day, column(1)) for day in months_to_draw(date(2010, 1, 1), DAY)]
    chart = by_month(months, NAMES, str, 1)
    assert {bar.name for bar in chart.bars} == {"", "Jan", "Apr", "Jul", "Oct"}
    assert [bar.year for bar in chart.bars if bar.year] == ["2022", "2023", "2024"]
    assert not any(bar.text for bar in chart.bars)
    assert all(bar.title for bar in chart.bars)


@pytest.mark.parametrize(
    ("counts", "parts"),
    [
        pytest.param((6, 2, 2), [60, 20, 20], id="as they are"),
        pytest.param((99_999, 0, 1), [99, 0, 1], id="one of many is to be seen"),
        pytest.param((1, 99_998, 1), [1, 98, 1], id="two of many"),
        pytest.param((0, 5, 5), [0, 50, 50], id="nothing new"),
        pytest.param((0, 0, 7), [0, 0, 100], id="all bad"),
        pytest.param((0, 0, 0), [0, 0, 0], id="no rows"),
    ],
)
def test_the_parts_of_a_bar_make_a_whole_and_none_is_lost(counts: tuple[int, ...], parts: list[float]) -> None:
    assert shares(*counts) == pytest.approx(parts, abs=0.01)
