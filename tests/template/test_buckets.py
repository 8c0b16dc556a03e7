"""Both buckets hold personal data: encrypted, private, kept when the stack goes, and emptied as the contract says."""

import re
from typing import Any

import pytest

from ingestion.aws import wake_dispatch
from ingestion.config import Retention, Settings
from tests.template.documents import document, resources, template
from tools.reference import lifecycles
from tools.reference.lifecycles import with_days_of

FILES = "infra/files.yaml"
BUCKETS = resources("AWS::S3::Bucket", FILES)

all_buckets = pytest.mark.parametrize("name", sorted(BUCKETS))


def of(policy: dict[str, Any]) -> str:
    """The bucket that a policy is for."""
    return str(policy["Properties"]["Bucket"]["Ref"])


def rules(name: str) -> dict[str, dict[str, Any]]:
    """A bucket's lifecycle rules by the prefix that they are for; all of them in force."""
    found = BUCKETS[name]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in found)
    return {rule["Prefix"]: rule for rule in found}


@all_buckets
def test_a_bucket_is_encrypted(name: str) -> None:
    (rule,) = BUCKETS[name]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


@all_buckets
def test_a_bucket_is_private(name: str) -> None:
    properties = BUCKETS[name]["Properties"]
    block = properties["PublicAccessBlockConfiguration"]
    assert block == dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


