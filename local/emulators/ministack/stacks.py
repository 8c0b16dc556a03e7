"""CloudFormation: patches for nested stacks in ministack 1.5.33."""

from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import provisioners

from local.emulators.ministack.patch_text import rewrite

ROLLING_BACK = ("ROLLBACK_IN_PROGRESS", "CREATE_FAILED")


def unchanged_resources_keep_their_attributes() -> None:
    """Without this, updating a nested stack loses the attributes of unchanged resources, and the update fails when one
    is read: a system created before a change of infra/api.yaml no longer starts."""
    rewrite(
        provisioners._cfn_nested_stack_deploy,
        "old_tagged, new_tagged, child_name, child_logical_id,\n",
        'old_tagged, new_tagged, child_name, child_logical_id, prev.get("Attributes", {}),\n',
    )


def nested_stacks_keep_what_is_retained() -> None:
    """Without this, deleting a stack deletes the buckets, keys and queues of its nested stacks, whatever their
    DeletionPolicy. A create that rolls back deletes what is only retained except on create."""
    rewrite(
        provisioners._cfn_nested_stack_delete,
        "            continue\n        try:\n            _delete_resource(",
        "            continue\n        if _is_retained(child_stack, res_defs.get(child_logical_id)):\n"
        "            continue\n        try:\n            _delete_resource(",
    )
    # The table of handlers has the function as it was.
    provisioners._RESOURCE_HANDLERS["AWS::CloudFormation::Stack"]["delete"] = provisioners._cfn_nested_stack_delete

    def is_retained(child: dict[str, Any], definition: dict[str, Any] | None) -> bool:
        policy = (definition or {}).get("DeletionPolicy")
        return policy == "Retain" or (policy == "RetainExceptOnCreate" and not is_rolling_back(child))

    def is_rolling_back(stack: dict[str, Any]) -> bool:
        """Whether the creation of the stack, or of one around it, is being rolled back."""
        around = vars(cloudformation)["_stacks"].get(stack.get("_parent_stack_name"))
        return stack["StackStatus"] in ROLLING_BACK or (around is not None and is_rolling_back(around))

    vars(provisioners)["_is_retained"] = is_retained
