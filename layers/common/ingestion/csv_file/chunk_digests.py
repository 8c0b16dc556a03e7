"""A digest of each chunk of a text that is written out to be read again: what was put there later is not believed."""

import hashlib
from collections.abc import Sequence

from ingestion.csv_file.chunk_spans import OVERSIZED_SHOWN_BYTES, ChunkSpan


class ChunkDigests:
    """Takes the text of a file in blocks, with the chunks that are known by then, and digests each of them.

    It holds no more of the text than what is not gone through yet.
    """

    def __init__(self) -> None:
        self._digests: list[str] = []
        self._rest = b""
        self._begin(0)

    def _begin(self, start: int) -> None:
        self._start = self._at = start
        self._hash = hashlib.sha256()
        self._shown = b""

    def feed(self, block: bytes, spans: Sequence[ChunkSpan], chunk_start: int, position: int) -> None:
        """Take the next *block*: *spans* are closed, the next one is open from *chunk_start* up to *position*."""
        self._rest += block
        for span in spans[len(self._digests) :]:
            self._take(span.start, span.end)
            self._digests.append(hashlib.sha256(self._shown).hexdigest() if span.oversized else self._hash.hexdigest())
        self._take(chunk_start, position)

    def finish(self, spans: Sequence[ChunkSpan]) -> tuple[ChunkSpan, ...]:
        """All chunks, each with its digest."""
        self.feed(b"", spans, self._at, self._at)
        return tuple(
            span.model_copy(update={"digest": digest}) for span, digest in zip(spans, self._digests, strict=True)
        )

    def _take(self, start: int, end: int) -> None:
        """Digest up to *end*, of the chunk that begins at *start*."""
        if start != self._start:
            self._rest = self._rest[start - self._at :]
            self._begin(start)
        if end > self._at:
            data = self._rest[: end - self._at]
            self._hash.update(data)
            self._shown += data[: OVERSIZED_SHOWN_BYTES - len(self._shown)]
            self._rest = self._rest[len(data) :]
            self._at = end
