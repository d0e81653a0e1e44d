"""`rlra rollout --responses`: other people's outputs in place of sampling."""

from tests.contract import material
from tests.running import Runner, lines


def tasks(run: Runner) -> None:
    run.write("tasks.jsonl", lines(*(material.task(name, rubric=material.RUBRIC) for name in ("sea", "garden"))))


def attached(run: Runner, *answers: dict[str, object], code: int = 0) -> list[dict[str, object]] | str:
    tasks(run)
    run.write("theirs.jsonl", lines(*answers))
    done = run("rollout", "tasks.jsonl", "--responses", "theirs.jsonl")
    assert done.code == code, done.err
    return done.err if code else done.records


def test_responses_go_to_their_tasks_by_id(run: Runner) -> None:
    found = attached(
        run, {"id": "garden", "responses": ["a b", "c"]}, {"key": "sea", "response": "Waves.", "model": "x"}
    )
    texts = [[response["text"] for response in line["responses"]] for line in found]
    assert texts == [["Waves."], ["a b", "c"]]
    assert [line["policy"]["model"] for line in found] == ["x", "responses:theirs.jsonl"]
    assert all("sampling" not in line["policy"] for line in found)


def test_without_ids_they_are_in_the_order_of_the_tasks(run: Runner) -> None:
    found = attached(run, {"prompt": "any", "response": "first"}, {"prompt": "any", "response": "second"})
    assert [line["responses"][0]["text"] for line in found] == ["first", "second"]


def test_a_task_without_a_response_has_failed_and_is_no_zero(run: Runner) -> None:
    attached(run, {"id": "sea", "response": "Waves."}, code=3)
    done = run("rollout", "tasks.jsonl", "--responses", "theirs.jsonl", "--max-failures", "1", "-o", "rollouts.jsonl")
    assert done.code == 0, done.err
    judged = run("judge", "rollouts.jsonl", "--max-failures", "1").records
    assert [line["responses"][0]["reward"] for line in judged] == [1.0, None]


def test_what_does_not_fit_is_said(run: Runner) -> None:
    cases = [
        ([{"id": "sea", "response": "x"}, {"id": "river", "response": "y"}], "no task has the id 'river'"),
        ([{"response": "x"}], "1 lines without an `id`, and 2 tasks"),
        ([{"id": "sea", "response": "x"}, {"response": "y"}], "theirs.jsonl:2: id: either every line has one, or none"),
        ([{"response": "x"}, {"id": "sea", "response": "y"}], "theirs.jsonl:2: id: either every line has one, or none"),
        ([{"id": "sea", "response": "x"}, {"id": "sea", "response": "y"}], "theirs.jsonl:2: id: 'sea' stands on"),
        ([{"id": "sea"}], "theirs.jsonl:1: a line needs `response` (text) or `responses`"),
        ([{"id": "sea", "response": 3}], "theirs.jsonl:1: response: a text is needed"),
        ([{"id": "sea", "responses": []}], "theirs.jsonl:1: responses: a list of texts is needed"),
    ]
    for answers, wanted in cases:
        assert wanted in attached(run, *answers, code=1)


def test_what_only_sampling_can_do_is_refused(run: Runner) -> None:
    tasks(run)
    run.write("theirs.jsonl", lines({"id": "sea", "response": "x"}))
    for word in (["--engine", "ray"], ["--until-spread", "16"], ["--add"], ["--rubrics", "r.yaml"]):
        done = run("rollout", "tasks.jsonl", "--responses", "theirs.jsonl", *word)
        assert (done.code, done.out) == (1, b"") and "do not go with --responses" in done.err, done.err


def test_they_are_unfit_for_staged_training(run: Runner) -> None:
    attached(
        run, {"id": "sea", "response": "Waves."}, {"id": "garden", "response": "Roses and a long path that goes on."}
    )
    run("rollout", "tasks.jsonl", "--responses", "theirs.jsonl", "-o", "rollouts.jsonl")
    run("judge", "rollouts.jsonl", "-o", "judged.jsonl")
    done = run("train", "judged.jsonl", "-o", "out", "--model", "smollm2")
    assert done.code == 1
    assert "no token ids in the line" in done.err
