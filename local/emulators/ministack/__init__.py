"""Patches that fix, inside its process, what ministack 1.5.33 gets wrong for this system.

Each patch is a function whose docstring says why it is needed. ``tests/e2e/test_ministack_patches.py`` shows for each
what happens without it, and fails when a patch is no longer needed.
"""

from collections.abc import Callable

from local.emulators.ministack import functions, s3_patches, stacks, state_machine

PATCHES: tuple[Callable[[], None], ...] = (
    functions.errors_keep_their_names,
    functions.answers_go_to_their_destination,
    functions.functions_wait_for_a_process,
    functions.functions_end_with_their_parent,
    functions.quiet_functions_answer_at_once,
    functions.answers_may_have_no_body,
    state_machine.executions_start_at_once,
    state_machine.starting_twice_is_one_start,
    state_machine.retries_keep_their_limit_and_jitter,
    state_machine.an_aborted_execution_stays_aborted,
    state_machine.definitions_may_be_yaml,
    state_machine.maps_read_their_limit_from_the_input,
    s3_patches.ranges_are_cut_from_disk,
    s3_patches.events_name_the_uploader,
    s3_patches.small_parts_are_refused,
    s3_patches.restored_buckets_may_be_declared,
    s3_patches.a_request_says_how_it_was_signed,
    stacks.unchanged_resources_keep_their_attributes,
    stacks.nested_stacks_keep_what_is_retained,
)


def apply(without: frozenset[str] = frozenset()) -> None:
    """Patch ministack. *without* names patches to leave out, so that tests can show what happens then."""
    for patch in PATCHES:
        if patch.__name__ not in without:
            patch()
