"""The Python language host: runs programs, policy packs and provider plugins for the engine.

The official host is a Go program that comes with the official download. Where the engine was built from its module this
one takes its place. It needs no network: the program's environment is there already (`make setup`), and it reports no
required plugins, so the engine downloads none; a plugin is found on PATH or through Pulumi.yaml.

A child never outlives the host, and the host never outlives the engine, even one that was killed.
"""
# ruff: noqa: N802, ARG002 -- gRPC names the methods and gives every one a request and a context

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import grpc

from components.loopback import exempt_loopback
from components.stop_request import StopRequest
from engine.processes import Children, output, stop
from engine.protocol import language, language_grpc, plugin
from engine.provider.server import LIMITS
from tools import PULUMI_VERSION

# What pulumi-language-python-exec exits with when it has told the user what is wrong.
ALREADY_REPORTED_EXIT = 32
PARENT_POLL_S = 0.2


def main() -> None:
    """Serves the engine that started this process until it interrupts or is gone. Prints the port first."""
    parser = argparse.ArgumentParser(prog="pulumi-language-python")
    parser.add_argument("--exec", type=Path, required=True, help="the SDK's pulumi-language-python-exec script")
    parser.add_argument("engine", nargs="?", default="", help="address of the engine")
    arguments, _ = parser.parse_known_args()  # the engine adds -root, -tracing, -logflow, -v, which change nothing here
    stopped = StopRequest()
    stopped.listen()
    children = Children()
    server = _serve(LanguageHost(engine=arguments.engine, exec_script=arguments.exec, children=children))
    _wait_for_the_end(stopped)
    children.stop_all()
    server.stop(grace=None).wait(1)
    sys.stdout.flush()
    os._exit(0)  # a thread of the pool may still wait for a peer that is gone


def _serve(host: "LanguageHost") -> grpc.Server:
    # Every provider plugin holds one thread for as long as it runs.
    server = grpc.server(ThreadPoolExecutor(max_workers=64), options=LIMITS)
    language_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # noqa: T201 (the first line on stdout is how the engine learns the port)
    return server


def _wait_for_the_end(stopped: StopRequest) -> None:
    """Returns when a signal asked to stop, or the engine is gone (then another process is the parent)."""
    engine_pid = os.getppid()
    while not stopped.wait(PARENT_POLL_S):
        if os.getppid() != engine_pid:
            return


class LanguageHost(language_grpc.LanguageRuntimeServicer):
    """Answers of a language to the engine. Other requests are answered Unimplemented: code generation and packaging."""

    def __init__(self, *, engine: str, exec_script: Path, children: Children) -> None:
        self._engine = engine
        self._exec_script = exec_script
        self._children = children

    def Handshake(
        self, request: language.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language.LanguageHandshakeResponse:
        self._engine = request.engine_address or self._engine
        return language.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> plugin.PluginInfo:
        return plugin.PluginInfo(version=PULUMI_VERSION)

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> language.GetRequiredPackagesResponse:
        return language.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> language.GetRequiredPluginsResponse:
        return language.GetRequiredPluginsResponse()

    def About(self, request: language.AboutRequest, context: grpc.ServicerContext) -> language.AboutResponse:
        """The Python that would run the program, asked for its own version."""
        python = interpreter(request.info)
        version = subprocess.run([python, "--version"], capture_output=True, text=True, check=False).stdout
        return language.AboutResponse(executable=str(python), version=version.removeprefix("Python ").strip())

    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> language.RuntimeOptionsResponse:
        return language.RuntimeOptionsResponse()

    def InstallDependencies(
        self, request: language.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language.InstallDependenciesResponse]:
        """Installs nothing: `make setup` owns the environment. Says which one is used; refuses where it is missing."""
        python = interpreter(request.info)
        asked = _virtualenv(request.info)
        if asked and not asked.is_dir():
            _refuse(context, f"{asked} does not exist; run `make setup`")
        yield language.InstallDependenciesResponse(stdout=f"using {python}; `make setup` keeps it current\n".encode())

    def Run(self, request: language.RunRequest, context: grpc.ServicerContext) -> language.RunResponse:
        """Runs the program to its end. Its output goes to the engine as it comes."""
        env = os.environ | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            "PYTHONUNBUFFERED": "1",
            **exempt_loopback(os.environ),  # the program reaches the engine by gRPC
        }
        command = [str(interpreter(request.info)), "-u", str(self._exec_script), *self._exec_arguments(request)]
        child = self._children.start(command, cwd=Path(request.pwd), env=env, capture=False)
        context.add_callback(lambda: _stop_later(child))
        status = self._children.wait(child)
        if status == ALREADY_REPORTED_EXIT:
            return language.RunResponse(bail=True)
        return language.RunResponse(error=_ending(status) if status else "")

    def _exec_arguments(self, request: language.RunRequest) -> list[str]:
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
            "organization": request.organization or "organization",
        }
        program = Path(request.info.program_directory, request.info.entry_point)
        return [part for name, value in options.items() for part in (f"--{name}", value)] + [
            str(program),
            *request.args,
        ]

    def RunPlugin(
        self, request: language.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language.RunPluginResponse]:
        """Runs a provider or a policy pack and streams its output; it ends when the engine cancels the call."""
        python, folder = str(interpreter(request.info)), request.info.program_directory
        if request.kind == "analyzer":
            command = [python, "-u", "-m", "pulumi.policy", *request.args, folder]
        else:
            command = [python, "-u", folder, *request.args]
        env = dict(entry.split("=", 1) for entry in request.env) or dict(os.environ)
        env |= exempt_loopback(env)
        child = self._children.start(command, cwd=Path(request.pwd), env=env, capture=True)
        context.add_callback(lambda: _stop_later(child))
        for stream, chunk in output(child):
            yield (
                language.RunPluginResponse(stdout=chunk)
                if stream == "stdout"
                else language.RunPluginResponse(stderr=chunk)
            )
        yield language.RunPluginResponse(exitcode=self._children.wait(child))


def interpreter(info: language.ProgramInfo) -> Path:
    """The Python of the `virtualenv` option, relative to Pulumi.yaml or PulumiPlugin.yaml; without one, this Python."""
    environment = _virtualenv(info)
    python = environment / "bin" / "python" if environment else None
    return python if python and python.exists() else Path(sys.executable)


def _virtualenv(info: language.ProgramInfo) -> Path | None:
    option = dict(info.options).get("virtualenv")
    return Path(info.root_directory, str(option)) if option else None


def _ending(status: int) -> str:
    """Ending of a program that did not tell it itself."""
    if status < 0:
        return f"the program was killed by {signal.Signals(-status).name}"
    return f"the program ended with exit code {status}"


def _stop_later(child: subprocess.Popen[bytes]) -> None:
    """Ends the child in the background: gRPC's callback thread must not wait for it."""
    if child.poll() is None:
        threading.Thread(target=stop, args=(child,), daemon=True).start()


def _refuse(context: grpc.ServicerContext, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)
    raise AssertionError(message)  # abort raises; its stub does not say so


if __name__ == "__main__":
    main()
