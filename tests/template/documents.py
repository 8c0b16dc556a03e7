"""The template and the state machine as the tests read them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.deploy import TemplateLoader

ROOT = Path(__file__).parent.parent.parent
MIGRATIONS = ROOT / "layers/common/ingestion/database/migrations"
EVENTS = ROOT / "events"
TEMPLATES = ("template.yaml", *sorted(f"infra/{path.name}" for path in (ROOT / "infra").glob("*.yaml")))


@cache
def document(file: str) -> dict[str, Any]:
    """One of the templates, its short forms read as the long ones: `!Ref X` is `{Ref: X}`."""
    loaded: dict[str, Any] = yaml.load((ROOT / file).read_text(), TemplateLoader)
    return loaded


def template() -> dict[str, Any]:
    """template.yaml."""
    return document("template.yaml")


def resources(kind: str, file: str = "template.yaml") -> dict[str, dict[str, Any]]:
    """A template's resources of a type, by logical id."""
    return {name: one for name, one in document(file)["Resources"].items() if one["Type"] == kind}


def everywhere(kind: str) -> dict[str, dict[str, Any]]:
    """All templates' resources of a type, by file and logical id."""
    return {f"{file}:{name}": one for file in TEMPLATES for name, one in resources(kind, file).items()}


def functions() -> dict[str, dict[str, Any]]:
    """Each function's properties, with what Globals say where it says nothing itself."""
    general = template()["Globals"]["Function"]
    return {
        name: {**general, **one["Properties"]} for name, one in sorted(resources("AWS::Serverless::Function").items())
    }


def state_machine_properties() -> dict[str, Any]:
    """The one state machine's properties."""
    (one,) = resources("AWS::Serverless::StateMachine").values()
    properties: dict[str, Any] = one["Properties"]
    return properties


def snake_case(logical_id: str) -> str:
    """Retention is retention."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id).lower()


def definition_text() -> str:
    """The state machine's definition."""
    return Path(ROOT, state_machine_properties()["DefinitionUri"]).read_text()


@dataclass(frozen=True)
class Machine:
    """A state machine, or one inside a Map state."""

    name: str
    definition: dict[str, Any]
    map_state: dict[str, Any] | None = None

    @property
    def states(self) -> dict[str, dict[str, Any]]:
        """Its states by name."""
        found: dict[str, dict[str, Any]] = self.definition["States"]
        return found

    @property
    def is_inline(self) -> bool:
        """Whether it is inside a Map that passes its errors on."""
        return self.map_state is not None and self.definition["ProcessorConfig"]["Mode"] == "INLINE"


@dataclass(frozen=True)
class State:
    """A state, and where it is."""

    name: str
    machine: Machine
    body: dict[str, Any]

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The rules of its Retry and of its Catch."""
        return [*self.body.get("Retry", []), *self.body.get("Catch", [])]

    @property
    def function(self) -> str:
        """The logical id of the function that a Task calls."""
        name = re.fullmatch(r"\$\{(\w+)\}", str(self.body["Resource"]))
        assert name, f"{self.body['Resource']} is no substitution"
        logical_id, attribute = state_machine_properties()["DefinitionSubstitutions"][name[1]]["Fn::GetAtt"]
        assert attribute == "Arn"
        return str(logical_id)

    @property
    def payload(self) -> dict[str, Any]:
        """The template of what a Task gives its function: its own, or the Map's for each item."""
        return dict(self.body.get("Parameters") or (self.machine.map_state or {})["ItemSelector"])


@cache
def machines() -> tuple[Machine, ...]:
    """The outer machine first, then those inside its Map states."""
    return tuple(_machines(Machine("outer", yaml.safe_load(definition_text()))))


def _machines(machine: Machine) -> Iterator[Machine]:
    yield machine
    for name, state in machine.states.items():
        if "ItemProcessor" in state:
            yield from _machines(Machine(name, state["ItemProcessor"], state))


def states() -> list[State]:
    """Every state of every machine."""
    return [State(name, machine, body) for machine in machines() for name, body in machine.states.items()]


def tasks() -> list[State]:
    """Every Task of every machine."""
    return [state for state in states() if state.body["Type"] == "Task"]


all_machines = pytest.mark.parametrize("machine", [pytest.param(one, id=one.name) for one in machines()])
all_states = pytest.mark.parametrize(
    "state", [pytest.param(one, id=f"{one.machine.name}/{one.name}") for one in states()]
)
all_tasks = pytest.mark.parametrize("task", [pytest.param(one, id=f"{one.machine.name}/{one.name}") for one in tasks()])


def errors_of(rules: list[dict[str, Any]]) -> list[str]:
    """The error names of some rules of a Retry or a Catch."""
    return [name for rule in rules for name in rule["ErrorEquals"]]


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key and its value, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from entries(inner)
