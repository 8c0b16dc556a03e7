"""Compiles a folder's modules for Lambda's Python, which no machine need have: the layer's Makefile runs this with the
interpreter inside a wheel of freeze-core, whose start-up calls `run` of the module that is named for it.

That interpreter has its built-in modules and few others: py_compile and importlib.util, which do the same, need more.
"""

import _imp
import marshal
import os
import sys
from importlib._bootstrap_external import _RAW_MAGIC_NUMBER, MAGIC_NUMBER, cache_from_source  # type: ignore[attr-defined]

UNCHECKED_HASH = (1).to_bytes(4, "little")
"""Nobody looks whether the source has changed: https://peps.python.org/pep-0552/"""


def run(_name: str) -> None:
    """The program: FOLDER, and the place where Lambda will have it, which tracebacks name."""
    folder, place = sys.argv[1:]
    for directory, _folders, files in os.walk(folder):
        for name in files:
            if name.endswith(".py"):
                path = os.path.join(directory, name)
                compile_module(path, place + path[len(folder) :])


def compile_module(path: str, name: str) -> None:
    """Write the bytecode of the module at *path* where the interpreter looks for it. Raises SyntaxError."""
    with open(path, "rb") as file:
        source = file.read()
    code = compile(source, name, "exec", dont_inherit=True)
    compiled = cache_from_source(path)
    os.makedirs(os.path.dirname(compiled), exist_ok=True)
    with open(compiled, "wb") as file:
        file.write(MAGIC_NUMBER + UNCHECKED_HASH + _imp.source_hash(_RAW_MAGIC_NUMBER, source) + marshal.dumps(code))
