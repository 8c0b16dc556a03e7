"""What ``sam build`` made of the layer, on whatever machine it ran: small, compiled ahead, good for both processors.

Run by ``make build``, which builds first; pytest alone does not look into this folder (norecursedirs).
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template.documents import ROOT, TEMPLATES, document, functions

BUILT = ROOT / ".aws-sam/build"
PACKAGES = BUILT / "CommonLayer/python"
MODULES = sorted(PACKAGES.rglob("*.py"))
IN_MACHINE_CODE = sorted(PACKAGES.rglob("*.so"))

MAX_BYTES = 60 * 1000 * 1000
MAGIC = struct.pack("<H2s", 3571, b"\r\n")
"""Of every CPython 3.13: https://github.com/python/cpython/blob/3.13/Include/internal/pycore_magic_number.h"""
UNCHECKED_HASH = 1
MACHINES = {"x86_64": 62, "aarch64": 183}
"""The numbers that ELF gives them."""


def bytecode_of(module: Path) -> Path:
    return module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"


def test_the_layer_is_small() -> None:
    assert sum(path.stat().st_size for path in PACKAGES.rglob("*") if path.is_file()) < MAX_BYTES


def test_every_module_is_compiled_for_lambdas_python_and_its_source_not_looked_at() -> None:
    assert len(MODULES) > 500
    for module in MODULES:
        magic, flags = struct.unpack("<4sL", bytecode_of(module).read_bytes()[:8])
        assert (magic, flags) == (MAGIC, UNCHECKED_HASH), module


def test_nothing_but_bytecode_of_these_modules_is_cached() -> None:
    assert set(PACKAGES.rglob("*.pyc")) == {bytecode_of(module) for module in MODULES}


def test_a_traceback_names_the_place_where_lambda_has_the_module() -> None:
    for module in MODULES:
        place = f"/opt/python/{module.relative_to(PACKAGES).as_posix()}"
        assert place.encode() in bytecode_of(module).read_bytes(), module


def test_what_is_in_machine_code_is_there_for_both_processors() -> None:
    built: dict[str, set[str]] = {}
    for path in IN_MACHINE_CODE:
        name = re.fullmatch(r"(\w+)\.cpython-313-(\w+)-linux-gnu\.so", path.name)
        assert name, path
        built.setdefault(name[1], set()).add(name[2])
        (machine,) = struct.unpack("<H", path.read_bytes()[18:20])
        assert machine == MACHINES[name[2]], path
    assert "_pydantic_core" in built
    assert all(machines == MACHINES.keys() for machines in built.values())


def test_the_layer_holds_the_pinned_packages_and_no_others() -> None:
    pinned = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "layers/common/requirements.txt").read_text(), re.MULTILINE)
    there = {path.name.removesuffix(".dist-info") for path in PACKAGES.glob("*.dist-info")}
    assert there == {f"{name.replace('-', '_')}-{version}" for name, version in pinned}
    assert (PACKAGES / "ingestion/database/migrations/0001_baseline.sql").is_file()
    assert (PACKAGES / "ingestion/database/rds_roots.pem").is_file()


@pytest.mark.parametrize("name", functions())
def test_a_function_is_packed_from_a_folder_that_has_its_handler(name: str) -> None:
    properties = document(".aws-sam/build/template.yaml")["Resources"][name]["Properties"]
    assert (BUILT / properties["CodeUri"] / properties["Handler"].split(".")[0] / "app.py").is_file()


def built_templates(file: Path = BUILT / "template.yaml") -> Iterator[Path]:
    """The built template and those of its nested stacks, at any depth."""
    yield file
    for one in document(str(file.relative_to(ROOT)))["Resources"].values():
        if one["Type"] == "AWS::CloudFormation::Stack":
            yield from built_templates(file.parent / one["Properties"]["TemplateURL"])


def test_every_nested_stack_and_the_state_machine_are_where_the_built_templates_say() -> None:
    files = list(built_templates())
    assert len(files) == len(TEMPLATES)
    for file in files:
        for one in document(str(file.relative_to(ROOT)))["Resources"].values():
            for key in ("TemplateURL", "DefinitionUri", "ContentUri"):
                if key in one.get("Properties", {}):
                    assert (file.parent / one["Properties"][key]).exists(), one
