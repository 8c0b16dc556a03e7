"""What each function's role may do, reviewed here: a grant more or less than the code needs fails."""

import re
from typing import Any

import pytest

from tests.template.documents import document, everywhere, functions, state_machine_properties, template

POLICIES = everywhere("AWS::IAM::ManagedPolicy")

UPLOADS, WORK, ERRORS = "uploads/incoming/*", "work/work/*", "work/errors/*"
ALL_UPLOADS = "all-uploads/incoming/*"
"""Those in the buckets of earlier stacks of this name, too."""
COOKIE_KEY = {"work/keys/session-cookies": {"s3:GetObject", "s3:PutObject"}}
"""Whoever needs it first makes it."""
IMPORT = "stateMachine:import-batch"
EVENTS = "event-bus/default"
LIST = {"all-uploads": {"s3:ListBucket"}, "work": {"s3:ListBucket"}}
"""For whoever asks whether an object is gone: without it, S3 says that access is denied."""
READ_VERSION = {"s3:GetObject", "s3:GetObjectVersion"}
WRITE_PARTS = {"s3:PutObject", "s3:AbortMultipartUpload"}

REVIEWED: dict[str, dict[str, set[str]]] = {
    "SignIn": COOKIE_KEY,
    "Migrate": {},
    # It reads files again, and the rejects of a corrected file's parent.
    "Monitor": LIST | {ALL_UPLOADS: READ_VERSION, f"{ERRORS}.jsonl.gz": {"s3:GetObject"}},
    "Outbox": {},
    "Dispatch": {IMPORT: {"states:StartExecution"}, EVENTS: {"events:PutEvents"}},
    "Intake": {
        UPLOADS: READ_VERSION,
        # Without it, S3 says of an object that is gone that access is denied.
        "uploads": {"s3:ListBucket"},
        # What it has unpacked itself, it reads again to find programme and instance.
        WORK: {"s3:GetObject", *WRITE_PARTS},
    },
    # To hold a corrected file against what was handed out, it reads the rejects of the file's parent.
    "Stage": LIST
    | {ALL_UPLOADS: READ_VERSION, WORK: {"s3:GetObject", "s3:PutObject"}, f"{ERRORS}.jsonl.gz": {"s3:GetObject"}},
    "Reconcile": {WORK: {"s3:PutObject"}},
    "AnnotateConflicts": LIST | {ALL_UPLOADS: READ_VERSION, WORK: {"s3:GetObject", "s3:PutObject"}},
    "Merge": {},
    "Finalize": {WORK: {"s3:GetObject"}, ERRORS: WRITE_PARTS},
    "Undo": {},
    # To show the row behind a session, it reads the upload.
    "Api": {
        UPLOADS: {"s3:PutObject", "s3:ListMultipartUploadParts"},
        ALL_UPLOADS: READ_VERSION,
        ERRORS: {"s3:GetObject"},
        **LIST,
        **COOKIE_KEY,
        "work/work/wake-dispatch": {"s3:PutObject"},
        "work/errors/*.xlsx": {"s3:PutObject"},
        "work/work/batches/*": {"s3:PutObject"},
    },
    "Retention": {
        ALL_UPLOADS: {"s3:DeleteObject", "s3:DeleteObjectVersion"},
        WORK: {"s3:DeleteObject", "s3:PutObject"},
        ERRORS: {"s3:DeleteObject"},
    },
}
"""By resource, shortened. Beside these, functions may connect to the database, and Dispatch invoke two others."""

CONNECT = {"Fn::GetAtt": ["Database", "Outputs.MayConnect"]}
MIGRATE = {"Fn::GetAtt": ["Database", "Outputs.MayMigrate"]}

SHARED: dict[str, list[Any]] = {"SignIn": [], "Dispatch": [], "Migrate": [MIGRATE]}
"""The policies that nested stacks make, which several functions may have; whoever is not here has the first."""

INVOKES = {"Dispatch": ["Outbox", "Monitor"]}
"""The functions that a function invokes."""

OF_THE_STATE_MACHINE: dict[str, set[str]] = {
    WORK: {"s3:GetObject"},
    IMPORT: {"states:StartExecution"},
    "execution:import-batch/*": {"states:DescribeExecution", "states:StopExecution"},
}
"""Beside the functions that it calls."""

