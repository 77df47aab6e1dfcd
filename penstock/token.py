"""`penstock token`: the credential command of a kubeconfig whose cluster is reached through a host."""

from typing import Annotated

import typer


def token(
    cluster: Annotated[str, typer.Argument(help="Name of the EKS cluster.")],
    way: Annotated[str, typer.Argument(help="The way to its API server, as the kubeconfig has it (JSON).")],
) -> None:
    """Open the tunnel to a cluster's API server, unless it is open, and print a token for it.

    A kubeconfig calls it; the tunnel closes by itself a quarter of an hour after its last use.
    """
    from providers.aws.tunnel.opening import open_tunnel
    from providers.aws.tunnel.token import print_token
    from providers.aws.tunnel.way import Way

    told = Way.read(way)
    open_tunnel(told)
    raise typer.Exit(print_token(told, cluster))
