"""The catalogue of codes: each code is declared once, with its title and advice in every language.

Faults of rows are in `fault_codes`, refusals of files in `refusal_codes`, failures of batches in `batch`, warnings in
`file_warnings`, problems of the HTTP API in `api.problem_codes`. Pages, API, command line and docs/errors.md read them
from there, so a new code takes one member and the line that raises it.

A text may have placeholders for limits, such as `{longest_session}`; `limits` fills them in from where each limit is
enforced.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Self


class Language(StrEnum):
    """The languages of the texts."""

    ENGLISH = "en"
    NORWEGIAN = "nb"


class Text(NamedTuple):
    """One text in every language."""

    en: str
    nb: str

    def read(self, language: str, limits: Mapping[str, "Text"]) -> str:
        """Return the text in a language, with limits filled in. Raises KeyError for an unknown placeholder."""
        gaps = {name: text.template(language) for name, text in limits.items()}
        return self.template(language).format(**gaps)

    def template(self, language: str) -> str:
        """Return the text in a language, with its placeholders."""
        return self.nb if language == Language.NORWEGIAN else self.en


class Entry(NamedTuple):
    """The texts about a code: `title` says what happened, without a full stop; `advice` says what to do."""

    title: Text
    advice: Text


class CatalogueCode(StrEnum):
    """A family of codes; each member is its code, followed by its title and its advice.

    What follows the code is `*entry`, because `FaultCode("E001")`, which looks a member up, has the same signature.
    """

    about: Entry

    def __new__(cls, code: str, *entry: Text) -> Self:
        """Make a member of a code and its texts."""
        return cls.with_texts(code, *entry)

    @classmethod
    def with_texts(cls, code: str, title: Text, advice: Text) -> Self:
        """Make a member that is the code itself, for families with more attributes.

        They can't call `super().__new__`, which is Enum's own.
        """
        member = str.__new__(cls, code)
        member._value_ = code
        member.about = Entry(title, advice)
        return member
