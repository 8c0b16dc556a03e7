"""What each rule makes of a cell, in a sentence for whoever asks where a value comes from.

Dates name the zone of the file, and ratings its scale, in braces.
"""

from typing import Final

from ingestion.catalogue import Text

ID: Final = Text(
    "The text of the cell, without blanks and invisible marks at its ends.",
    "Teksten i cellen, uten mellomrom og usynlige tegn i endene.",
)
EMAIL: Final = Text(
    "The address in lower case, without blanks, “mailto:” and a closing punctuation mark.",
    "Adressen med små bokstaver, uten mellomrom, «mailto:» og skilletegn på slutten.",
)
DATE: Final = Text(
    "The date as a moment in UTC; without an offset it is in {zone}, without a time at midnight.",
    "Datoen som tidspunkt i UTC; uten tidsforskyvning gjelder {zone}, uten klokkeslett midnatt.",
)
DURATION: Final = Text("The duration in whole minutes.", "Varigheten i hele minutter.")
RATING: Final = Text("The rating from 0 to 1: {scale}.", "Vurderingen fra 0 til 1: {scale}.")
TEXT: Final = Text("The text of the cell, without blanks at its ends.", "Teksten i cellen, uten mellomrom i endene.")
LEVEL: Final = Text("The level in capital Latin letters.", "Nivået med store latinske bokstaver.")
TOPICS: Final = Text(
    "The parts between the commas, without blanks at their ends.",
    "Delene mellom kommaene, uten mellomrom i endene.",
)
METADATA: Final = Text(
    "The JSON of the cell, its keys sorted, without blanks between its parts.",
    "JSON-en i cellen, med sorterte nøkler og uten mellomrom mellom delene.",
)
ROLE: Final = Text(
    "“volunteer” if the text names an advisor, mentor, tutor or volunteer alone; otherwise “participant”.",
    "«volunteer» hvis teksten bare nevner rådgiver, mentor, veileder eller frivillig; ellers «participant».",
)

SCALES: Final = {
    "one_to_five": Text(
        "(rating − 1) / 4, since the file rates from 1 to 5", "(vurdering − 1) / 4, siden filen vurderer fra 1 til 5"
    ),
    "zero_to_one": Text("as it is, since the file rates from 0 to 1", "som den er, siden filen vurderer fra 0 til 1"),
    None: Text("the file has no scale", "filen har ingen skala"),
}

NOTHING: Final = Text(
    "The cell is empty, or says that there is no value.", "Cellen er tom, eller sier at det ikke er noen verdi."
)
NO_COLUMN: Final = Text("The file has no such column.", "Filen har ingen slik kolonne.")
KEPT: Final = Text(
    "The file has no such column, so the value is still that of version {version}.",
    "Filen har ingen slik kolonne, så verdien er fortsatt den fra versjon {version}.",
)
REJECTED: Final = Text(
    "The row was rejected, so nothing was made of the cell.", "Raden ble avvist, så cellen ga ingen verdi."
)
