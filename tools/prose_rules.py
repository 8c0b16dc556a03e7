"""What the prose check looks for: words that are not the house's, American spellings, sentences that are none."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple


class Rule(NamedTuple):
    """A pattern, and what to write instead."""

    pattern: re.Pattern[str]
    instead: str


def _rule(pattern: str, instead: str) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), instead)


WORDS: Final = (
    _rule(r"\bwhat (?:came|comes|becomes|became) of\b", "write “result” or “outcome”"),
    _rule(r"\b(?:of which none|of whom none|is none of this|are none of)\b", "make a sentence whose subject acts"),
    _rule(r"\bis none that\b", "make a sentence whose subject acts"),
    _rule(r"\btold\b(?! apart)", "say who knows, sees or is notified"),
    _rule(r"\btells\b(?!.{0,60} (?:apart|from)\b)", "write “says”, “shows” or “notifies”"),
    _rule(r"\btell (?:of|no|nothing)\b", "write “says”, “shows” or “notifies”"),
    _rule(r"\bweigh(?:s|ed|ing)?\b", "write “reconcile” or “compare”"),
    _rule(r"\bsettl(?:e|es|ed|ing)\b", "write “decide” or “finalize”"),
    _rule(r"\bfurnish\w*", "write “provide” or “set”"),
    _rule(r"\badmit(?:s|ted|ting)?\b", "write “sign in” or “accept”"),
    _rule(r"\b(?:an|the|each|no|every) asking\b", "write “request”"),
    _rule(r"\b(?:is|are|was|were|be) taken(?= for\b|[.,;:!?]|$)", "write “accepted”, “read as” or “in use”"),
    _rule(r"\bnot taken up\b", "write “not started”"),
    _rule(r"\bthere already\b", "write “exists” or “unchanged”"),
    _rule(r"\bdrop (?:a|the) file\b", "write “import” or “upload”"),
    _rule(r"\b(?:with|has|have|without|show|shows|gets|needs) (?:a|no|the|their) pass\b", "write “session cookie”"),
    _rule(r"\bhelpers?\b|\butils\b", "name what it does"),
    _rule(r"\bjobs?\b(?! title)", "write “batch”, “step” or “import”"),
    _rule(r"^Of \w+ alone\b", "say who does it"),
    _rule(r"\bwhosoever\b|\bthereof\b|\bwherein\b|\bhereby\b", "write it plainly"),
)
"""Words of a dialect, where the field has one of its own."""

_BRITISH: Final = {
    r"behavior\w*": "behaviour",
    r"(?:un)?favor\w*": "favour",
    r"honor\w*": "honour",
    r"neighbor\w*": "neighbour",
    r"colors?|colored": "colour",
    r"gr[a]y": "grey",
    r"centers?|centered": "centre",
    r"catalogs?": "catalogue",
    r"dialogs?": "dialogue",
    r"defense": "defence",
    r"fulfill": "fulfil",
    r"canceled|canceling": "cancelled, cancelling",
    r"labeled|labeling": "labelled, labelling",
    r"modeled|modeling": "modelled, modelling",
    r"traveled|traveling": "travelled, travelling",
    r"(?!prize|finaliz|serialization|authorization (?:code|server))\w+[lnrt]iz(?:e[ds]?|ing|ations?)": "…ise",
    r"recognize[ds]?|recognizing|emphasize[ds]?|summarize[ds]?": "…ise",
    r"analyze[ds]?|analyzing|paralyze[ds]?": "analyse",
}
_ONE_SPELLING: Final = {
    r"e-mails?": "email",
    r"timezones?": "time zone",
    r"filenames?": "file name",
    r"lowercased?": "lower case",
    r"uppercased?": "upper case",
    r"meta-data|meta data": "metadata",
    r"half way|halfway": "half-way",
    r"commandline": "command line",
    r"program(?= instance| type)s?": "programme",
}
SPELLINGS: Final = tuple(
    _rule(rf"\b(?:{other})\b(?!-\w)", f"write “{ours}”") for other, ours in (_BRITISH | _ONE_SPELLING).items()
)
"""British, and each word in one way."""

MOST_WORDS: Final = 45
"""Between two stops or semicolons. What says one thing has fewer."""

_SENTENCE: Final = re.compile(r"(?<=[.!?])[\"”)]?\s+(?=[A-Z“\"(])")
_STARTS: Final = re.compile(r"(?:Nor|Of|Not|Likewise|For|From|By|Without|With)\b(?: [^\s,:;()]+){1,9}\.$")
_VERB: Final = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|can't|may|must|will|would|should|could|says?|goes|gives?|"
    r"comes?|gets?|makes?|takes?|needs?|keeps?|reads?|writes?|stays?|stands?|begins?|ends?|counts?|costs?|holds?|lets?|"
    r"knows?|finds?|means?|sees?|shows?|leaves?|lies|runs?|uses?|works?|helps?|serves?|asks?|sends?|calls?|starts?|stops?|it|they|that|which|who|CODE)\b"
    r"|n't\b|\w+(?:ed|ould)\b"
)


def faults_in(text: str) -> Iterator[tuple[str, str]]:
    """What is wrong with some prose: what to do, and the sentence."""
    for raw in _SENTENCE.split(text):
        sentence = " ".join(raw.split())
        for rule in (*WORDS, *SPELLINGS):
            found = rule.pattern.search(sentence)
            if found and not (rule in SPELLINGS and _is_name(found)):
                yield f"“{found[0]}”: {rule.instead}", sentence
        longest = max(len(clause.split()) for clause in re.split(r"[;:]\s|\n *\d", raw))
        if longest > MOST_WORDS and sentence.endswith("."):
            yield f"{longest} words without a stop: make two sentences", sentence
        if _STARTS.match(sentence) and not _VERB.search(sentence):
            yield "a sentence without a verb", sentence


def _is_name(found: re.Match[str]) -> bool:
    """Capitals within a sentence or a word are those of a header, a statement, a class."""
    return not found[0][1:].islower() or (found.start() > 0 and found[0][0].isupper())
