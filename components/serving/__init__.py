"""An inference service on Kubernetes: the same for every scheduler, since servers are not gangs."""

from components.serving.render import render_service

__all__ = ["render_service"]
