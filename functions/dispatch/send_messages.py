"""Sends messages of the outbox: imports to the workflow, events to the event bus, verifications to Monitor."""

from collections.abc import Sequence

from ingestion.aws import event_bus, lambda_functions, step_functions
from ingestion.config import Settings
from ingestion.contracts import ImportToStart, Message, Messages, OutboxTask, VerificationToRun
from ingestion.errors import Unavailable
from ingestion.telemetry import logger


def send_all(messages: Sequence[Message], settings: Settings) -> int:
    """Send these messages, then all that are due; how many were sent.

    Only imports to start, all started, end it there: whatever is due can wait for their ends, and Outbox need not hear
    of them, since Stage forgets the message as it starts the batch. So a small file is not slowed down by two more
    functions at work beside its first chunk.
    Raises Unavailable at the end if some could not be sent. They stay in the outbox and are due again in a while.
    """
    brings_only_imports = bool(messages) and all(isinstance(message.body, ImportToStart) for message in messages)
    count, left = 0, 0
    while True:
        sent = [message.id for message in messages if _is_sent(message, settings)]
        count, left = count + len(sent), left + len(messages) - len(sent)
        if brings_only_imports and not left:
            break
        messages = _exchange(sent, settings)
        if not messages:
            break
    if left:
        raise Unavailable(f"{left} messages could not be sent.")
    return count


def _is_sent(message: Message, settings: Settings) -> bool:
    body = message.body
    try:
        if isinstance(body, ImportToStart):
            step_functions.start_import(settings.state_machine_arn, body.name, body.input)
        elif isinstance(body, VerificationToRun):
            lambda_functions.start(settings.monitor_function_name, body.as_json())
        else:
            event_bus.send(body.event, {**body.detail, "uploadsBucket": settings.uploads_bucket})
    except Unavailable as failed:
        logger.warning(
            "a message could not be sent", message_id=message.id, kind=body.kind, reason=str(failed.__cause__)
        )
        return False
    return True


def _exchange(sent: list[int], settings: Settings) -> list[Message]:
    """Tell Outbox what was sent; the messages that are due."""
    answer = lambda_functions.invoke(settings.outbox_function_name, OutboxTask(sent=sent).as_json())
    return Messages.model_validate(answer).messages
