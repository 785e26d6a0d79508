"""Which platforms the sandbox plays, and what the product then knows of them."""

from collections.abc import Callable
from typing import Any


def play(platforms: dict[str, dict[str, Any]], given: Callable[[str], str]) -> dict[str, str]:
    """Have the sandbox play what says in its block, by SANDBOX, how it is played, and has no key.

    SANDBOX holds the OPTIONS, and perhaps the BACKEND, to be used instead; `key` is the option by which the platform is
    the real one, "" for one that never is; VARIABLES are those that are then not used. Returned are those that are
    `given` all the same, and whose they are.
    """
    unused: dict[str, str] = {}
    for name, block in platforms.items():
        played, options = block.get("SANDBOX"), block["OPTIONS"]
        if played is None or options.get(played["KEY"]):
            continue
        options |= {"simulated": bool(played["KEY"]), **played["OPTIONS"]}
        block["BACKEND"] = played.get("BACKEND", block["BACKEND"])
        unused |= {variable: name for variable in played.get("VARIABLES", ()) if given(variable)}
    return unused
