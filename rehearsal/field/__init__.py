"""Field rules: what services, kubelets and people do that no schema says, judged on what was deployed.

Nothing here knows how a plan came about, so that a wrong belief of the planner is contradicted and not confirmed.
"""
