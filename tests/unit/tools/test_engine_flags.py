"""Facts of an engine, read from a package of a few lines."""

from pathlib import Path
from zipfile import ZipFile

from tools.engine_flags import facts_of

VLLM = {
    "vllm/engine/arg_utils.py": 'g.add_argument("--max-num-seqs", "-q", **kw["max_num_seqs"])\n',
    "vllm/entrypoints/common/cli_args.py": (
        'parser.add_argument("--headless")\nclass BaseFrontendArgs:\n    chat_template: str | None = None\n'
        "class FrontendArgs(BaseFrontendArgs):\n    port: int = 8000\nclass Others:\n    unseen: int = 1\n"
    ),
    "vllm/entrypoints/health.py": '@router.get("/health")\nasync def health(): ...\n',
    "vllm/v1/metrics/loggers.py": (
        'a = self._gauge_cls(name="vllm:waiting")\nb = self._counter_cls(name="vllm:done")\nc = f(name="other")\n'
    ),
    "vllm/envs.py": 'variables = {"VLLM_CACHE_ROOT": lambda: 1, "HOME": lambda: 2}\n',
}
SGLANG = {
    "sglang/srt/server_args.py": 'parser.add_argument("--config")\n',
    "sglang/srt/arg_groups/fields/a.py": (
        'class A1:\n    host: A[str, "help"] = "127.0.0.1"\n'
        '    tp_size: A[int, Arg(aliases=["--tensor-parallel-size"])]\n'
        '    named: A[int, Arg(cli_name="--other-name")]\n'
        "    hidden: A[int, Arg(no_cli=True)] = 1\n    plain: int = 2\n"
    ),
    "sglang/srt/entrypoints/http_server.py": '@app.get("/ready")\nasync def ready(): ...\n',
    "sglang/srt/utils/common.py": 'route = Mount("/metrics", app)\n',
    "sglang/srt/observability/metrics_collector.py": (
        'q = Gauge(name="sglang:queue")\nt = Counter(name="sglang:n_total")\n'
    ),
    "sglang/srt/environ.py": "class E:\n    SGLANG_A = EnvBool(True)\n    OTHER = 1\n",
}


def wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    file = folder / f"{name}-1.2.3-py3-none-any.whl"
    with ZipFile(file, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return file


def test_vllms_arguments_are_those_added_and_the_fields_of_its_front_end(tmp_path: Path) -> None:
    engine, facts = facts_of(wheel(tmp_path, "vllm", VLLM))
    assert (engine, facts["version"]) == ("vllm", "1.2.3")
    assert facts["flags"] == ["--chat-template", "--headless", "--max-num-seqs", "--port", "-q"]
    assert facts["paths"] == ["/health"]
    assert facts["metrics"] == ["vllm:done_total", "vllm:waiting"]
    assert facts["variables"] == ["VLLM_CACHE_ROOT"]
    assert "sha256" in facts["source"]


def test_sglangs_arguments_are_the_annotated_fields_that_are_not_hidden(tmp_path: Path) -> None:
    _, facts = facts_of(wheel(tmp_path, "sglang", SGLANG))
    assert facts["flags"] == ["--config", "--host", "--other-name", "--tensor-parallel-size", "--tp-size"]
    assert facts["paths"] == ["/metrics", "/ready"]
    assert facts["metrics"] == ["sglang:n_total", "sglang:queue"]
    assert facts["variables"] == ["SGLANG_A"]
