"""A review from the first draft to the last: what each answer does."""

from collections import deque
from collections.abc import Callable

from rlra_cli.rubric_files import Placed, try_checks
from rlra_cli.rubrics_review_answers import AGAIN, KEYS, Answer, Answers
from rlra_cli.rubrics_review_editor import Edit
from rlra_cli.rubrics_review_journal import Journal
from rlra_cli.rubrics_review_screen import Screen
from schemas.errors import RlraError
from schemas.review import Deed
from schemas.rubric import Rubric
from stages.review import Decision, Desk

DEEDS: dict[str, Deed] = {"accept": "accepted", "reject": "rejected", "comment": "commented"}
AT_THE_END = {"u": "undo", "q": "quit"}


class Session:
    """One sitting. Every decision is in the journal before the next draft is shown."""

    def __init__(
        self, desk: Desk, journal: Journal, screen: Screen, answers: Answers, by: str, today: Callable[[], str]
    ) -> None:
        self._desk, self._journal, self._screen, self._answers = desk, journal, screen, answers
        self._by, self._today = by, today
        self._waiting = deque(desk.drafts())
        self._drafts = len(self._waiting)
        self._skipped: list[str] = []
        """What was skipped since the last decision, which undoing brings back first."""

    def run(self) -> None:
        """Show drafts and do as the reviewer says, until they quit; after the last one they may still undo."""
        while True:
            answer = self._ask()
            if answer.does == "quit":
                return
            if answer.does == "undo":
                self._undo()
            elif answer.does == "skip":
                self._skipped.append(self._waiting.popleft())
            elif answer.does == "edit":
                self._edit(self._waiting[0])
            else:
                self._decide(self._waiting[0], answer)

    def _ask(self) -> Answer:
        if self._waiting:
            name, left = self._waiting[0], len(self._waiting)
            place = f"draft {max(1, self._drafts - left + 1)} of {max(self._drafts, left)}"
            self._screen.show(name, self._desk.rubric(name), place)
            return self._answers.next(KEYS)
        if self._desk.last is None and not self._skipped:
            self._screen.say("there is no draft to review")
            return Answer("quit")
        self._screen.say("no drafts are left to show.   [u] undo   [q] quit")
        return self._answers.next(AT_THE_END)

    def _decide(self, name: str, answer: Answer) -> None:
        if answer.does == "accept" and (error := _unfit(name, self._desk.rubric(name))):
            self._answers.refused(error)
            return
        comment = answer.comment or self._answers.comment(answer.does)
        if answer.does == "comment" and not comment:
            return
        self._take(name, DEEDS[answer.does], comment)
        if answer.does != "comment":
            self._waiting.popleft()

    def _take(self, name: str, did: Deed, comment: str = "", rubric: Rubric | None = None) -> None:
        before = self._desk.rubric(name).digest()
        said = {"by": self._by, "on": self._today(), "comment": comment, "before": before}
        self._keep(Decision(id=name, did=did, rubric=rubric, **said))
        self._skipped.clear()

    def _keep(self, decision: Decision) -> None:
        self._journal.add(decision)
        self._desk.take(decision)

    def _undo(self) -> None:
        last = self._desk.last
        if self._skipped:
            self._waiting.appendleft(self._skipped.pop())
        elif last is None:
            self._screen.say("there is nothing to undo")
        else:
            self._keep(Decision(id=last.id, did="undone", by=self._by, on=self._today()))
            self._screen.say(f"undone: {last.id} {last.did}")
            if last.id in self._waiting:
                self._waiting.remove(last.id)
            self._waiting.appendleft(last.id)

    def _edit(self, name: str) -> None:
        edit = Edit(self._desk.rubric(name))
        try:
            rubric = self._edited(edit)
        finally:
            edit.close()
        if rubric is None:
            self._screen.say("nothing was changed")
        else:
            self._take(name, "edited", rubric=rubric)

    def _edited(self, edit: Edit) -> Rubric | None:
        while True:
            try:
                return edit.open()
            except RlraError as error:
                self._screen.complain(error)
                self._screen.say("[e] edit again   [g] give the change up")
            if self._answers.next(AGAIN).does == "give up":
                return None


def _unfit(name: str, rubric: Rubric) -> RlraError | None:
    """Return why nothing could be judged by a rubric: a check that does not exist, or source that cannot run."""
    try:
        try_checks(Placed(rubric, name))
    except RlraError as error:
        return RlraError(f"cannot be accepted: {error.message}", hint=error.hint or "edit it, or reject it")
    return None
