"""The names of months in English, Norwegian and Ukrainian: closed lists, so nothing is guessed."""

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
"""Name to number, in lower case; abbreviations without their full stop."""
