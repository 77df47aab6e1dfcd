"""Process nodes: nodes of the lab that run pods as processes of this machine.

A pod has what a container gives it: an address and a network of its own, a root of its own with its volumes and
nothing of the machine but its programs (read-only), a hostname, a process namespace which ends with its main process,
environment, probes, restarts, termination grace, exit codes, and a termination message. Its image is a row of
images.toml. Services answer at their cluster addresses, and names resolve, as everywhere.

What differs from a real node: limits of CPU and memory, `runAsUser`, capabilities, seccomp and a read-only root are
not enforced; a `grpc` probe only connects; pods on the host network of several nodes share one network; the scheduler
alone looks at whether a pod fits; `kubectl logs` and `exec` are not served (logs are files under HOME/pods).
"""
