"""The months as files write them, in English, Norwegian and Ukrainian: closed lists, nothing is guessed."""

from typing import Final

_NAMES: Final = (
    "january januar січень січня jan січ",
    "february februar лютий лютого feb лют",
    "march mars березень березня mar бер",
    "april квітень квітня apr кві квіт",
    "may mai травень травня тра трав",
    "june juni червень червня jun чер черв",
    "july juli липень липня jul лип",
    "august серпень серпня aug сер серп",
    "september вересень вересня sep sept вер",
    "october oktober жовтень жовтня oct okt жов жовт",
    "november листопад листопада nov лис лист",
    "december desember грудень грудня dec des гру груд",
)

MONTHS: Final = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
"""The number of each month by its names, in lower case, without the full stop of a short one."""
