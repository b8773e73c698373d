"""One study record, its wording in every language, its figures and its pages."""