_SHORTENINGS = (
    (r"^\$\{Files\.Outputs\.UploadsArn\}", "uploads"),
    (r"^\$\{Files\.Outputs\.AllUploadsArn\}", "all-uploads"),
    # As AllUploadsArn is, which Monitor can't name: Files needs Dispatch, and Dispatch Monitor.
    (r"^arn:\$\{AWS::Partition\}:s3:::\$\{AWS::StackName\}-uploads-\$\{Base\.Outputs\.AnySuffix\}", "all-uploads"),
    (r"^\$\{Files\.Outputs\.WorkArn\}", "work"),
    (r"^arn:\$\{AWS::Partition\}:s3:::\$\{AWS::StackName\}-(uploads|work)-\$\{Base\.Outputs\.Suffix\}", r"\1"),
    (r"^arn:\$\{AWS::Partition\}:events:\$\{AWS::Region\}:\$\{AWS::AccountId\}:", ""),
    (r"^arn:\$\{AWS::Partition\}:states:\$\{AWS::Region\}:\$\{AWS::AccountId\}:(\w+):\$\{AWS::StackName\}-", r"\1:"),
)


def listed(value: Any) -> list[Any]:
    """What may be one or a list of many, as a list."""
    return value if isinstance(value, list) else [value]


def shortened(resource: Any) -> str:
    """An ARN without what is the same in every one."""
    text = str(resource["Fn::Sub"] if isinstance(resource, dict) else resource)
    for pattern, short in _SHORTENINGS:
        text = re.sub(pattern, short, text)
    return text


