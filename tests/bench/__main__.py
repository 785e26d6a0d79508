"""`python -m tests.bench [name ...]`: figures as ratios, measured side by side. All benches unless some are named."""

import importlib
import sys

BENCHES = ["opening", "webhooks", "recordings", "search"]

if __name__ == "__main__":
    if unknown := [name for name in sys.argv[1:] if name not in BENCHES]:
        sys.exit(f"There is no bench {', '.join(unknown)}; there are: {', '.join(BENCHES)}.")
    for name in sys.argv[1:] or BENCHES:
        print(f"== {name}", flush=True)
        importlib.import_module(f"tests.bench.{name}").main()
