"""From a company's raw files to a report in which every number can be followed back to its rows."""

__version__ = "0.1.0"
