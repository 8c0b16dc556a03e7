"""Lines are cut where a line ends, and nowhere else; however far they were read, their place in the text is known."""

import io
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from ingestion.text_lines import FIRST_PIECE_CHARS, TextLines

TEXTS = st.text(alphabet='ab,"\n\r\v\f\x1c\x85\u2028', max_size=60)


def lines_of(text: str) -> list[str]:
    return list(io.StringIO(text, newline=""))


@given(TEXTS, st.integers(0, FIRST_PIECE_CHARS))
def test_lines_end_with_a_line_end_and_with_no_other_character(text: str, filling: int) -> None:
    text = "x" * filling + text + "\n" + "y" * filling + text
    assert list(TextLines(text).rest()) == lines_of(text)


@given(TEXTS, st.lists(st.integers(0, 4), max_size=5))
def test_reading_goes_on_where_it_stopped(text: str, steps: list[int]) -> None:
    lines, expected = TextLines(text), lines_of(text)
    for step in steps:
        read = list(islice(lines.rest(), step))
        assert read == expected[: len(read)]
        lines.have_read(len(read))
        expected = expected[len(read) :]
        assert text[lines.offset :] == "".join(expected)
    lines.go_on_at(len(text))
    assert list(lines.rest()) == []
