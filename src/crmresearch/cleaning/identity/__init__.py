"""Which records are one customer: compared, decided on evidence or by a person, merged, and taken apart again."""