@all_buckets
def test_a_bucket_is_written_and_read_by_tls_only_wherever_there_is_tls(name: str) -> None:
    (policy,) = (one for one in resources("AWS::S3::BucketPolicy", FILES).values() if of(one) == name)
    assert policy["Condition"] == "IsGuarded"
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement == {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


@all_buckets
def test_who_reads_and_writes_a_bucket_is_logged_elsewhere(name: str) -> None:
    condition, given, otherwise = BUCKETS[name]["Properties"]["LoggingConfiguration"]["Fn::If"]
    assert (condition, otherwise) == ("IsGuarded", {"Ref": "AWS::NoValue"})
    assert given["DestinationBucketName"] == {"Fn::GetAtt": ["AccessLogs", "Outputs.BucketName"]}
    assert document(FILES)["Resources"]["AccessLogs"]["Condition"] == "IsGuarded"


def test_every_stack_but_that_of_a_laptop_is_guarded() -> None:
    conditions = template()["Conditions"]
    assert conditions["IsGuarded"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Authentication"}, "none"]}]}
    for stack in ("Files", "Base"):
        guarded = template()["Resources"][stack]["Properties"]["Parameters"]["Guarded"]
        assert guarded == {"Fn::If": ["IsGuarded", "true", "false"]}
    assert document(FILES)["Conditions"]["IsGuarded"] == {"Fn::Equals": [{"Ref": "Guarded"}, "true"]}


@all_buckets
def test_a_bucket_outlives_its_stack(name: str) -> None:
    # But for one that a failed first deploy has made, whose name the next one needs.
    assert BUCKETS[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert BUCKETS[name]["UpdateReplacePolicy"] == "Retain"


@all_buckets
def test_broken_off_uploads_do_not_stay(name: str) -> None:
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules(name).values())


def test_uploads_are_versioned_and_work_files_gone_once_deleted() -> None:
    assert BUCKETS["UploadsBucket"]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "VersioningConfiguration" not in BUCKETS["WorkBucket"]["Properties"]


def test_uploads_go_after_90_days_to_where_they_can_still_be_read_and_are_deleted_by_the_clean_up_only() -> None:
    kept = Settings.model_fields["cold_storage_days"].default
    assert kept == 90
    (rule,) = rules("UploadsBucket").values()
    assert rule["Prefix"] == "incoming/"
    # Also a version over which another file of the same name was uploaded is some batch's original.
    for transitions in ("Transitions", "NoncurrentVersionTransitions"):
        assert rule[transitions] == [{"StorageClass": "GLACIER_IR", "TransitionInDays": kept}]
    assert not [key for key in rule if "Expiration" in key]


def test_error_files_expire_some_days_after_the_clean_up_should_have_deleted_them() -> None:
    days = rules("WorkBucket")["errors/"]["ExpirationInDays"]
    kept = Settings.model_fields["error_file_days"].default
    assert kept < days <= kept + 15


@pytest.mark.parametrize(("error_files", "uploads"), [(30, 90), (60, 120), (1, 1)])
def test_the_lifecycles_follow_from_what_is_declared_once(error_files: int, uploads: int) -> None:
    kept = Retention(error_file_days=error_files, cold_storage_days=uploads)
    template = with_days_of(kept, lifecycles.TEMPLATE.read_text(encoding="utf-8"))
    assert re.findall("(?:Expiration|Transition)InDays: ([0-9]+)", template) == list(
        map(str, (uploads, uploads, 7, error_files + 5))
    )


def test_work_files_outlive_the_longest_import_and_no_more() -> None:
    assert 2 <= rules("WorkBucket")["work/"]["ExpirationInDays"] <= 14


def test_a_browser_may_put_uploads_from_the_dashboards_origin_and_do_nothing_else() -> None:
    (rule,) = BUCKETS["UploadsBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    # A POST completes an upload in parts, of the ETags that its PUTs answered.
    assert (rule["AllowedMethods"], rule["ExposedHeaders"]) == (["PUT", "POST"], ["ETag"])
    api = "https://*.execute-api.${AWS::Region}.${AWS::URLSuffix}"
    condition, with_others, alone = rule["AllowedOrigins"]["Fn::If"]
    assert (condition, alone) == ("HasDashboardOrigins", [{"Fn::Sub": api}])
    others = {"Others": {"Fn::Join": [",", {"Ref": "DashboardOrigins"}]}}
    assert with_others == {"Fn::Split": [",", {"Fn::Sub": [f"{api},${{Others}}", others]}]}
    assert "CorsConfiguration" not in BUCKETS["WorkBucket"]["Properties"]


def test_intake_is_told_of_every_upload_below_incoming_however_it_was_made() -> None:
    bucket = BUCKETS["UploadsBucket"]
    (told,) = bucket["Properties"]["NotificationConfiguration"]["LambdaConfigurations"]
    assert told["Event"] == "s3:ObjectCreated:*"
    assert told["Filter"] == {"S3Key": {"Rules": [{"Name": "prefix", "Value": "incoming/"}]}}
    assert told["Function"] == {"Ref": "IntakeArn"}
    # Without the permission S3 refuses the notification, and the deploy ends half-way through.
    assert bucket["DependsOn"] == "UploadsMayCallIntake"
    given = template()["Resources"]["Files"]["Properties"]["Parameters"]
    assert given["IntakeArn"] == {"Fn::GetAtt": ["Intake", "Arn"]}


def test_the_api_wakes_dispatch_by_writing_one_object_of_the_work_bucket() -> None:
    bucket = BUCKETS["WorkBucket"]
    (told,) = bucket["Properties"]["NotificationConfiguration"]["LambdaConfigurations"]
    assert told["Filter"] == {"S3Key": {"Rules": [{"Name": "prefix", "Value": wake_dispatch.KEY}]}}
    assert told["Function"] == {"Ref": "DispatchArn"}
    assert bucket["DependsOn"] == "WorkMayCallDispatch"
    given = template()["Resources"]["Files"]["Properties"]["Parameters"]
    assert given["DispatchArn"] == {"Fn::GetAtt": ["Dispatch", "Arn"]}
    assert any(wake_dispatch.KEY.startswith(prefix) for prefix in rules("WorkBucket")), "it expires"


def test_the_functions_are_told_the_names_that_the_buckets_have() -> None:
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    for bucket, variable in (("UploadsBucket", "UPLOADS_BUCKET"), ("WorkBucket", "WORK_BUCKET")):
        name = BUCKETS[bucket]["Properties"]["BucketName"]["Fn::Sub"]
        spelled = name.replace("${NamePrefix}", "${AWS::StackName}").replace("${Suffix}", "${Base.Outputs.Suffix}")
        assert variables[variable] == {"Fn::Sub": spelled}
    given = template()["Resources"]["Files"]["Properties"]["Parameters"]
    assert given["NamePrefix"] == {"Ref": "AWS::StackName"}
    assert given["Suffix"] == {"Fn::GetAtt": ["Base", "Outputs.Suffix"]}
