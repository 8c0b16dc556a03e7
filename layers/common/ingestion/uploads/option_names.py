"""Which option a name in object metadata means: an option never goes unheeded because of how its name is written.

S3 makes names lower-case, so `dryRun` arrives as `dryrun`; tools and people write `dry_run`. What is nearly the name of
an option is refused: it may be a slip of the keyboard, and an import in place of a dry run can't be taken back.
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
"""By what is left of a name without case and separators; the API's own names among them."""
_OF_THE_KEY: Final = ("program", "programtype", "programme")
_LONGEST_SHORT: Final = 8
_OF_S3: Final = ("xamzmeta", "amzmeta", "xamz")
"""What S3 puts before a name. Somebody who writes it too is answered, not passed over."""


def by_name(metadata: Mapping[str, str]) -> dict[str, str]:
    """The values by the options' names; what means no option is left out. Raises Refused(INVALID_OPTION)."""
    given: dict[str, str] = {}
    for written, value in metadata.items():
        name = find(written)
        if name is None:
            continue
        if given.get(name) not in (None, value):
            raise _invalid(f"The option {name} is given twice, with two values; give it once.")
        given[name] = value
    return given


def spelled(written: str) -> str:
    """The option's own name, however it is written; of other names what S3 makes of them."""
    return _BARE.get(_SEPARATORS.sub("", written.lower()), written.lower())


def find(written: str) -> str | None:
    """The option that a name means; None if it means none. Raises Refused if it nearly means one."""
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
    """Whether a slip or two of the keyboard lie between the names; the first letter is seldom one of them."""
    slips = 1 if len(known) <= _LONGEST_SHORT else 2
    if abs(len(bare) - len(known)) > slips:
        return False
    distance = _distance(bare, known)
    return distance <= slips and (distance == 1 or bare[:1] == known[:1])


def _distance(one: str, other: str) -> int:
    """How many letters are to be put in, left out, changed or swapped with their neighbour."""
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
