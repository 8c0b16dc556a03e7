"""CloudFormation: patches for nested stacks in ministack 1.5.33."""

from ministack.services.cloudformation import provisioners

from local.emulators.ministack.patch_text import rewrite


def unchanged_resources_keep_their_attributes() -> None:
    """Without this, updating a nested stack loses the attributes of unchanged resources, and the update fails when one
    is read: a system created before a change of infra/api.yaml no longer starts."""
    rewrite(
        provisioners._cfn_nested_stack_deploy,
        "old_tagged, new_tagged, child_name, child_logical_id,\n",
        'old_tagged, new_tagged, child_name, child_logical_id, prev.get("Attributes", {}),\n',
    )
