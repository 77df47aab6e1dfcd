"""The software that a cluster itself runs: what is installed, in which order, by whom what is done, and why."""
