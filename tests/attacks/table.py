"""What an attacker tries over the wire. `make attack` carries out all of it and prints a line each."""

from typing import Final

from tests.attacks import api_requests, keys, uploads, web_pages
from tests.attacks.attack import Attack

TESTED: Final[tuple[Attack, ...]] = (*web_pages.ATTACKS, *keys.ATTACKS)
"""Those that make test carries out as well."""

ATTACKS: Final[tuple[Attack, ...]] = (*TESTED, *uploads.ATTACKS, *api_requests.ATTACKS)
