"""The multipart body of an upload, read as it arrives: small fields to memory, the file to a sink."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.errors import Invalid

FIELD_BYTES = 1024
PARTS = 16


class Sink(Protocol):
    """Where the bytes of the file go."""

    def feed(self, data: memoryview) -> None: ...


class Form:
    """Feed it the body with `write`, then `finish`; raises Invalid for whatever is not the form that is expected.

    `fields` has the text fields by name, `filename` the file's name as sent (None: no file came).
    """

    def __init__(self, content_type: str, file_field: str, sink: Sink) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise Invalid(
                "The body must be multipart/form-data with a boundary.",
                code="not_multipart",
                hint=f'With curl: -F purpose=… -F "{file_field}=@path".',
            )
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self._file_field = file_field
        self._sink = sink
        self._parts = 0
        self._whole = False
        with readable():
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_end,
                    "on_end": self._end,
                },
            )

    def write(self, chunk: bytes) -> None:
        with readable():
            self._parser.write(chunk)

    def finish(self) -> None:
        """To be called after the last chunk."""
        if not self._whole:
            raise Invalid("The multipart body ends before its last boundary.", code="not_multipart")

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS:
            raise Invalid(f"The form has more than {PARTS} parts.", code="not_multipart")
        self._name = ""
        self._is_file = False
        self._value = b""
        self._header = (bytearray(), bytearray())

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _header_end(self) -> None:
        name, value = self._header
        self._header = (bytearray(), bytearray())
        if name.lower() != b"content-disposition":
            return
        _, options = parse_options_header(value.decode("latin-1"))
        self._name = text(options.get(b"name", b""), "name")
        self._is_file = self._name == self._file_field
        if self._is_file:
            if self.filename is not None:
                raise Invalid(f"The form has two parts called {self._file_field!r}.", param=self._file_field)
            self.filename = text(options.get(b"filename", b""), "filename")

    def _headers_finished(self) -> None:
        if not self._name:
            raise Invalid("A part of the form has no name.", code="not_multipart")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._sink.feed(memoryview(data)[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > FIELD_BYTES:
            raise Invalid(f"The field {self._name[:64]!r} is longer than {FIELD_BYTES} bytes.", param=self._name[:64])

    def _part_end(self) -> None:
        if self._is_file:
            return
        if self._name in self.fields:
            raise Invalid(f"The field {self._name[:64]!r} was sent twice.", param=self._name[:64])
        self.fields[self._name] = text(self._value, self._name[:64])

    def _end(self) -> None:
        self._whole = True


def text(raw: bytes, param: str) -> str:
    """UTF-8 without control characters. Raises Invalid."""
    try:
        decoded = raw.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"{param} is not UTF-8.", param=param) from error
    if not decoded.isprintable():
        raise Invalid(f"{param} has characters that cannot be shown.", param=param)
    return decoded


@contextmanager
def readable() -> Iterator[None]:
    """The parser's complaints as ours."""
    try:
        yield
    except FormParserError as error:
        raise Invalid(f"The multipart body cannot be read: {error}", code="not_multipart") from error
