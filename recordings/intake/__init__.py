"""How a recording becomes known, or starts over."""
