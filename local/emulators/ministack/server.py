"""The process of the AWS emulator: patched ministack on one port, the HTTP API of the deployed stack on another.

Run as ``python -m local.emulators.ministack.server`` by local.aws, which sets the environment that ministack reads
on import.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack
from ministack.core import lambda_runtime

from local.emulators.ministack import apply, durable
from local.emulators.ministack.front import Front
from local.processes import LOOPBACK

KEEP_ALIVE_SECONDS = 75


async def serve_until_stopped() -> None:
    told = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, told.set)
    aws_port, api_port = int(os.environ["GATEWAY_PORT"]), int(os.environ["API_PORT"])
    config = Config()
    config.bind = [f"{LOOPBACK}:{aws_port}", f"{LOOPBACK}:{api_port}"]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.graceful_timeout = 1
    config.h11_max_incomplete_size = 64 * 1024
    files = Path(os.environ["API_ID_FILE"]), Path(os.environ["HOSTS_FILE"])
    app = Front(ministack.app, aws_port, api_port, *files)
    await serve(cast(Any, app), config, shutdown_trigger=told.wait)  # hypercorn has a type for every message


def main() -> None:
    apply(frozenset(filter(None, os.environ.get("WITHOUT_PATCHES", "").split(","))))
    durable.remember_in(durable.Outstanding(Path(os.environ["OUTSTANDING"])))
    try:
        asyncio.run(serve_until_stopped())
    finally:
        lambda_runtime.reset()  # ends the functions' processes
        sys.stdout.flush()
        os._exit(0)  # threads of running executions would keep the process alive


if __name__ == "__main__":
    main()
