"""A provider of one resource type, a file: real enough to be created, read back, changed, lost and deleted."""

# ruff: noqa: N802 -- gRPC names the methods

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2 as plugin
from pulumi.runtime.proto import provider_pb2 as provider
from pulumi.runtime.proto import provider_pb2_grpc as provider_grpc

SLOW_S = 60.0
TIDY_S = 2.0  # a real provider needs a moment to stop what it began
cancelled = False


class FileProvider(provider_grpc.ResourceProviderServicer):
    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> plugin.PluginInfo:
        return plugin.PluginInfo(version="0.0.1")

    def CheckConfig(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        return provider.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        return provider.DiffResponse(changes=provider.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> provider.ConfigureResponse:
        return provider.ConfigureResponse(supportsPreview=True)

    def Check(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        return provider.CheckResponse(inputs=request.news)

    def Diff(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        same = dict(request.old_inputs) == dict(request.news)
        changes = provider.DiffResponse.DIFF_NONE if same else provider.DiffResponse.DIFF_SOME
        return provider.DiffResponse(changes=changes, diffs=[] if same else ["text"])

    def Create(self, request: provider.CreateRequest, context: grpc.ServicerContext) -> provider.CreateResponse:
        properties = dict(request.properties)
        path = Path(str(properties["path"]))
        if request.preview:
            return provider.CreateResponse(properties=request.properties)
        path.with_suffix(".pid").write_text(str(os.getpid()))
        end = time.monotonic() + (SLOW_S if path.with_suffix(".slow").exists() else 0)
        while time.monotonic() < end:
            if cancelled:
                time.sleep(TIDY_S)
                context.abort(grpc.StatusCode.ABORTED, "the creation was cancelled")
            time.sleep(0.05)
        path.write_text(json.dumps(properties))
        return provider.CreateResponse(id=str(path), properties=request.properties)

    def Read(self, request: provider.ReadRequest, context: grpc.ServicerContext) -> provider.ReadResponse:
        path = Path(request.id)
        if not path.exists():
            return provider.ReadResponse()
        properties = Struct()
        properties.update(json.loads(path.read_text()))
        return provider.ReadResponse(id=request.id, properties=properties, inputs=properties)

    def Update(self, request: provider.UpdateRequest, context: grpc.ServicerContext) -> provider.UpdateResponse:
        if not request.preview:
            Path(request.id).write_text(json.dumps(dict(request.news)))
        return provider.UpdateResponse(properties=request.news)

    def Delete(self, request: provider.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        Path(request.id).unlink(missing_ok=True)
        return Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Empty:
        global cancelled  # noqa: PLW0603 (one process, one provider)
        cancelled = True
        return Empty()


server = grpc.server(ThreadPoolExecutor(max_workers=8))
provider_grpc.add_ResourceProviderServicer_to_server(FileProvider(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print(port, flush=True)  # noqa: T201 (how the engine learns the port)
server.wait_for_termination()
