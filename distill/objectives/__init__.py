"""What is minimised: terms over a batch, each normalised by its own definition, weighted as written.

Legend: `B` rows of a batch, `M` teachers, `V` classes.
"""
