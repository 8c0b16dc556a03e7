"""Dirty files: one for each kind of dirt that exports are known to come with, and what must come of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

HEADER = "session_id,participant_email,volunteer_email,scheduled_at,rating,feedback_text,topics,metadata"
NAME = "Ґалина Єва Ірина Їжак"
NORWEGIAN = "Åse, Øyvind og Bjørn lærer språk på kveldskurs"


@dataclass(frozen=True)
class Dirt:
    """A file, and what must come of it: sessions by id with their feedback, and rejected rows by number."""

    body: bytes
    sessions: dict[str, str | None] = field(default_factory=dict)
    rejected: dict[int, str] = field(default_factory=dict)
    """The codes of each rejected row."""
    originals: tuple[str, ...] = ()
    """Cells that the error file must show as the file has them."""
    metadata: dict[str, object] = field(default_factory=dict)
    """What `csvMetadata` must say."""
    rating: float | None = None


def line(number: int, feedback: str = "fine", rating: str = "5", rest: str = ",") -> str:
    return f"LS-{number},oksana@example.org,kari@acme.com,2024-11-05,{rating},{feedback},{rest}"


def table(*lines: str, header: str = HEADER, end: str = "\n") -> str:
    return end.join((header, *lines)) + end


def parted(text: str, delimiter: str) -> str:
    return text.replace(",", delimiter)


def text_in(codec: str, chosen_by: str, name: str, feedback: str, mark: bytes = b"", delimiter: str = "\t") -> Dirt:
    """A file in an encoding."""
    return Dirt(
        mark + parted(table(line(1, feedback.replace(",", ""))), delimiter).encode(codec),
        sessions={"LS-1": feedback.replace(",", "")},
        metadata={"encoding": name, "encodingChosenBy": chosen_by, "delimiter": delimiter},
    )


ENCODINGS: dict[str, Dirt] = {
    "UTF-8 without BOM": text_in("utf-8", "strict_utf8", "utf-8", NAME),
    "UTF-8 with BOM": text_in("utf-8-sig", "bom", "utf-8", NAME),
    "UTF-16 LE with BOM": text_in("utf-16-le", "bom", "utf-16-le", NAME, b"\xff\xfe"),
    "UTF-16 BE with BOM": text_in("utf-16-be", "bom", "utf-16-be", NAME, b"\xfe\xff"),
    "UTF-16 LE without BOM": text_in("utf-16-le", "nul_pattern", "utf-16-le", NAME),
    "UTF-16 BE without BOM": text_in("utf-16-be", "nul_pattern", "utf-16-be", NAME),
    "Windows-1252": text_in("cp1252", "score", "windows-1252", NORWEGIAN + " – “bra”", delimiter=";"),
    "ISO-8859-1": text_in("latin-1", "score", "windows-1252", NORWEGIAN, delimiter=";"),
    "Windows-1251": text_in("cp1251", "score", "windows-1251", NAME, delimiter=";"),
    "Cyrillic lost before it reached us": Dirt(
        table(line(1, "????? ????????")).encode(),
        sessions={"LS-1": "????? ????????"},
        metadata={"warnings": [{"code": "lost_characters", "count": 2}]},
    ),
    "bytes that are no text": Dirt(
        table(line(1, NAME)).encode() + b"LS-2,oksana@example.org,kari@acme.com,2024-11-05,5,Bj\xf8rn,,\n",
        sessions={"LS-1": NAME},
        rejected={2: "E011"},
        originals=("Bj\\xf8rn",),
        metadata={"encoding": "utf-8"},
    ),
}

DIALECTS: dict[str, Dirt] = {
    "comma": Dirt(table(line(1)).encode(), sessions={"LS-1": "fine"}, metadata={"delimiter": ","}),
    "semicolon": Dirt(parted(table(line(1)), ";").encode(), sessions={"LS-1": "fine"}, metadata={"delimiter": ";"}),
    "tab": Dirt(parted(table(line(1)), "\t").encode(), sessions={"LS-1": "fine"}, metadata={"delimiter": "\t"}),
    "sep=;": Dirt(
        ("sep=;\r\n" + parted(table(line(1), end="\r\n"), ";")).encode("utf-8-sig"),
        sessions={"LS-1": "fine"},
        metadata={"delimiter": ";", "hasHeaderRow": True},
    ),
    "decimal comma": Dirt(
        parted(table(line(1, rating="X")), ";").replace("X", "4,5").encode(), sessions={"LS-1": "fine"}, rating=0.875
    ),
    "CRLF": Dirt(table(line(1), line(2), end="\r\n").encode(), sessions={"LS-1": "fine", "LS-2": "fine"}),
    "LF": Dirt(table(line(1), line(2)).encode(), sessions={"LS-1": "fine", "LS-2": "fine"}),
    "lone CR": Dirt(table(line(1), line(2), end="\r").encode(), sessions={"LS-1": "fine", "LS-2": "fine"}),
    "no line end at the end": Dirt(table(line(1)).rstrip().encode(), sessions={"LS-1": "fine"}),
    "mixed delimiters": Dirt(
        table(line(1), parted(line(2), ";")).encode(),
        sessions={"LS-1": "fine"},
        rejected={2: "E010"},
        originals=(parted(line(2), ";"),),
    ),
}

QUOTES: dict[str, Dirt] = {
    "quoted newlines": Dirt(table(line(1, '"one\r\ntwo\nthree"')).encode(), sessions={"LS-1": "one\r\ntwo\nthree"}),
    "doubled quotes": Dirt(table(line(1, '"he said ""yes"""')).encode(), sessions={"LS-1": 'he said "yes"'}),
    "commas in goals": Dirt(table(line(1, rest='"cv, interview, network",')).encode(), sessions={"LS-1": "fine"}),
    "JSON in metadata": Dirt(
        table(line(1, rest=',"{""room"": ""A, B"", ""n"": [1, 2.50]}"')).encode(), sessions={"LS-1": "fine"}
    ),
    "stray quotes inside unquoted fields": Dirt(
        table(line(1, '5" pipe and "so"'), line(2)).encode(), sessions={"LS-1": '5" pipe and "so"', "LS-2": "fine"}
    ),
    "a quote that is not closed": Dirt(
        table(line(1, '"never'), line(2)).encode(),
        sessions={"LS-2": "fine"},
        rejected={1: "E011"},
        originals=('"never',),
    ),
    "a quote that the next row's closes": Dirt(
        table(line(1, '"never'), line(2, '"quoted"'), line(3)).encode(),
        sessions={"LS-2": "quoted", "LS-3": "fine"},
        rejected={1: "E011"},
        originals=('"never',),
    ),
    "backslashes instead of doubled quotes": Dirt(
        table(line(1, r'"he said \"yes\" twice"'), line(2)).encode(),
        sessions={"LS-2": "fine"},
        rejected={1: "E011"},
        originals=(r'"he said \"yes\" twice"',),
    ),
    "two stray quotes around whole rows": Dirt(
        table(line(1, '"never'), line(2, 'a ruler of 12"'), line(3)).encode(),
        sessions={"LS-3": "fine"},
        rejected={1: "E011"},
    ),
}

