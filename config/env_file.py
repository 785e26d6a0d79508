"""Reading .env. A line that is not understood ends the start, named by its number: what it holds may be a secret."""

import re
from pathlib import Path

LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z_0-9]*)\s*=(.*)")
QUOTED = re.compile(r"""(?:'([^']*)'|"((?:\\.|[^"\\])*)")\s*(?:#.*)?""")
ESCAPED = re.compile(r"\\([^rnt])")
COMMENT = re.compile(r"\s+#.*")  # as in a shell, # begins one after a space only


class NotUnderstood(ValueError):
    """`line` is the number of the line, from 1; 0 where the file as a whole is no text."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


def read(path: Path) -> dict[str, str]:
    """The variables of a file; of several lines with one name the last counts. Raises NotUnderstood, OSError."""
    try:
        content = path.read_text("utf-8-sig")  # some editors begin a file with a mark of its encoding
    except UnicodeDecodeError:
        raise NotUnderstood(0, "is no text in UTF-8") from None
    lines = [(number, line.strip()) for number, line in enumerate(content.splitlines(), start=1)]
    return dict(_variable(number, line) for number, line in lines if line and not line.startswith("#"))


def _variable(number: int, line: str) -> tuple[str, str]:
    match = LINE.fullmatch(line)
    if match is None:
        raise NotUnderstood(number, "is not NAME=value")
    return match[1], _value(number, match[2])


def _value(number: int, text: str) -> str:
    if not text.strip().startswith(("'", '"')):
        return COMMENT.sub("", text).strip()
    match = QUOTED.fullmatch(text.strip())
    if match is None:
        raise NotUnderstood(number, "begins with a quote and does not end with it")
    return match[1] if match[1] is not None else ESCAPED.sub(r"\1", match[2])
