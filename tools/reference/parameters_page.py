"""docs/reference/parameters.md: the parameters of template.yaml, in the groups in which the console shows them."""

from pathlib import Path
from typing import Any, Final

import yaml

from local.deploy import TemplateLoader
from tools.reference.markdown import code, page, table

ROOT: Final = Path(__file__).parents[2]
ABOUT: Final = """\
All parameters are optional: a deploy without any creates its own database, network and user pool.
`samconfig.toml` holds those of `dev` and `prod`. [Deploy to AWS](../how-to/deploy.md) says which belong together."""


def render() -> str:
    """The whole page."""
    template = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), TemplateLoader)
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    return page("Template parameters", ABOUT, *(_group(group, template["Parameters"]) for group in groups))


def _group(group: Any, parameters: Any) -> str:
    rows = (
        [code(name), _default(parameters[name]), _values(parameters[name]), parameters[name]["Description"]]
        for name in group["Parameters"]
    )
    return f"## {group['Label']['default']}\n\n" + table(["Parameter", "Default", "Allowed", "Meaning"], rows)


def _default(about: Any) -> str:
    return code(str(about["Default"])) if str(about.get("Default", "")) else "empty"


def _values(about: Any) -> str:
    if "AllowedValues" in about:
        return ", ".join(code(str(value)) for value in about["AllowedValues"])
    if "MinValue" in about:
        return f"{about['MinValue']} to {about['MaxValue']}"
    if "ConstraintDescription" in about:
        return str(about["ConstraintDescription"]).removeprefix("must be ")
    return "any text"
