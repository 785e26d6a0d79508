"""What processors call the voices that they tell apart."""

import re

_ANONYMOUS = re.compile(
    r"((speaker|spk|voice|person|participant|s)?[ _-]*(\d+|[a-z])|speaker|unknown|)( \(\d+\))?", re.IGNORECASE
)


def is_anonymous(label: str) -> bool:
    """Whether it is one such as "A", "SPEAKER_01" or none at all, which says who spoke within one answer only."""
    return _ANONYMOUS.fullmatch(label) is not None


def label_of(label: str, answer: int) -> str:
    """The same in the whole recording, of which several answers tell, counted from 0: "A" of two may be two people."""
    return f"{label} ({answer + 1})" if answer and label and is_anonymous(label) else label
