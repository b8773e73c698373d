"""Which segments there are, whether they hold, and who is in them."""
