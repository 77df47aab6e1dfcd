"""Imports of the fork server, made once, so that no worker has to.

Importing this module also ties the server to the agent: it is the one module that only the server imports.
"""

import signal

# torch imports it with the first optimizer step: seconds, that each worker would spend anew.
import torch._dynamo  # noqa: F401

from workloads.pretrain.exits import die_with_parent
from workloads.pretrain.train import worker  # noqa: F401

# The server has to die with the agent, because the workers die with the server.
die_with_parent()
# A service manager sends SIGTERM to every process of the job; the workers need the server until they have stopped.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
