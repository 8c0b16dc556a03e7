"""Match names in object metadata to options, so that no option is ignored because of its spelling.

S3 makes names lower-case, so `dryRun` arrives as `dryrun`; tools and people write `dry_run`. A name that is close to an
option's is refused: it may be a typing error, and an import instead of a dry run can't be undone.
"""

import re
from collections.abc import Mapping
from typing import Final

from ingestion.errors import RefusalCode, Refused

NAMES: Final = (
    "force",
    "force-reason",
    "imported-by",
    "program-instance",
    "parent-batch",
    "dry-run",
    "max-error-percent",
    "date-order",
    "time-zone",
    "upload-id",
    "upload-token",
)
_SEPARATORS = re.compile("[-_]")
_BARE: Final = {_SEPARATORS.sub("", name): name for name in NAMES} | {"parentbatchid": "parent-batch"}
"""By name without case and separators; includes the API's own names."""
_OF_THE_KEY: Final = ("program", "programtype", "programme")
_LONGEST_SHORT: Final = 8
_OF_S3: Final = ("xamzmeta", "amzmeta", "xamz")
"""Prefixes that S3 adds. Whoever writes one too gets an answer, and isn't ignored."""


def by_name(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the values by option, without other names. Raises Refused(INVALID_OPTION)."""
    given: dict[str, str] = {}
    for written, value in metadata.items():
        name = find(written)
        if name is None:
            continue
        if given.get(name) not in (None, value):
            raise _invalid(f"The option {name} is given twice with different values; give it once.")
        given[name] = value
    return given


def spelled(written: str) -> str:
    """Return the option's own name for any spelling; other names only in lower case, as S3 makes them."""
    return _BARE.get(_SEPARATORS.sub("", written.lower()), written.lower())


def find(written: str) -> str | None:
    """Return the option that a name means, if any. Raises Refused if it is close to an option."""
    bare = _SEPARATORS.sub("", written.lower())
    if bare in _BARE:
        return _BARE[bare]
    if bare in _OF_THE_KEY:
        raise _invalid(f"There is no option {written}; name the programme by the folder: incoming/<program>/<file>.")
    named = next((bare.removeprefix(front) for front in _OF_S3 if bare.startswith(front)), bare)
    near = next((name for known, name in _BARE.items() if _is_near(named, known)), None)
    if near:
        raise _invalid(f"There is no option {written[:40]}; did you mean {near}? Write it so, or leave it out.")
    return None


def _is_near(bare: str, known: str) -> bool:
    """Whether one or two typing errors separate the names; the first letter is rarely wrong."""
    slips = 1 if len(known) <= _LONGEST_SHORT else 2
    if abs(len(bare) - len(known)) > slips:
        return False
    distance = _distance(bare, known)
    return distance <= slips and (distance == 1 or bare[:1] == known[:1])


def _distance(one: str, other: str) -> int:
    """Count the letters to insert, delete, change or swap with their neighbour."""
    rows = [list(range(len(other) + 1))]
    for at, letter in enumerate(one, 1):
        row = [at]
        for to, wanted in enumerate(other, 1):
            cost = min(rows[-1][to] + 1, row[to - 1] + 1, rows[-1][to - 1] + (letter != wanted))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == wanted:
                cost = min(cost, rows[-2][to - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


def _invalid(message: str) -> Refused:
    return Refused(RefusalCode.INVALID_OPTION, message)
