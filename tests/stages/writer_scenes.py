"""Writers on loopback whose drafts a test scripts, and the judge beside them."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from werkzeug import Response as Reply

from schemas.rollouts import Response
from schemas.task import Message, Task
from stages.models.openai import OpenAIModel
from stages.writing.base import Material, Method
from stages.writing.desk import Written
from stages.writing.methods import METHODS
from stages.writing.spec import WritingSpec
from stages.writing.stage import Writing
from tests.stages.judge_server import JudgeServer, chat, under_judgement, verdicts

Criteria = list[dict[str, Any]]
Says = Callable[[list[dict[str, str]]], str]
"""What a writer answers to a conversation."""


def criterion(name: str, text: str, weight: float = 1, tiers: Sequence[tuple[float, str]] = (), **more: Any) -> Any:
    """Return one criterion as a writer gives it."""
    levels = [{"score": score, "text": level} for score, level in tiers]
    return {"id": name, "text": text, "weight": weight, "tiers": levels, **more}


IMAGE = criterion(
    "one_image",
    "Holds one image that a reader can see.",
    2,
    [
        (0, "Names no thing that can be seen."),
        (1, "Names things without what they look like."),
        (2, "Shows one thing with its colour, its shape or its motion."),
    ],
)
SEASON = criterion("names_season", "Names the season that the request is about.", 2)
INVENTED = criterion("invented_facts", "States something about the garden that the request does not say.", -1)
GOOD: Criteria = [SEASON, IMAGE, INVENTED]
"""A draft that no gate holds back."""


def said(criteria: Any) -> str:
    """Return a draft as an answer."""
    return orjson.dumps({"criteria": criteria}).decode()


def reworded(criteria: Criteria, how: Callable[[str], str]) -> str:
    """Return an answer that says criteria in other words."""
    each = [
        {"id": one["id"], "text": how(one["text"]), "tiers": [how(tier["text"]) for tier in one["tiers"]]}
        for one in criteria
    ]
    return said(each)


def is_complaint(messages: list[dict[str, str]]) -> bool:
    """Return whether a writer is asked to mend its draft."""
    return "cannot be used yet" in messages[-1]["content"]


def is_rewording(messages: list[dict[str, str]]) -> bool:
    """Return whether a writer is asked to say criteria in other words."""
    return messages[0]["content"].startswith("You say criteria in other words")


def scripted(says: Says, label: Callable[[str, str, str], str] = lambda name, text, prompt: "met") -> Any:
    """Return a server of writers that say `says(messages)`, and of a judge `j` with `label(id, response, prompt)`."""

    def reply(payload: dict[str, Any], number: int) -> Reply:
        if payload["model"] == "j":
            prompt = payload["messages"][0]["content"]
            return chat(verdicts(prompt, lambda name: label(name, under_judgement(prompt), prompt)))
        return chat(says(payload["messages"]))

    return reply


def model(server: JudgeServer, name: str = "w") -> OpenAIModel:
    """Return a model behind `server`."""
    return OpenAIModel(f"openai:{name}", name, server.url, None, retries=0, timeout_s=10)


def given(name: str = "a", *responses: str, worth: Sequence[float | None] = (), **task: Any) -> Material:
    """Return what a writer is shown."""
    own = Task(id=name, messages=(Message(role="user", content=f"Describe the garden of {name} in autumn."),), **task)
    texts = tuple(Response(text=text, finish="stop", length=1) for text in responses)
    return Material(id=name, task=own, responses=texts, worth=tuple(worth))


def writing(server: JudgeServer, method: str = "model", judged: bool = False, **more: Any) -> Writing:
    """Return how writer `w` of a server writes, `judged` by its judge; `spec` and the rest go where they belong."""
    spec = WritingSpec(**more.pop("spec", {}))
    way: Method = more.pop("way", None) or METHODS[method](spec, more.pop("show_reference", False))
    writers = more.pop("writers", None) or [model(server)]
    return Writing(way, spec, more.pop("seed", 0), writers, [model(server, "j")] if judged else [], **more)


def written(way: Writing, *lines: Material) -> list[Written]:
    """Return what comes of some lines."""
    return list(way.write(lines, Counter()))
