"""Way to the API server of a private EKS cluster through its host: a port of 127.0.0.1 that Session Manager forwards.

`opening` is what a kubeconfig's credential command calls: it starts a `keeper`, a process of its own, where none holds
the port. The keeper owns the port and a `session` of Session Manager, which it starts anew where it has ended.
"""
