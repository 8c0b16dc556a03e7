"""Lines are cut where a line ends, and nowhere else."""

import io

from hypothesis import given
from hypothesis import strategies as st

from ingestion.csv_file.text_lines import PIECE_CHARS, lines_of

TEXTS = st.text(alphabet='ab,"\n\r\v\f\x1c\x85\u2028', max_size=60)


@given(TEXTS, st.integers(PIECE_CHARS - 70, PIECE_CHARS + 10))
def test_lines_end_with_a_line_end_and_with_no_other_character(text: str, filling: int) -> None:
    text = "x" * filling + text + "\n" + "y" * filling + text
    assert list(lines_of(text)) == list(io.StringIO(text, newline=""))
