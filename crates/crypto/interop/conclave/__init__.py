"""Conclave's cryptography a second time, after docs/protocol.md.

No code of the crates is used here: what the two agree on, they agree on because of the document. Each module
implements one or two of its sections. It is for tests; it clears no secrets and hides no timing.
"""


class Refused(Exception):
    """Bytes from outside break a rule. Nothing has changed."""
