"""Conversations between the independent implementation and `conclave-vectors exchange`, on fresh randomness.

Whatever one side makes the other opens, in both directions; what is lost, repeated, altered or out of order is met as
the document says. The counts tell which side opened or refused; "theirs" is the program.
"""
