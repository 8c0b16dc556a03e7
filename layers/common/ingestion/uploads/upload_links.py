"""Prove that an object was uploaded with a link of the API: by a token in its signed metadata, unique to that link.

An upload's id is not secret, so it proves nothing. Only the token's hash is stored, with what the link signed; the
token is valid for one object, since whoever may read that object can read its metadata too.
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
        """Announce a new upload."""
        return cls(uuid4(), secrets.token_urlsafe(24))

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self | None:
        """Read the link that an object claims; None if it claims none, or one that can't exist."""
        try:
            return cls(UUID(metadata[_ID]), metadata[_TOKEN])
        except (KeyError, ValueError):
            return None

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata that the link signs."""
        return {_ID: str(self.upload_id), _TOKEN: self.token}

    @property
    def token_hash(self) -> str:
        """What is stored of the token: enough to recognise it."""
        return hashlib.sha256(self.token.encode()).hexdigest()


def names_a_link(metadata: Mapping[str, str]) -> bool:
    """Whether an object claims a link, in any spelling."""
    return any(is_of_a_link(name) for name in metadata)


def is_of_a_link(name: str) -> bool:
    """Whether this name in metadata is reserved for links."""
    return re.sub("[-_]", "", name.lower()) in _RESERVED
