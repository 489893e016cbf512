"""Two of the crashes of `make prove`, so that its trials cannot rot."""

from pathlib import Path

from tests.prove.crashes import crash


def test_kills_at_random_moments_cost_no_answer_and_no_approval(tmp_path: Path) -> None:
    trials = crash(tmp_path, count=2, seed=7, tell=lambda _line: None)
    assert trials.faults == []
    assert trials.replies > 20
    assert set(trials.done) == {"import", "publish"}
