"""Which encoding a file is taken to be in, and how that was decided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.csv_file.encodings import UTF8_BY_BOM, ChosenBy, Encoding, EncodingDetector, find_utf16, refuse_binary
from ingestion.errors import RefusalCode, Refused
from ingestion.faults import RawRow, Reject
from tests.unit.reference_reader import blocks_of, cells_of, rows_of, scan

ASCII_ROWS = b"id;name;note\n" + b"1;Kari;Good talk, 5/5\n" * 20


def encoding_of(data: bytes, block: int = 1 << 20, declared: Encoding | None = None) -> Encoding:
    watch = EncodingDetector()
    for part in blocks_of(data, block):
        watch.feed(part)
    return watch.finish(declared)


@pytest.mark.parametrize(
    ("text", "codec", "expected"),
    [
        pytest.param("", "utf-8", ("utf-8", ChosenBy.STRICT_UTF8), id="nothing"),
        pytest.param("Kari", "utf-8", ("utf-8", ChosenBy.STRICT_UTF8), id="pure ascii"),
        pytest.param("Åse Bjørnstad; Олена Ґудзь", "utf-8", ("utf-8", ChosenBy.STRICT_UTF8), id="utf-8"),
        pytest.param("Bjørn", "cp1252", ("windows-1252", ChosenBy.SCORE), id="one norwegian name"),
        pytest.param("ÆØÅ, æøå", "cp1252", ("windows-1252", ChosenBy.SCORE), id="norwegian letters side by side"),
        pytest.param("å; Å; Ø", "cp1252", ("windows-1252", ChosenBy.SCORE), id="single norwegian letters"),
        pytest.param(
            "Åse Bjørnstad, Øyvind Sæther, blåbærøl", "cp1252", ("windows-1252", ChosenBy.SCORE), id="norwegian"
        ),
        pytest.param(
            "Zoë Müller, Größe, Þór, François", "cp1252", ("windows-1252", ChosenBy.SCORE), id="other western"
        ),
        pytest.param("“Good” – 20°C, €5…", "cp1252", ("windows-1252", ChosenBy.SCORE), id="only windows punctuation"),
        pytest.param("Олена", "cp1251", ("windows-1251", ChosenBy.SCORE), id="one ukrainian name"),
        pytest.param("Ґудзь", "cp1251", ("windows-1251", ChosenBy.SCORE), id="Ґ"),
        pytest.param("Євген", "cp1251", ("windows-1251", ChosenBy.SCORE), id="Є"),
        pytest.param("Ігор", "cp1251", ("windows-1251", ChosenBy.SCORE), id="І"),
        pytest.param("Їжакевич", "cp1251", ("windows-1251", ChosenBy.SCORE), id="Ї"),
        pytest.param("ЮЛІЯ ЩЕРБАК", "cp1251", ("windows-1251", ChosenBy.SCORE), id="capitals"),
        pytest.param("Дмитрiй Iрина", "cp1251", ("windows-1251", ChosenBy.SCORE), id="latin i among cyrillic"),
        pytest.param("Мар’яна “чудово”", "cp1251", ("windows-1251", ChosenBy.SCORE), id="apostrophe and quotes"),
    ],
)
@pytest.mark.parametrize("around", [b"", ASCII_ROWS], ids=["alone", "sparse"])
def test_the_encoding_is_found(text: str, codec: str, expected: tuple[str, ChosenBy], around: bytes) -> None:
    assert encoding_of(around + text.encode(codec) + b"\n" + around) == expected


UKRAINIAN = (
    "Олена Шевченко, Дмитро Щербак, Ірина Мельник",
    "Дякую за розмову, все було чудово",
    "дякую за розмову, все добре, ще зустрінемось, робота, освіта",
    "ОЛЕНА ШЕВЧЕНКО ДМИТРО ЩЕРБАК",
    "Ірина Ковальчук, Їжакевич, Євген Бондаренко, Юлія",
    "Хлопець Гаврилюк Щур Жук Чиж Шпак Цап Юхим",
)
NORWEGIAN = "Øystein Bjørnå Kjærstad Håkon Åse"


@pytest.mark.parametrize("text", UKRAINIAN)
@pytest.mark.parametrize("codec", ["koi8_u", "cp866", "mac_cyrillic", "iso8859_5", "cp855"])
def test_text_in_another_cyrillic_page_is_refused_rather_than_garbled(codec: str, text: str) -> None:
    with pytest.raises(Refused, match="save it as CSV UTF-8") as refused:
        encoding_of(text.encode(codec, "replace"))
    assert refused.value.code == RefusalCode.UNDECODABLE


def test_the_page_that_a_file_reads_like_is_named() -> None:
    with pytest.raises(Refused, match="reads like one in KOI8-U"):
        encoding_of(UKRAINIAN[2].encode("koi8_u"))


@pytest.mark.parametrize("text", [*UKRAINIAN, "ФЕДЮК ЮХИМ ЦЮЦЮРА", "Юхим Цюх", "Щур", "ЖУК", "юля", "Ґжицький"])
def test_the_same_text_in_windows_1251_is_taken(text: str) -> None:
    assert encoding_of(text.encode("cp1251")) == ("windows-1251", ChosenBy.SCORE)


@pytest.mark.parametrize("codec", ["mac_roman", "cp850", "cp865"])
@pytest.mark.parametrize("text", [NORWEGIAN, "Zoë Müller François Þór Größe Noël"])
def test_text_in_another_western_page_is_refused_rather_than_garbled(codec: str, text: str) -> None:
    with pytest.raises(Refused, match="save it as CSV UTF-8") as refused:
        encoding_of(text.encode(codec, "replace"))
    assert refused.value.code == RefusalCode.UNDECODABLE


EASTERN = {
    "cp1250": "Rozmowa była świetna, dziękuję za pomoc, Łukasz Żak",
    "cp1254": "Görüşme çok güzeldi, teşekkürler, İş başvurusu, Şule Yıldız",
    "cp1257": "Ačiū už pagalbą, susitikimas buvo puikus, šį kartą, Žydrūnas",
}


@pytest.mark.parametrize("codec", EASTERN)
def test_text_in_the_pages_of_other_languages_is_refused(codec: str) -> None:
    with pytest.raises(Refused) as refused:
        encoding_of(EASTERN[codec].encode(codec))
    assert refused.value.code == RefusalCode.UNDECODABLE


def test_a_file_with_control_characters_is_no_windows_1252() -> None:
    with pytest.raises(Refused) as refused:
        encoding_of("Bj\xf8rn \x81\x9d".encode("latin-1"))
    assert refused.value.code == RefusalCode.UNDECODABLE


@pytest.mark.parametrize(("text", "unsure"), [("Bjørn", False), ("ò", True)])
def test_too_few_words_to_tell_are_warned_of(text: str, unsure: bool) -> None:
    watch = EncodingDetector()
    watch.feed(text.encode("cp1252"))
    watch.finish(None)
    assert watch.is_unsure == unsure


@pytest.mark.parametrize("text", ["Sæther", "være", "Ærlig"])
@pytest.mark.parametrize("count", [1, 50])
def test_a_letter_of_dos_that_is_a_quotation_mark_here_is_doubted(text: str, count: int) -> None:
    watch = EncodingDetector()
    watch.feed(f"{text};".encode("cp850") * count)
    try:
        watch.finish(None)
    except Refused:
        return
    assert watch.is_unsure


def test_lines_of_utf8_in_a_file_of_a_code_page_are_read_as_utf8() -> None:
    lines = "session_id;navn\r\n" + "1;Møte på øya\r\n" * 3
    data = lines.encode("cp1252") + "2;Møte på øya\r\n".encode()
    assert {row[1] for row in cells_of(data)} == {"Møte på øya"}


@pytest.mark.parametrize("text", ["Ні", "дії", "Ні, дії", "Ці", "Ті"])
@pytest.mark.parametrize("others", [["Дякую за розмову, було корисно"] * 3, ["Так"]], ids=["many", "one"])
def test_words_of_windows_1251_that_happen_to_be_valid_utf8_stay_what_they_are(text: str, others: list[str]) -> None:
    lines = [f"{at};{each}\r\n" for at, each in enumerate([text, *others, text])]
    data = "".join(["session_id;navn\r\n", *lines]).encode("cp1251")
    assert [row[1] for row in cells_of(data)] == [text, *others, text]


def test_nothing_but_such_words_is_utf8_by_rule_and_warned_of() -> None:
    watch = EncodingDetector()
    watch.feed("Ні, дії".encode("cp1251"))
    assert watch.finish(None).chosen_by is ChosenBy.STRICT_UTF8
    assert watch.is_unsure


@pytest.mark.parametrize("count", [1, 50])
def test_a_word_that_comes_again_makes_no_page_surer(count: int) -> None:
    watch = EncodingDetector()
    watch.feed("це; ".encode("cp1251") * count)
    watch.finish(None)
    assert watch.is_unsure


def test_a_line_in_two_encodings_is_rejected() -> None:
    data = b"session_id;navn\r\n" + "1;Møte på øya\r\n".encode("cp1252") * 3
    *_, last = rows_of(data + "2;på ".encode("cp1252") + "øya\r\n".encode())
    assert isinstance(last, Reject)


@pytest.mark.parametrize(("text", "count"), [("Møte på øya", 3), ("Дякую", 1)])
def test_text_encoded_twice_is_warned_of(text: str, count: int) -> None:
    twice = text.encode().decode("cp1252", "replace").replace("\ufffd", "\x81").encode()
    scanned, _ = scan(b"session_id;navn\n1;" + twice + b"\n")
    assert [(each.code, each.count) for each in scanned.warnings] == [("encoded_twice", count)]


def test_cyrillic_text_encoded_twice_by_way_of_its_page_is_warned_of() -> None:
    twice = "Дуже корисна розмова".encode().decode("cp1251").encode()
    scanned, _ = scan(b"session_id;navn\n1;" + twice + "\n2;Росія, СРСР, «Росіяни», СТАРТ\n".encode())
    assert [(each.code, each.count) for each in scanned.warnings] == [("encoded_twice", 3)]


@pytest.mark.parametrize("others", [b"", "2;Møte på øya\r\n".encode("cp1252") * 3, "2;Дякую\r\n".encode("cp1251") * 3])
def test_half_pairs_in_utf8_are_no_letters_of_a_page(others: bytes) -> None:
    """As Java and old databases write an emoji: two times three bytes."""
    emoji = "\ud83d\ude00".encode("utf-8", "surrogatepass")
    first, *rest = rows_of(b"session_id;navn\r\n1;" + emoji + b"\r\n" + others)
    assert isinstance(first, Reject)
    assert all(isinstance(row, RawRow) for row in rest)


def test_norwegian_text_of_the_baltic_page_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        encoding_of("Møte på øya gikk bra så vi øver på språk".encode("cp1257"))
    assert refused.value.code == RefusalCode.UNDECODABLE


def test_one_invalid_byte_after_megabytes_of_ascii_is_seen() -> None:
    data = b"1,Kari Nordmann,fine\n" * 100_000 + b"2,Bj\xf8rn,fine\n"
    assert encoding_of(data, block=65_536) == ("windows-1252", ChosenBy.SCORE)


def test_utf8_with_a_damaged_row_stays_utf8() -> None:
    data = "1,Олена,Åse\n".encode() * 20 + b"2,\xff\xfe\xfa,x\n"
    assert encoding_of(data) == ("utf-8", ChosenBy.SCORE)


def test_a_declared_encoding_stands_with_few_bad_bytes_but_not_with_many() -> None:
    good, bad = "Åse ".encode(), b"\xe5\xf8 "
    assert encoding_of(good * 30 + bad, declared=UTF8_BY_BOM) == UTF8_BY_BOM
    with pytest.raises(Refused, match="save it as CSV UTF-8"):
        encoding_of(good + bad * 30, declared=UTF8_BY_BOM)


@given(text=st.text(), block=st.integers(1, 9))
def test_blocks_may_cut_characters(text: str, block: int) -> None:
    assert encoding_of(text.replace("\udcff", "").encode("utf-8", "ignore"), block).chosen_by == ChosenBy.STRICT_UTF8


@given(data=st.binary(), block=st.integers(1, 9))
def test_the_encoding_is_utf8_by_rule_if_and_only_if_all_of_it_is(data: bytes, block: int) -> None:
    try:
        chosen = encoding_of(data, block).chosen_by
    except Refused:
        chosen = ChosenBy.SCORE
    try:
        data.decode()
    except UnicodeDecodeError:
        assert chosen == ChosenBy.SCORE
    else:
        assert chosen == ChosenBy.STRICT_UTF8


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param("id\tnavn\r\n".encode("utf-16"), ("utf-16-le", ChosenBy.BOM), id="LE with mark"),
        pytest.param(b"\xfe\xff" + "id\tnavn\r\n".encode("utf-16-be"), ("utf-16-be", ChosenBy.BOM), id="BE with mark"),
        pytest.param("id\tnavn\r\n".encode("utf-16-le"), ("utf-16-le", ChosenBy.NUL_PATTERN), id="LE"),
        pytest.param("id\tnavn\r\n".encode("utf-16-be"), ("utf-16-be", ChosenBy.NUL_PATTERN), id="BE"),
        pytest.param(
            ("id,name\n" + "1,Олена Ґудзь\n" * 30).encode("utf-16-le"),
            ("utf-16-le", ChosenBy.NUL_PATTERN),
            id="cyrillic",
        ),
        pytest.param(b"id,name\n1,a\0b\n", None, id="a NUL in UTF-8"),
        pytest.param(b"id,name\n" + b"\0" * 40, None, id="a tail of NULs"),
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"a\0", None, id="two bytes"),
        pytest.param("Åse;Bjørn".encode("cp1252"), None, id="code page"),
    ],
)
def test_utf16_shows_in_the_first_bytes(head: bytes, expected: tuple[str, ChosenBy] | None) -> None:
    assert find_utf16(head) == expected


def test_utf32_is_refused() -> None:
    with pytest.raises(Refused, match="UTF-32"):
        find_utf16("id,name".encode("utf-32"))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        pytest.param(b"PK\x03\x04\x14\0\x06\0", "Excel workbook", id="xlsx"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "old Excel workbook", id="xls"),
        pytest.param(b"%PDF-1.7\n%", "PDF", id="pdf"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "image", id="png"),
        pytest.param(b"\xff\xd8\xff\xe0\0\x10JFIF", "image", id="jpeg"),
        pytest.param(b" <!DOCTYPE html>\n<p>503", "HTML", id="html"),
        pytest.param(b"<html><table>", "HTML", id="a table of html"),
        pytest.param(b"\xef\xbb\xbf<?xml version='1.0'?>", "XML", id="xml"),
        pytest.param(b"{\\rtf1\\ansi", "Rich Text", id="rtf"),
        pytest.param(b'[\n {"session_id": 1}]', "JSON", id="json"),
        pytest.param(b"Rar!\x1a\x07", "RAR", id="rar"),
        pytest.param(b"\x7fELF\x02\x01\x01" + b"\0" * 9, "not a text file", id="program"),
        pytest.param(b"\0" * 500, "not a text file", id="only NULs"),
    ],
)
def test_what_is_no_text_is_refused_with_what_to_do(head: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message) as refused:
        refuse_binary(head)
    assert refused.value.code == RefusalCode.NOT_CSV


def test_a_stray_control_character_is_no_binary() -> None:
    refuse_binary(ASCII_ROWS + b"2;a\0b\x01;\n")


@pytest.mark.parametrize(
    ("codec", "mark", "reported", "chosen_by"),
    [
        pytest.param("utf-8", b"", "utf-8", ChosenBy.STRICT_UTF8, id="utf-8"),
        pytest.param("utf-8", b"\xef\xbb\xbf", "utf-8", ChosenBy.BOM, id="utf-8 with mark"),
        pytest.param("utf-8", b"\xef\xbb\xbf" * 2, "utf-8", ChosenBy.BOM, id="utf-8 with two marks"),
        pytest.param("utf-16-le", b"\xff\xfe", "utf-16-le", ChosenBy.BOM, id="utf-16-le with mark"),
        pytest.param("utf-16-be", b"\xfe\xff", "utf-16-be", ChosenBy.BOM, id="utf-16-be with mark"),
        pytest.param("utf-16-le", b"", "utf-16-le", ChosenBy.NUL_PATTERN, id="utf-16-le"),
        pytest.param("utf-16-be", b"", "utf-16-be", ChosenBy.NUL_PATTERN, id="utf-16-be"),
        pytest.param("cp1251", b"", "windows-1251", ChosenBy.SCORE, id="windows-1251"),
    ],
)
@pytest.mark.parametrize("block", [1, 3, 1000])
def test_the_same_rows_come_out_of_every_encoding(
    codec: str, mark: bytes, reported: str, chosen_by: ChosenBy, block: int
) -> None:
    data = mark + 'session_id\tназва\r\n1\tОлена "Ґ" Їжак\r\n2\t"два\nрядки"\r\n'.encode(codec)
    scanned, _ = scan(data, block=block)
    assert (scanned.encoding, scanned.encoding_chosen_by) == (reported, chosen_by)
    assert scanned.transformed == ("utf-16" in codec)
    assert scanned.format.header == ("session_id", "назва")
    rows = rows_of(data, block=block)
    assert rows == [RawRow(1, 2, ["1", 'Олена "Ґ" Їжак']), RawRow(2, 3, ["2", "два\nрядки"])]


def test_norwegian_rows_come_out_of_windows_1252() -> None:
    data = "session_id;navn\r\n1;Åse Bjørnstad\r\n2;Kjærsti\r\n".encode("cp1252")
    assert cells_of(data) == [["1", "Åse Bjørnstad"], ["2", "Kjærsti"]]
