"""Language for Ukraine (Language Connect): language practice of a learner and a volunteer."""

from ingestion.records.programme import Column, Kind, Programme
from ingestion.records.session_columns import OUTCOME, PARTICIPANT, SESSION_ID
from ingestion.values import cells, emails

LANGUAGE_UKRAINE = Programme(
    program_type="language_ukraine",
    name="Language for Ukraine (Language Connect)",
    kind=Kind.SESSIONS,
    session_type="language",
    aliases=("language_for_ukraine", "language_connect", "language", "lfu", "lc"),
    id_prefixes=("LS-", "LANG-"),
    telltale_columns=frozenset({"language_level", "metadata"}),
    columns=(
        SESSION_ID,
        PARTICIPANT,
        Column(name="volunteer_email", fills="volunteer_email", rule=emails.email, required=True, comes_again=True),
        *OUTCOME,
        Column(name="language_level", fills="language_level", rule=cells.level, doubt=cells.doubt_of_level),
        Column(name="topics", fills="topics", rule=cells.comma_list, is_text=True),
        Column(name="metadata", fills="metadata", rule=cells.metadata),
    ),
    schema_versions=(("1.1", "metadata"),),
)
