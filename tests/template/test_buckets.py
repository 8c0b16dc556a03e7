"""Both buckets hold personal data: encrypted, private, kept when the stack goes, and emptied as the contract says."""

from typing import Any

import pytest

from ingestion.config import Settings
from tests.template.documents import resources

BUCKETS = resources("AWS::S3::Bucket")

all_buckets = pytest.mark.parametrize("name", sorted(BUCKETS))


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
def test_a_bucket_outlives_its_stack(name: str) -> None:
    assert BUCKETS[name]["DeletionPolicy"] == BUCKETS[name]["UpdateReplacePolicy"] == "Retain"


@all_buckets
def test_broken_off_uploads_do_not_stay(name: str) -> None:
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules(name).values())


def test_uploads_are_versioned_and_work_files_gone_once_deleted() -> None:
    assert BUCKETS["UploadsBucket"]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "VersioningConfiguration" not in BUCKETS["WorkBucket"]["Properties"]


def test_uploads_go_to_cold_storage_after_90_days_and_are_deleted_by_the_clean_up_only() -> None:
    (rule,) = rules("UploadsBucket").values()
    assert rule["Prefix"] == "incoming/"
    # Also a version over which another file of the same name was uploaded is some batch's original.
    for transitions in ("Transitions", "NoncurrentVersionTransitions"):
        assert rule[transitions] == [{"StorageClass": "GLACIER", "TransitionInDays": 90}]
    assert not [key for key in rule if "Expiration" in key]


def test_error_files_expire_some_days_after_the_clean_up_should_have_deleted_them() -> None:
    days = rules("WorkBucket")["errors/"]["ExpirationInDays"]
    assert Settings.model_fields["error_file_days"].default < days <= 45


def test_work_files_outlive_the_longest_import_and_no_more() -> None:
    assert 2 <= rules("WorkBucket")["work/"]["ExpirationInDays"] <= 14


def test_a_browser_may_put_uploads_from_the_dashboards_origin_and_do_nothing_else() -> None:
    condition, given, otherwise = BUCKETS["UploadsBucket"]["Properties"]["CorsConfiguration"]["Fn::If"]
    assert (condition, otherwise) == ("HasDashboardOrigins", {"Ref": "AWS::NoValue"})
    (rule,) = given["CorsRules"]
    assert rule["AllowedMethods"] == ["PUT"]
    assert rule["AllowedOrigins"] == {"Ref": "DashboardOrigins"}
    assert "CorsConfiguration" not in BUCKETS["WorkBucket"]["Properties"]