def of_a_nested_stack(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of a managed policy that a nested stack makes."""
    stack, output = policy["Fn::GetAtt"]
    file = template()["Resources"][stack]["Properties"]["TemplateURL"]
    name = document(file)["Outputs"][output.removeprefix("Outputs.")]["Value"]["Ref"]
    found: list[dict[str, Any]] = POLICIES[f"{file}:{name}"]["Properties"]["PolicyDocument"]["Statement"]
    return found


def written_out(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of SAM's template for executions, with the name that it is given."""
    machine = policy["StepFunctionsExecutionPolicy"]["StateMachineName"]["Fn::Sub"]
    arn = f"arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:stateMachine:{machine}"
    return [{"Effect": "Allow", "Action": "states:StartExecution", "Resource": arn}]


def statements(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The statements, but for those on secrets and on connecting."""
    found = []
    for policy in policies:
        if "StepFunctionsExecutionPolicy" in policy:
            found += written_out(policy)
        else:
            found += listed(policy.get("Statement", []))
    return found


def granted(policies: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The actions that the statements allow, by resource."""
    actions: dict[str, set[str]] = {}
    for statement in statements(policies):
        for resource in listed(statement["Resource"]):
            actions.setdefault(shortened(resource), set()).update(listed(statement["Action"]))
    return actions


def invoked(policy: dict[str, Any]) -> str:
    """The function that a policy template lets a function invoke."""
    assert policy.keys() == {"LambdaInvokePolicy"}
    name: str = policy["LambdaInvokePolicy"]["FunctionName"]["Ref"]
    return name


def test_every_function_has_been_reviewed() -> None:
    assert functions().keys() == REVIEWED.keys()


@pytest.mark.parametrize("name", REVIEWED)
def test_a_function_may_do_what_it_does_and_no_more(name: str) -> None:
    policies = functions()[name]["Policies"]
    assert granted(policies) == REVIEWED[name]
    assert [policy for policy in policies if "Fn::GetAtt" in policy] == SHARED.get(name, [CONNECT])
    rest = [policy for policy in policies if not {"Fn::GetAtt", "Statement"} & policy.keys()]
    assert [invoked(one) for one in rest if "StepFunctionsExecutionPolicy" not in one] == INVOKES.get(name, [])
    assert "Role" not in functions()[name]


GIVEN, OWNER = {"Ref": "DatabaseSecretArn"}, {"Ref": "DatabaseOwnerSecretArn"}


@pytest.mark.parametrize(
    ("policy", "secrets", "user"),
    [
        pytest.param(CONNECT, GIVEN, "kintell_functions", id="as the role of the functions"),
        pytest.param(
            MIGRATE,
            [{"Fn::If": ["HasDatabaseOwner", OWNER, GIVEN]}, GIVEN],
            "kintell",
            id="as the owner of the schema, who gives the others their role",
        ),
    ],
)
def test_to_connect_is_to_show_a_token_of_ones_role_or_to_read_the_secret_that_was_given(
    policy: dict[str, Any], secrets: Any, user: str
) -> None:
    ((condition, own, given),) = [one["Fn::If"] for one in of_a_nested_stack(policy)]
    text, named = own["Resource"]["Fn::Sub"]
    assert (condition, own["Action"]) == ("MakesDatabase", "rds-db:connect")
    assert text.endswith(f":dbuser:${{Id}}/{user}")
    # By the proxy where there is one, and by no other way then.
    assert named["Id"]["Fn::If"][:2] == ["MakesProxy", {"Fn::GetAtt": ["ConnectionPool", "Outputs.ResourceId"]}]
    assert given == {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secrets}


def test_a_policy_is_had_by_who_names_it_and_by_nobody_else() -> None:
    assert POLICIES.keys() == {
        "infra/database.yaml:MayConnect",
        "infra/database.yaml:MayMigrate",
    }
    for policy in POLICIES.values():
        assert not {"Roles", "Users", "Groups"} & policy["Properties"].keys()
    assert not everywhere("AWS::IAM::Policy")
    # RDS Proxy's own, to pass tokens on.
    assert everywhere("AWS::IAM::Role").keys() == {"infra/proxy.yaml:Role"}


CONDITIONS: dict[tuple[str, str], Any] = {
    # On AWS this is known of every such request; the emulator does not know it.
    ("Dispatch", "events:PutEvents"): {"StringEqualsIfExists": {"events:source": "kintell.ingest"}},
    # By the links that it signs, and in no other way.
    ("Api", "s3:ListMultipartUploadParts"): {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}},
}
"""What narrows a grant further; every other grant has no condition."""


def test_a_grant_has_the_condition_that_was_reviewed() -> None:
    found = {
        (name, action): statement["Condition"]
        for name, function in functions().items()
        for statement in statements(function["Policies"])
        for action in listed(statement["Action"])
        if "Condition" in statement
    }
    assert found == CONDITIONS


def test_the_state_machine_may_do_what_it_does_and_no_more() -> None:
    policies = state_machine_properties()["Policies"]
    assert granted(policies) == OF_THE_STATE_MACHINE
    assert {kind for policy in policies for kind in policy} == {
        "LambdaInvokePolicy",
        "StepFunctionsExecutionPolicy",
        "Statement",
    }


@pytest.mark.parametrize("name", [*REVIEWED, "ImportBatch"])
def test_no_grant_is_for_everything(name: str) -> None:
    policies = state_machine_properties()["Policies"] if name == "ImportBatch" else functions()[name]["Policies"]
    for statement in statements(policies):
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource"} & statement.keys()
        assert not [action for action in listed(statement["Action"]) if "*" in action]
    for resource in granted(policies):
        assert "*" not in re.sub(r"/\*(\.[a-z]+)*$", "", resource)
        assert resource != "*"


PERMISSIONS = everywhere("AWS::Lambda::Permission")


def test_s3_and_the_api_may_call_a_function_and_schedules_and_rules_as_sam_writes_it() -> None:
    assert PERMISSIONS.keys() == {
        "infra/files.yaml:UploadsMayCallIntake",
        "infra/files.yaml:WorkMayCallDispatch",
        "infra/routes.yaml:ApiPermission",
        "infra/routes.yaml:SignInPermission",
    }
    events = [event["Type"] for one in functions().values() for event in one.get("Events", {}).values()]
    assert set(events) == {"EventBridgeRule", "ScheduleV2"}


@pytest.mark.parametrize("name", sorted(PERMISSIONS))
def test_who_may_call_a_function_is_one_resource_of_ours(name: str) -> None:
    permission = PERMISSIONS[name]["Properties"]
    assert permission["Action"] == "lambda:InvokeFunction"
    if permission["Principal"] == "s3.amazonaws.com":  # whose ARNs name no account
        assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    else:
        assert "${AWS::AccountId}" in permission["SourceArn"]["Fn::Sub"]
