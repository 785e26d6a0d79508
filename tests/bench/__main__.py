"""`python -m tests.bench [name ...]`: figures as ratios, measured side by side. All benches unless some are named.

It ends with 1 where one says that a figure is not within its target.
"""

import importlib
import sys

BENCHES = [
    "opening",
    "webhooks",
    "events",
    "recordings",
    "search",
    "rollout",
    "transcription",
    "live",
    "platforms-page",
    "reads",
    "growth",
    "idle",
]

if __name__ == "__main__":
    if unknown := [name for name in sys.argv[1:] if name not in BENCHES]:
        sys.exit(f"There is no bench {', '.join(unknown)}; there are: {', '.join(BENCHES)}.")
    results = []
    for name in sys.argv[1:] or BENCHES:
        print(f"== {name}", flush=True)
        results.append(importlib.import_module(f"tests.bench.{name.replace('-', '_')}").main())
    sys.exit(1 if False in results else 0)
