"""A provider that answers with what it is given: the cheapest that the engine can have for any type."""
# ruff: noqa: N802, ARG002 -- gRPC names the methods and gives every one a request and a context

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from google.protobuf.empty_pb2 import Empty

from engine.protocol import plugin, provider, provider_grpc

WORKERS = 64


class Echo(provider_grpc.ResourceProviderServicer):
    """The requests of a preview to a provider, and no more."""

    def Attach(self, request: object, context: grpc.ServicerContext) -> Empty:
        return Empty()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin.PluginInfo:
        return plugin.PluginInfo(version="0.0.1")

    def CheckConfig(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        return provider.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        return provider.DiffResponse()

    def Configure(
        self, request: provider.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider.ConfigureResponse:
        return provider.ConfigureResponse(acceptSecrets=True, acceptResources=True, supportsPreview=True)

    def Check(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        return provider.CheckResponse(inputs=request.news)

    def Create(self, request: provider.CreateRequest, context: grpc.ServicerContext) -> provider.CreateResponse:
        return provider.CreateResponse(properties=request.properties)


@contextmanager
def echoing() -> Iterator[int]:
    """The port of such a provider in this process, while the block runs."""
    server = grpc.server(ThreadPoolExecutor(max_workers=WORKERS))
    provider_grpc.add_ResourceProviderServicer_to_server(Echo(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=1).wait()
