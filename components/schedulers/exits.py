"""Exit codes of the program in a pod that a scheduler treats otherwise than a failure that counts.

The numbers are those of workloads/pretrain/exits.py; a test holds them together.
"""

GAVE_UP = 70
PREEMPTED = 75
REFUSED = 78
