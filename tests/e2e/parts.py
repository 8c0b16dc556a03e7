"""The deployed API with another limit above which files are sent in parts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from local.system import LocalSystem


@contextmanager
def parts_from(system: LocalSystem, size_bytes: int) -> Iterator[None]:
    """Sets MULTIPART_FROM_BYTES of the API's function for a while."""
    client = system.client("lambda")
    (name,) = (
        function["FunctionName"]
        for function in client.list_functions(MaxItems=1000)["Functions"]
        if function["Handler"] == "api.app.handler"
    )
    before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def sets(variables: dict[str, str]) -> None:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        deadline = time.monotonic() + 30
        while client.get_function_configuration(FunctionName=name).get("LastUpdateStatus") == "InProgress":
            assert time.monotonic() < deadline
            time.sleep(0.1)

    sets({**before, "MULTIPART_FROM_BYTES": str(size_bytes)})
    try:
        yield
    finally:
        sets(before)
