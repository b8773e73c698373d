"""One edition as one document: numbered, captioned, cross-referenced, formatted. Every renderer sets it as it is."""
