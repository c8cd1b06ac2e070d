"""E-mail (RFC 5322, MIME): subject, from, to, date, and the text; the plain version where there are two.

Attachments are named, not opened.
"""

from __future__ import annotations

from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message

from ockit.documents import Document
from ockit.index.readers.composing import Composer, one_line
from ockit.index.readers.decoding import decode, text_codec
from ockit.index.readers.html import read_page
from ockit.index.readers.limits import ReadingLimits

_SHOWN = ("From", "To", "Cc", "Date")


class EmlReader:
    """Reads eml files."""

    kinds = ("eml",)

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits

    def read(self, data: bytes, name: str) -> Document:
        """The message's text; its lines are not counted as the file's, which may be encoded.

        Raises:
            ReadingFailed: its text is too long.
            Exception: it is damaged, in the words of whatever noticed.
        """
        message = message_from_bytes(data)
        if not message.keys():
            raise ValueError("it begins with no headers")
        composer = Composer(self._limits.characters)
        subject = _header(message, "Subject")
        composer.heading(1, subject)
        for header in _SHOWN:
            if value := _header(message, header):
                composer.line(f"{header}: {value}")
        attachments = _body(message, composer)
        if attachments:
            composer.gap()
            composer.line(f"Attachments: {', '.join(attachments)}")
        return composer.document("eml", title=subject)


def _header(message: Message, name: str) -> str:
    """A header's words, decoded where they can be."""
    return one_line(_decoded(str(message.get(name, ""))))


def _body(message: Message, composer: Composer) -> list[str]:
    """Write the text parts; gives the names of the attachments."""
    attachments: list[str] = []
    waiting = [message]
    while waiting:
        part = waiting.pop()
        file_name = part.get_filename()
        if part.is_multipart():
            inner = [child for child in part.get_payload() if isinstance(child, Message)]
            if part.get_content_subtype() == "alternative":
                inner = _preferred(inner)
            waiting += reversed(inner)
        elif file_name or part.get_content_disposition() == "attachment":
            attachments.append(one_line(_decoded(file_name or part.get_content_type())))
        elif part.get_content_maintype() == "text":
            composer.gap()
            text = _text(part)
            if part.get_content_subtype() == "html":
                read_page(text, composer)
            else:
                composer.text(text)
    return attachments


def _preferred(versions: list[Message]) -> list[Message]:
    """The plain version of a text, or the last, which is the richest."""
    plain = [
        version
        for version in versions
        if version.get_content_type() == "text/plain" and _text(version).strip()
    ]
    return plain[:1] or versions[-1:]


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    charset = part.get_content_charset()
    return decode(payload, charset).text if isinstance(payload, bytes) else ""


def _decoded(raw: str) -> str:
    """A header's words; as they stand where their encoding is wrong, or none of text."""
    try:
        words = decode_header(raw)
        if any(charset and text_codec(charset) is None for _, charset in words):
            return raw
        return str(make_header(words))
    except (LookupError, ValueError, HeaderParseError):
        return raw