SHAPES: dict[str, Dirt] = {
    "trailing rows of ;;;;;;": Dirt(
        (parted(table(line(1)), ";") + ";;;;;;;\r\n ; ;;;;;;\r\n;;;;;;;;;;\r\n").encode(), sessions={"LS-1": "fine"}
    ),
    "blank rows between": Dirt(table(line(1), "", ",,,,,,,", line(2)).encode(), {"LS-1": "fine", "LS-2": "fine"}),
    "ragged rows": Dirt(
        table(line(1), "LS-2,oksana@example.org", line(3) + ",more,and more", line(4) + ",,,").encode(),
        sessions={"LS-1": "fine"},
        rejected={2: "E010", 3: "E010", 4: "E010"},
        originals=("LS-2", "oksana@example.org", '"more", "and more"'),
    ),
    "repeated header names": Dirt(
        table(line(1) + ",second", header=HEADER + ",feedback_text").encode(),
        sessions={"LS-1": "fine"},
        metadata={"unknownHeaders": ["feedback_text"]},
    ),
    "headers in other forms": Dirt(
        table(line(1), header=HEADER.upper().replace("_", " - ")).encode(), sessions={"LS-1": "fine"}
    ),
    "unknown columns": Dirt(
        table(line(1) + ",x", line(2, rating="9") + ",=kept", header=HEADER + ",Løpenr").encode(),
        sessions={"LS-1": "fine"},
        rejected={2: "E006"},
        originals=("'=kept",),
        metadata={"unknownHeaders": ["Løpenr"]},
    ),
    "header only": Dirt(table().encode()),
    "a preamble before the header": Dirt(
        ("Kintell export\n\nNovember 2024\n" + table(line(1))).encode(),
        sessions={"LS-1": "fine"},
        metadata={"warnings": [{"code": "preamble_rows", "count": 2}]},
    ),
    "two tables in one file": Dirt(
        (table(line(1)) + "\n" + HEADER + "\n" + line(2) + "\n\nname,email\nKari,kari@acme.com\n").encode(),
        sessions={"LS-1": "fine", "LS-2": "fine"},
        rejected={3: "E010", 4: "E010"},
        originals=("name", "Kari"),
        metadata={"warnings": [{"code": "repeated_headers", "count": 1}]},
    ),
    "a NUL": Dirt(
        table(line(1, "a\0b"), line(2)).encode(),
        sessions={"LS-2": "fine"},
        rejected={1: "E011"},
        originals=("a\\x00b",),
    ),
    "a line of 20 MB": Dirt(
        table(line(1, "x" * 20_000_000), line(2)).encode(), sessions={"LS-2": "fine"}, rejected={1: "E011"}
    ),
    "the end-of-file mark of DOS": Dirt(
        (table(line(1)) + "\x1a").encode(),
        sessions={"LS-1": "fine"},
        metadata={"warnings": [{"code": "end_of_file_marks", "count": 1}]},
    ),
}

