"""Text that a submission made, fit for a report."""

from __future__ import annotations

import re

# Unicode: control characters (Cc), bidirectional and other formats (Cf), line and paragraph
# separators (Zl, Zp), surrogates (Cs), noncharacters (Cn), private use (Co), and the letters and
# marks that are ignored by default (Default_Ignorable_Code_Point).
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb"
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\ufffe\uffff\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\ue000-\uf8ff\U000e0000-\U0010ffff"
    + "".join(f"{chr(plane)}-{chr(plane + 1)}" for plane in range(0x1FFFE, 0xE0000, 0x10000))
    + "]"
)


def sanitize(text: str, most: int = 10_000) -> str:
    """A submission's text for a report: capped, without characters that act or that nobody sees.

    >>> sanitize("red: \\x1b[31m")
    'red: \\\\x1b[31m'
    """
    text = text.replace("\r\n", "\n")
    if len(text) > most:
        text = text[:most] + "\n… (cut)"
    return _ACTIVE.sub(lambda match: ascii(match.group())[1:-1], text)
