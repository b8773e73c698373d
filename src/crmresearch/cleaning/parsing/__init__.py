"""Text → typed values, one module per kind of value. Each distinct text is parsed once.

Every parser takes the distinct, cleaned texts of a column and hands back a ``Parsed``: the value
or the reason why there is none, never both.
"""
