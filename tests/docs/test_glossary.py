"""The glossary has each word once, in order, with the words that code, API and pages use for things of their own."""

import re
from typing import Final

from local.aws import ROOT

GLOSSARY: Final = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRIES: Final = re.findall(r"^\| (?!Word |---)(.+?) \| (.+?) \|", GLOSSARY, re.MULTILINE)
WORDS: Final = re.findall(
    r"[a-z ]+[a-z]",
    "upload,batch,chunk,shard,row,session,reject,fault,reconcile,conflict,finalize,plan,undo,retry,correction,lineage,"
    "right,sign in,programme,roster,instance,ledger,dry run,error file",
)


def test_every_word_of_the_house_has_its_meaning() -> None:
    terms = {term for entry, _ in ENTRIES for term in entry.split(", ")}
    assert set(WORDS) - terms == set()


def test_a_word_has_one_meaning_and_stands_in_its_place() -> None:
    terms = [entry for entry, _ in ENTRIES]
    assert terms == sorted(set(terms), key=str.lower)


def test_every_step_of_an_import_is_explained() -> None:
    steps = {path.name.replace("_", " ") for path in (ROOT / "functions").iterdir() if (path / "app.py").exists()}
    assert steps - {"api"} <= {entry for entry, _ in ENTRIES}
