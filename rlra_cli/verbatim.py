"""An artifact whose bytes are not those of records that were just made."""

from schemas.jsonl import Target


class Verbatim(Target):
    """Takes bytes as they are: another project's, or lines that stay as they were."""

    def put(self, text: bytes, records: int) -> None:
        """Append `text`, which holds so many records."""
        self._stream.write(text)
        self._hash.update(text)
        self.records += records
