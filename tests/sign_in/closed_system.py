"""The local system with sign-in: the template deployed as on AWS, into the emulator, with an issuer on loopback.

Left out of it is what watches over a system (`Operations`: the emulator knows no metric of several others) and what
forbids S3 without TLS, of which there is none on loopback.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from local.aws import ROOT
from local.deploy import TemplateLoader
from local.postgres import THROW_AWAY, running_server
from local.processes import free_port
from local.system import LocalSystem, Places
from tests.sign_in.issuer import Issuer, running_issuer

LEFT_OUT = ("Operations",)
WANT_TLS = ("Files", "Base")
CLIENT, AUDIENCE = "kintell-people", "kintell-api"
CLI_CALLBACK = "http://localhost:{port}/callback"

PEOPLE = {
    "kari@example.org": ["imports.read", "imports.write", "errors.read"],
    "ole@example.org": ["imports.read"],
    "nobody.yet@example.org": [],
}


@contextmanager
def closed_system(folder: Path, cli_port: int) -> Iterator[tuple[LocalSystem, Issuer]]:
    """The system and who signs its tokens, below *folder*."""
    api_port = free_port()
    callbacks = [f"http://127.0.0.1:{api_port}/callback", CLI_CALLBACK.format(port=cli_port)]
    with (
        running_issuer(people=dict(PEOPLE), clients={CLIENT: callbacks}, audience=AUDIENCE) as issuer,
        running_server(folder, THROW_AWAY) as database,
        LocalSystem(
            Places(
                folder,
                api_port=api_port,
                database_url=database.url,
                who_may_call={
                    "Authentication": "oidc",
                    "OidcIssuer": issuer.url,
                    "OidcAudience": AUDIENCE,
                    "OidcClientId": CLIENT,
                },
                template=template_in(folder),
            )
        ) as system,
    ):
        yield system, issuer


def template_in(folder: Path) -> Path:
    """The template without what is left out, beside the folders that it names."""
    body = yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)
    for name in LEFT_OUT:
        del body["Resources"][name]
    for name in WANT_TLS:
        body["Resources"][name]["Properties"]["Parameters"]["Guarded"] = "false"
    for name in ("functions", "infra", "layers", "statemachine"):
        (folder / name).symlink_to(ROOT / name)
    file = folder / "template.json"
    file.write_text(json.dumps(body))
    return file
