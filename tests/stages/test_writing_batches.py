"""Writers and judges that answer in batches: the same batches in every run, also where one is gone on with."""

from collections import Counter
from collections.abc import Sequence

import pytest

from rlra_cli.generate_windows import Windows
from stages.models.base import Completion, Request
from stages.writing.desk import Written
from stages.writing.stage import Writing
from tests.stages.judge_server import serving, under_judgement, verdicts
from tests.stages.test_writing_trials import TEXTS, honest, turned
from tests.stages.writer_scenes import GOOD, given, is_rewording, model, reworded, said, scripted, writing

LINES = [given(f"p{number}", *TEXTS) for number in range(7)]


class Batches:
    """A model whose every answer tells how many were asked with it, as rounding does."""

    reference, revision, template, engine, dtype = "hf:batches", "1", "", "e", ""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Answer as a writer and as a judge."""
        self.sizes.append(len(requests))
        return [Completion(self._answer(request, len(requests)), "stop", 1) for request in requests]

    def _answer(self, request: Request, size: int) -> str:
        turns = [{"role": turn.role, "content": turn.content} for turn in request.messages]
        prompt = turns[0]["content"]
        if "begins\n" in prompt and "The response to judge" in prompt:
            return verdicts(prompt, lambda name: honest(name, under_judgement(prompt), prompt))
        if is_rewording(turns):
            return reworded(GOOD, turned)
        return said([{**GOOD[0], "weight": 1 + size / 100}, *GOOD[1:]])


def run(way: Writing, windows: Windows) -> list[Written]:
    """Return what is written of the lines that are left."""
    return [each for each in way.write(windows.left(), Counter()) if not windows.stands(each.task.id)]


@pytest.mark.parametrize("judge_is_a_server", [False, True])
def test_going_on_in_the_middle_of_a_window_changes_no_byte(judge_is_a_server: bool) -> None:
    with serving(scripted(lambda turns: "", honest)) as server:
        for done in (0, 2, 3, 5, 7):
            batches = Batches()
            way = Writing(
                **{
                    **vars(writing(server, spec={"lines_at_once": 3})),
                    "writers": [batches],
                    "judges": [model(server, "j") if judge_is_a_server else Batches()],
                }
            )
            assert way.together and way.window == 3
            windows = Windows(iter(LINES), way.window, set())
            before = windows.accepted()
            for _ in range(done):
                next(before)
            found = run(way, windows)
            if done == 0:
                whole = found
                assert all(each.accepted for each in whole) and 3 in batches.sizes and 1 in batches.sizes
            assert found == whole[done:]


def test_a_writer_that_no_schema_can_hold_is_asked_without() -> None:
    """As transformers is; and a server where the user says so. What it answers is read as strictly."""

    class Free(Batches):
        follows_schemas = False

        def complete(self, requests: Sequence[Request]) -> list[Completion]:
            assert all(request.schema is None for request in requests)
            return super().complete(requests)

    with serving(scripted(lambda turns: said(GOOD))) as server:
        free = Writing(**{**vars(writing(server)), "writers": [Free()]})
        assert [each.accepted for each in free.write(LINES[:2], Counter())] == [True, True]
        for schemas in (True, False):
            server.payloads.clear()
            way = writing(server, spec={"schemas": schemas})
            assert all(each.accepted for each in way.write(LINES[:1], Counter()))
            assert all(("response_format" in payload) is schemas for payload in server.payloads)
    with serving(scripted(lambda turns: "Here are some criteria: warmth, brevity.")) as server:
        (left,) = writing(server, spec={"schemas": False}).write(LINES[:1], Counter())
        assert not left.accepted and "unreadable" in left.accounts[0].failure