FORMULAS: dict[str, Dirt] = {
    f"cells that start with {start!a}": Dirt(
        table(line(1, f'"{start}1+cmd"'), line(2, f'"{start}1+cmd"', rating="9")).encode(),
        sessions={"LS-1": f"{start}1+cmd".strip()},
        rejected={2: "E006"},
        originals=(f"'{start}1+cmd",),
    )
    for start in ("=", "+", "-", "@", "\t", "\r")
}

TAKEN: Sequence[dict[str, Dirt]] = (ENCODINGS, DIALECTS, QUOTES, SHAPES, FORMULAS)

REFUSED: dict[str, tuple[bytes, str]] = {
    "no header at all": ((line(1) + "\n" + line(2) + "\n").encode(), "missing_columns"),
    "zero bytes": (b"", "empty_file"),
    "white space only": (b"\xef\xbb\xbf \r\n\t\r\n;;;\r\n", "empty_file"),
    "an .xlsx renamed .csv": (b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)) * 40, "not_csv"),
    "a line of 20 MB and nothing else": (b"x," * 10_000_000, "not_csv"),
    "a page of the web": (b"<!DOCTYPE html>\n<html><body>503</body></html>\n", "not_csv"),
    "UTF-32": (table(line(1)).encode("utf-32"), "undecodable"),
    "KOI8-U": (table(*(line(n, "дякую за розмову і допомогу") for n in range(9))).encode("koi8_u"), "undecodable"),
    "a quote in the header that is not closed": (table(line(1), header=HEADER + ',"x').encode(), "broken_header"),
}
