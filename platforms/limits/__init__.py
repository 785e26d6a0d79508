"""How often one caller may do what costs others something: what counts as one caller, the counts, and the limits."""
