"""Everything that an attacker tries over the wire. `make attack` carries it out and prints a line for each attack."""

from typing import Final

from tests.attacks import api_requests, database, keys, uploads, web_pages
from tests.attacks.attack import Attack

ATTACKS: Final[tuple[Attack, ...]] = (
    *web_pages.ATTACKS,
    *keys.ATTACKS,
    *uploads.ATTACKS,
    *database.ATTACKS,
    *api_requests.ATTACKS,
)
