"""Asking again: what could not be read, bounded, with what was wrong and what it took."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from schemas.errors import RlraError
from schemas.task import Message
from stages.asking import Asker, Failure, Purse, Reply, UnreadableError
from stages.models.base import Completion, Request
from stages.models.live import Batched, live
from stages.streaming import flow


class Scripted:
    """The far end: answers batches by a function of the request and the number of the round."""

    reference, revision, template, engine, dtype = "openai:far", "far", "", "far end", ""

    def __init__(self, answer: Callable[[Request, int], Completion]) -> None:
        self.say = answer
        self.rounds: list[list[Request]] = []

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        self.rounds.append(list(requests))
        return [self.say(request, len(self.rounds)) for request in requests]


def ask(
    far: Scripted, questions: list[tuple[Request, Callable[[Completion], int]]], purse: Purse | None = None
) -> tuple[list[Reply[int]], Counter[str]]:
    """Put all the questions at once, three times each at most."""
    counts: Counter[str] = Counter()
    asker = Asker(live(far), 3, counts, purse)
    return list(flow(questions, lambda one: asker.put(*one), 100, together=True)), counts


def question(text: str) -> Request:
    return Request((Message(role="user", content=text),), 5, 0.0, 10)


def done(text: str) -> Completion:
    return Completion(text, "stop", 1)


def number(completion: Completion) -> int:
    if not completion.text.isdigit():
        raise UnreadableError("it is no number")
    return int(completion.text)


def test_only_the_unreadable_is_asked_again_with_what_was_wrong() -> None:
    far = Scripted(lambda request, turn: done(request.messages[0].content if turn == 1 else "7"))
    replies, counts = ask(far, [(question("1"), number), (question("two"), number), (question("3"), number)])
    assert [reply.value for reply in replies] == [1, 7, 3]
    assert [reply.calls for reply in replies] == [1, 2, 1]
    assert counts == {"asked": 3, "asked_again:unreadable": 1}
    (again,) = far.rounds[1]
    assert [turn.role for turn in again.messages] == ["user", "assistant", "user"]
    assert again.messages[1].content == "two"
    assert "it is no number" in again.messages[2].content
    assert again.seed != 5
    assert len(far.rounds) == 2


def test_the_third_failure_is_the_last_and_never_a_value() -> None:
    far = Scripted(lambda request, turn: done("x" * turn))
    (reply,), counts = ask(far, [(question("a"), number)])
    assert reply.value == Failure("unreadable", "it is no number")
    assert counts == {"asked": 1, "asked_again:unreadable": 2}
    assert [len(requests[0].messages) for requests in far.rounds] == [1, 3, 3]
    assert len({requests[0].seed for requests in far.rounds}) == 3


@pytest.mark.parametrize(
    ("completion", "failure", "rounds"),
    [
        (Completion("", "failed", 0, error="transport: HTTP 503"), Failure("transport", "HTTP 503"), 1),
        (Completion("", "failed", 0, error="no memory"), Failure("transport", "no memory"), 1),
        (
            Completion("", "failed", 0, error="content filter"),
            Failure("content filter", "the server withheld the answer"),
            1,
        ),
        (Completion("", "failed", 0, error="refusal: I cannot"), Failure("refusal", "I cannot"), 3),
        (Completion("", "failed", 0, error="empty"), Failure("empty", "the answer is empty"), 3),
        (Completion("  ", "stop", 0), Failure("empty", "the answer is empty"), 3),
        (Completion("12", "length", 1), Failure("truncated", "the answer was cut off at the token limit"), 3),
    ],
)
def test_every_failure_has_its_class(completion: Completion, failure: Failure, rounds: int) -> None:
    far = Scripted(lambda request, turn: completion)
    (reply,), _ = ask(far, [(question("a"), number)])
    assert reply.value == failure
    assert reply.calls == len(far.rounds) == rounds


def test_asking_nothing_calls_nobody() -> None:
    far = Scripted(lambda request, turn: done("1"))
    assert ask(far, []) == ([], Counter())
    assert far.rounds == []


def test_what_repeated_questions_take_is_summed() -> None:
    far = Scripted(
        lambda request, turn: Completion("x" if turn < 3 else "4", "stop", 5 * turn, prompt_length=100 * turn)
    )
    (reply,), _ = ask(far, [(question("a"), number)])
    assert reply == Reply(4, calls=3, tokens_in=600, tokens_out=30)


def test_a_model_of_batches_is_asked_in_whole_batches_and_what_it_took_is_counted() -> None:
    far = Scripted(lambda request, turn: Completion("1", "stop", 4, prompt_length=10))
    model = Batched(far)
    asker = Asker(model)
    list(flow(range(6), lambda n: asker.put(question(str(n)), number), 3, together=True))
    assert [len(batch) for batch in far.rounds] == [3, 3]
    assert model.counts == {"calls": 6, "tokens_in": 60, "tokens_out": 24}


def test_an_answer_read_off_its_first_token_may_be_cut_off_behind_it() -> None:
    far = Scripted(lambda request, turn: Completion("", "length", 1, top=(("7", -0.1),)))
    (reply,), _ = ask(far, [(replace(question("a"), top=5), lambda completion: int((completion.top or ())[0][0]))])
    assert reply.value == 7


class Strict:
    """A purse with so many calls in it."""

    def __init__(self, calls: int) -> None:
        self.left, self.booked = calls, 0

    async def admitted(self, model: str, request: Request) -> int:
        if not self.left:
            raise RlraError("nothing left")
        self.left -= 1
        return 3

    def charge(self, model: str, aside: int, completion: Completion) -> None:
        assert aside == 3
        self.booked += completion.length


def test_no_call_is_made_that_the_purse_does_not_admit() -> None:
    far, purse = Scripted(lambda request, turn: done("x")), Strict(2)
    with pytest.raises(RlraError, match="nothing left"):
        ask(far, [(question("a"), number)], purse)
    assert len(far.rounds) == purse.booked == 2


def test_what_a_model_raises_reaches_everyone_who_asked() -> None:
    def dead(request: Request, turn: int) -> Completion:
        raise RlraError("no such model")

    with pytest.raises(RlraError, match="no such model"):
        ask(Scripted(dead), [(question("a"), number), (question("b"), number)])
