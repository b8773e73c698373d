"""Clean tables → scores and fitted models. Pure: no files, no clock, no globals."""
