"""Attacks, and the systems that they are carried out against."""

from collections.abc import Callable
from dataclasses import dataclass

from local.system import LocalSystem
from tests.attacks.wire import Answer
from tests.sign_in.closed_system import AUDIENCE
from tests.sign_in.issuer import Issuer

READER = "ole@example.org"


@dataclass(frozen=True)
class Target:
    """A running local system, and the issuer of its tokens if it requires any."""

    system: LocalSystem
    issuer: Issuer | None = None

    @property
    def name(self) -> str:
        return "guarded" if self.issuer else "open"

    def token_of(self, *rights: str) -> dict[str, str]:
        """The header of a caller with these rights; empty if the system requires no token."""
        if self.issuer is None:
            return {}
        return {"Authorization": f"Bearer {self.issuer.token(READER, AUDIENCE, groups=list(rights))}"}


@dataclass(frozen=True)
class Outcome:
    """The result of an attack, and whether the system held."""

    text: str
    held: bool


@dataclass(frozen=True)
class Attack:
    """`tried` says in a few words what the attacker attempts."""

    tried: str
    carry_out: Callable[[Target], Outcome]
    needs_sign_in: bool = False

    def concerns(self, target: Target) -> bool:
        return bool(target.issuer) or not self.needs_sign_in


def refused(answer: Answer, *statuses: int) -> Outcome:
    """Held if the status is one of these, or, if none are given, any refusal of the request."""
    said = f"{answer.status} {answer.code}".strip()
    return Outcome(said, answer.status in (statuses or (400, 401, 403, 404, 405, 415, 421, 422)))


def together(**answers: Answer) -> Outcome:
    """The outcome of several requests, each of which must be refused."""
    outcomes = {name: refused(answer) for name, answer in answers.items()}
    text = ", ".join(f"{name.replace('_', ' ')} {outcome.text}" for name, outcome in outcomes.items())
    return Outcome(text, all(outcome.held for outcome in outcomes.values()))
