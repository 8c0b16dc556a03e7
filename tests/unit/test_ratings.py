"""The rating scale belongs to the file; a rating is stored from 0 to 1, exactly."""

from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import or_

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.faults import FaultCode
from ingestion.values.ratings import RatingFacts, Scale, facts_of, fits, normalised, off_scale, scale_of, scale_so_far

FROM_0, FROM_1 = Scale.ZERO_TO_ONE, Scale.ONE_TO_FIVE


def numbers(text: str) -> list[Decimal]:
    return [Decimal(number) for number in text.split()]


@pytest.mark.parametrize(
    ("seen", "scale", "assumed"),
    [
        pytest.param("1 2 5", FROM_1, False, id="above 1"),
        pytest.param("0.5 1 4", FROM_1, False, id="above 1 wins over below 1"),
        pytest.param("0 4", FROM_1, False, id="above 1 wins over 0"),
        pytest.param("0.2 1", FROM_0, False, id="between 0 and 1"),
        pytest.param("0 1", FROM_0, False, id="0"),
        pytest.param("1 1 1", FROM_1, True, id="only 1"),
        pytest.param("", FROM_1, True, id="no rating"),
        pytest.param("-1 1", FROM_1, True, id="below 0 decides nothing"),
        pytest.param("0.5 7", FROM_0, False, id="above 5 decides nothing"),
        pytest.param("0.999999999999999999999", FROM_0, False, id="barely below 1"),
    ],
)
def test_the_ratings_of_a_file_tell_its_scale(seen: str, scale: Scale, assumed: bool) -> None:
    assert scale_of(facts_of(numbers(seen))) == (scale, assumed)


@given(st.lists(st.lists(st.sampled_from(numbers("-1 0 0.5 1 1.5 5 9")))))
@settings(deadline=None, database=None)
def test_the_scale_does_not_depend_on_how_the_file_was_cut(chunks: list[list[Decimal]]) -> None:
    whole = facts_of([rating for chunk in chunks for rating in chunk])
    assert reduce(or_, map(facts_of, chunks), RatingFacts()) == whole


def test_only_a_rating_above_1_decides_the_scale_before_the_whole_file_is_seen() -> None:
    assert scale_so_far(facts_of(numbers("1 1.5"))) is FROM_1
    assert scale_so_far(facts_of(numbers("0 0.5 1"))) is None


@pytest.mark.parametrize(
    ("rating", "scale", "does_fit"),
    [
        ("0", FROM_0, True),
        ("1", FROM_0, True),
        ("1.01", FROM_0, False),
        ("-0.01", FROM_0, False),
        ("1", FROM_1, True),
        ("5", FROM_1, True),
        ("0.99", FROM_1, False),
        ("5.01", FROM_1, False),
        ("0", None, True),
        ("5", None, True),
        ("-0.01", None, False),
        ("5.01", None, False),
    ],
)
def test_a_rating_fits_its_scale_or_either_while_that_is_unknown(
    rating: str, scale: Scale | None, does_fit: bool
) -> None:
    assert fits(Decimal(rating), scale) is does_fit


@pytest.mark.parametrize(
    ("scale", "told"),
    [
        (FROM_0, 'rating: "9" is off the scale; this file rates from 0 to 1; write a number from 0 to 1'),
        (FROM_1, 'rating: "9" is off the scale; this file rates from 1 to 5; write a number from 1 to 5'),
        (None, 'rating: "9" is off the scale; write a number from 1 to 5, or from 0 to 1'),
    ],
)
def test_a_rating_off_the_scale_is_told_the_scale(scale: Scale | None, told: str) -> None:
    fault = off_scale("rating", "9", scale)
    assert (fault.code, fault.field) == (FaultCode.INVALID_RATING, "rating")
    assert fault.message.startswith(told)


@pytest.mark.parametrize(
    ("rating", "scale", "stored"),
    [("1", FROM_1, "0"), ("3", FROM_1, "0.5"), ("4.5", FROM_1, "0.875"), ("5", FROM_1, "1"), ("0.3", FROM_0, "0.3")],
)
def test_a_rating_is_stored_from_0_to_1(rating: str, scale: Scale, stored: str) -> None:
    assert normalised(Decimal(rating), scale) == Decimal(stored)


def test_minus_zero_is_stored_as_zero() -> None:
    assert str(normalised(Decimal("-0"), FROM_0)) == "0"


@given(st.decimals(min_value=1, max_value=5, places=38))
@settings(deadline=None, database=None)
def test_nothing_is_rounded(rating: Decimal) -> None:
    assert Fraction(normalised(rating, FROM_1)) == (Fraction(rating) - 1) / 4


@pytest.mark.parametrize("text", ["0", "0.0", " 0,00", "-0"])
def test_nothing_on_a_scale_from_1_may_mean_that_nobody_rated(text: str) -> None:
    assert off_scale("rating", text, FROM_1).message.endswith("or leave the cell empty if it was not rated")


def test_ratings_off_both_scales_alone_are_no_ratings() -> None:
    assert not facts_of(numbers("80 -1 5.01")).saw_any


@pytest.mark.parametrize(
    ("text", "scale", "may_be_unrated"),
    [
        ("0", Scale.ONE_TO_FIVE, True),
        ("0,0", Scale.ONE_TO_FIVE, True),
        ("7", Scale.ONE_TO_FIVE, False),
        ("7", Scale.ZERO_TO_ONE, False),
        ("0", Scale.ZERO_TO_ONE, False),
        ("0", None, False),
    ],
)
def test_only_a_zero_among_ratings_from_one_may_mean_unrated(
    text: str, scale: Scale | None, may_be_unrated: bool
) -> None:
    message = off_scale("rating", text, scale).message

    assert ("leave the cell empty" in message) is may_be_unrated
