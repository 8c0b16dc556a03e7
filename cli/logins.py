"""Stores the user's logins: tokens by the address of the API, in a file that only the user can read.

Tokens are renewed when they are used. They are never printed, and are sent only to the API and the issuer.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from cli.command_errors import Failure
from cli.token_issuer import Issuer, NotLoggedIn, claims_of, time_of

try:
    import fcntl
except ImportError:  # Windows, where two commands at once may both renew a token
    fcntl = None  # type: ignore[assignment]

RENEW_SECONDS: Final = 60
"""How long before it expires a token is renewed: it must last for the request that it is sent with."""


@dataclass(frozen=True)
class Login:
    """The tokens from the issuer for one API."""

    issuer: Issuer
    name: str
    token: str
    refresh_token: str | None
    expires_at: float

    @classmethod
    def given(cls, issuer: Issuer, name: str, answer: dict[str, Any]) -> "Login":
        """A login from the issuer's answer."""
        token = str(answer[issuer.kind])
        expires = time_of(claims_of(token).get("exp"))
        if expires is None:
            expires = time.time() + (time_of(answer.get("expires_in")) or 0)
        return cls(issuer, name, token, answer.get("refresh_token"), expires)

    @property
    def is_fresh(self) -> bool:
        """Whether its token lasts for another request."""
        return time.time() < self.expires_at - RENEW_SECONDS

    def renewed(self) -> "Login":
        """The login with a new token. Raises NotLoggedIn, Unreachable."""
        if self.refresh_token is None:
            raise NotLoggedIn("Your login has expired; run kintell login.")
        try:
            answer = self.issuer.redeem(grant_type="refresh_token", refresh_token=self.refresh_token)
        except NotLoggedIn as refused:
            raise NotLoggedIn("Your login has expired; run kintell login.") from refused
        # An issuer that keeps the refresh token does not repeat it.
        renewed = Login.given(self.issuer, self.name, answer)
        return replace(renewed, refresh_token=renewed.refresh_token or self.refresh_token)


def place() -> Path:
    """The file, in the user's state directory (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    home = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return home / "kintell" / "logins.json"


def find(api_url: str) -> Login | None:
    """The login at an API."""
    return _read().get(api_url)


def token_for(api_url: str) -> str | None:
    """A valid token, renewed if necessary; None if nobody is logged in there. Raises NotLoggedIn, Unreachable."""
    login = find(api_url)
    if login is None or login.is_fresh:
        return login.token if login else None
    with _alone():
        # Another command may have renewed it meanwhile, and a refresh token may be valid only once.
        login = find(api_url)
        if login is not None and not login.is_fresh:
            login = login.renewed()
            _write({**_read(), api_url: login})
    return login.token if login else None


def keep(api_url: str, login: Login) -> None:
    """Store the login in place of an earlier one."""
    with _alone():
        _write({**_read(), api_url: login})


def forget(api_url: str) -> Login | None:
    """Delete the login and return it; None if there was none."""
    with _alone():
        logins = _read()
        forgotten = logins.pop(api_url, None)
        if logins:
            _write(logins)
        elif forgotten:
            place().unlink(missing_ok=True)
    return forgotten


def _read() -> dict[str, Login]:
    try:
        found = json.loads(place().read_text(encoding="utf-8"))
        return {url: Login(**{**login, "issuer": Issuer(**login["issuer"])}) for url, login in found.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError):
        # Written by another version, or incomplete: the user has to log in again.
        return {}
    except OSError as failed:
        raise Failure(f"{place()} can't be read ({failed.strerror}).") from failed


def _write(logins: dict[str, Login]) -> None:
    file = place()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Created with mode 0600 and moved into place when complete.
        handle, unfinished = tempfile.mkstemp(dir=file.parent, prefix=".logins-")
        try:
            with open(handle, "w", encoding="utf-8") as out:
                json.dump({url: asdict(login) for url, login in logins.items()}, out, indent=1)
            os.replace(unfinished, file)
        except BaseException:
            with suppress(OSError):
                os.unlink(unfinished)
            raise
    except OSError as failed:
        raise Failure(f"{file} can't be written ({failed.strerror}), so nobody is logged in.") from failed


@contextmanager
def _alone() -> Iterator[None]:
    """Hold a lock, so that only one command at a time changes the file."""
    folder = place().parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as failed:
        raise Failure(f"{folder} can't be written to ({failed.strerror}).") from failed
    try:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
