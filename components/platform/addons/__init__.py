"""One module for each add-on: whether it is on by default, and what it is then made of."""
