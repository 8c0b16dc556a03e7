"""The key that session cookies are signed with: an object of the work bucket, which Api reaches inside the network and
SignIn outside.

Whoever needs it first makes it. Deleting the object signs everybody out.
"""

import secrets
from functools import cache

from ingestion.aws import s3

KEY = "keys/session-cookies"
KEY_BYTES = 32


@cache
def cookie_key(work_bucket: str) -> bytes:
    """The key, the same for every function. Raises Unavailable."""
    # S3 keeps the object that is there. Asking first whether it is would need the right to list the bucket.
    s3.write_once(work_bucket, KEY, secrets.token_hex(KEY_BYTES).encode())
    return s3.read(work_bucket, KEY)
