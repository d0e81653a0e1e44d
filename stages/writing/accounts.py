"""What became of drafts, line by line and in all: the funnel of a run, the same whether it was interrupted or not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import Field

from schemas.base import Part
from schemas.task import Task
from stages.writing.base import Finding

DRAFTS, REJECTED, REJECTED_BY = "drafts", "rejected", "rejected_by"
"""Where accounts are kept: in the `meta` of an accepted rubric, and of a task that got none."""


class Account(Part):
    """What became of one writer's draft."""

    writer: str
    """The model's reference."""
    ran: tuple[str, ...] = Field(default=(), strict=False)
    """The gates that the last draft was held against, by their reasons."""
    first: tuple[str, ...] = Field(default=(), strict=False)
    """What was found against the first draft, as `reason: message`; nothing where it was taken."""
    again: tuple[str, ...] | None = Field(default=None, strict=False)
    """What was found against the repaired draft; null where none was asked for or could be read."""
    failure: str = ""
    """Why there is no draft, or none that could be judged, as `class: what`."""

    @property
    def accepted(self) -> bool:
        """Whether a draft was taken."""
        return not self.failure and not (self.first if self.again is None else self.again)

    @property
    def reason(self) -> str:
        """Why none was taken: the class of the failure, or the first gate that held the last draft back; else ""."""
        if self.accepted:
            return ""
        return (self.failure or (self.again or self.first)[0]).partition(": ")[0]


def gates_in(findings: Iterable[str]) -> list[str]:
    """Return the gates that the findings are of, each once, in order."""
    return list(dict.fromkeys(finding.partition(": ")[0] for finding in findings))


def as_texts(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return findings as accounts keep them."""
    return tuple(map(str, findings))


def of_accepted(task: Task) -> list[Account]:
    """Return the accounts that an accepted line carries."""
    return [Account.model_validate(each) for each in task.rubric.meta[DRAFTS]] if task.rubric else []


def of_rejected(task: Task) -> list[Account]:
    """Return the accounts that a rejected line carries."""
    return [Account.model_validate(each) for each in task.meta[REJECTED_BY]]


def rejected(task: Task, accounts: Sequence[Account]) -> Task:
    """Return a task that got no rubric, as it came, with the reasons in its `meta`."""
    why = {REJECTED: accounts[0].reason, REJECTED_BY: [_data(account) for account in accounts]}
    return task.model_copy(update={"meta": {**task.meta, **why}})


def without_rejection(meta: dict[str, Any]) -> dict[str, Any]:
    """Return the `meta` of a line that an earlier run may have rejected, without that; fields of users' own stay."""
    why = meta.get(REJECTED_BY)
    is_ours = isinstance(why, list) and why and all(isinstance(each, dict) and "writer" in each for each in why)
    return {key: value for key, value in meta.items() if not is_ours or key not in (REJECTED, REJECTED_BY)}


def as_meta(method: str, accounts: Sequence[Account]) -> dict[str, Any]:
    """Return what an accepted rubric says in its `meta` of how it came about."""
    return {"method": method, DRAFTS: [_data(account) for account in accounts]}


def _data(account: Account) -> dict[str, Any]:
    return account.model_dump(mode="json", exclude_defaults=True)


class Funnel:
    """Counts lines and drafts, those of an interrupted run included."""

    def __init__(self, gates: Sequence[str]) -> None:
        """`gates` are the reasons of all gates, in their order."""
        self._gates = tuple(gates)
        self._counts: Counter[str] = Counter()
        self._ran: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()

    def add(self, accounts: Sequence[Account], accepted: bool) -> None:
        """Count one line."""
        self._counts.update(lines=1, accepted=accepted, rejected=not accepted)
        for account in accounts:
            self._add(account)

    def _add(self, account: Account) -> None:
        answered = bool(account.ran or account.first)
        self._counts.update(
            drafts=1,
            written=answered,
            repaired=account.again is not None,
            mended=account.again is not None and account.accepted,
            taken=account.accepted,
        )
        self._ran.update({*account.ran, *gates_in(account.first)})
        self._held.update(gates_in(account.first))
        if not account.accepted:
            self._lost[account.reason] += 1

    def figures(self) -> dict[str, Any]:
        """Return the funnel as plain data: lines, drafts, and for each gate how many it saw, held back and kept out."""
        gates = {
            name: {"ran": self._ran[name], "held_back": self._held[name], "rejected": self._lost[name]}
            for name in (*self._gates, *sorted(set(self._held) - set(self._gates)))
        }
        failed = {kind: count for kind, count in sorted(self._lost.items()) if kind not in gates}
        names = ("lines", "drafts", "written", "repaired", "mended", "taken", "accepted", "rejected")
        return {**{name: self._counts[name] for name in names}, "failed": failed, "gates": gates}
