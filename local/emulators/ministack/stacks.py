"""CloudFormation: what ministack 1.5.33 gets wrong of stacks inside a stack."""

from ministack.services.cloudformation import provisioners

from local.emulators.ministack.patch_text import rewrite


def unchanged_resources_keep_their_attributes() -> None:
    """When a nested stack was updated, a resource in it that stayed as it was lost its attributes, and the update
    failed at the first one asked for: a system made before a change of infra/api.yaml did not start any more."""
    rewrite(
        provisioners._cfn_nested_stack_deploy,
        "old_tagged, new_tagged, child_name, child_logical_id,\n",
        'old_tagged, new_tagged, child_name, child_logical_id, prev.get("Attributes", {}),\n',
    )
