"""How an object shows that it came by a link of the API: by a token which that link alone carries, in signed metadata.

The id of an upload is no secret, so it proves nothing. The token is kept as a hash only, beside what the link signed;
it is good for one object, since whoever may read that object reads its metadata too.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Final, NamedTuple, Self
from uuid import UUID, uuid4

_ID, _TOKEN = "upload-id", "upload-token"
_RESERVED: Final = {"uploadid", "uploadtoken"}


class UploadLink(NamedTuple):
    """The upload that a link announces, and the link's token."""

    upload_id: UUID
    token: str

    @classmethod
    def new(cls) -> Self:
        """Of an upload that there is not yet."""
        return cls(uuid4(), secrets.token_urlsafe(24))

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self | None:
        """What an object says to have come by; None if it says nothing that could be true."""
        try:
            return cls(UUID(metadata[_ID]), metadata[_TOKEN])
        except (KeyError, ValueError):
            return None

    def to_metadata(self) -> dict[str, str]:
        """As the link signs it."""
        return {_ID: str(self.upload_id), _TOKEN: self.token}

    @property
    def token_hash(self) -> str:
        """What is kept of the token: enough to know it again."""
        return hashlib.sha256(self.token.encode()).hexdigest()


def names_a_link(metadata: Mapping[str, str]) -> bool:
    """Whether an object says to have come by a link, in whatever spelling."""
    return any(is_of_a_link(name) for name in metadata)


def is_of_a_link(name: str) -> bool:
    """Whether a name in metadata is of the links' own."""
    return re.sub("[-_]", "", name.lower()) in _RESERVED
