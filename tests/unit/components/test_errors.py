"""Problems gathered from the parts of a description."""

from components.errors import Problem, Problems, SpecError

WRONG = Problem(path="b", message="is wrong")


def _part(name: str, *, fails: bool = False) -> str:
    if fails:
        raise SpecError([WRONG])
    return name


def test_collect_returns_the_result_and_keeps_the_problems_of_others() -> None:
    problems = Problems([Problem(path="a", message="is wrong too")])
    assert problems.collect(_part, "pools") == "pools"
    assert problems.collect(_part, "network", fails=True) is None
    assert [problem.path for problem in problems] == ["a", "b"]


def test_collect_binds_its_arguments_when_it_is_called() -> None:
    problems = Problems()
    assert [problems.collect(_part, name) for name in ("one", "two")] == ["one", "two"]
