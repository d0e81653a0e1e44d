"""A row of each format of rows, with all that the format has."""

from typing import Any

TURNS = [
    {"role": "user", "content": "I cough."},
    {"role": "assistant", "content": "Since when?"},
    {"role": "user", "content": "A week."},
]
HEALTHBENCH = {
    "prompt_id": "p-1",
    "prompt": TURNS,
    "rubrics": [
        {"criterion": "Asks about fever", "points": 5, "tags": ["axis:context"]},
        {"criterion": "Names a drug", "points": -7, "tags": []},
    ],
    "example_tags": ["theme:cough"],
    "ideal_completions_data": {"ideal_completion": "Do you have a fever?", "ideal_completions_group": "A"},
    "canary": "c",
}
RAR = {
    "question": "Which scan?",
    "reference_answer": "The first.",
    "question_source": "s",
    "rubric": [
        {"title": "Right scan", "description": "Essential Criteria: names it.", "weight": 5},
        {"title": "Wrong scan", "description": "Pitfall Criteria: names another.", "weight": -2},
        {"title": "Right scan", "description": "Says why.", "weight": 2.5},
    ],
    "rubric_count": 3,
}
OUMI = {
    "id": "o",
    "prompt": "Which scan?",
    "system_prompt": "You are a doctor.",
    "rubrics": [{"name": "right", "description": "Names it.", "weight": 1.5, "evaluation_type": "binary"}],
    "metadata": {"a": [1, None]},
}
BANDS = {"1-2": "Lost.", "3-4": "Weak.", "5-6": "Fair.", "7-8": "Good.", "9-10": "Fine."}
WRITINGBENCH = {
    "index": 7,
    "domain1": "D",
    "query": "Write.",
    "checklist": [{"name": "Tone & Voice", "criteria_description": "Is it apt?", **BANDS}],
}
HEARTBENCH = {
    "question_id": "h",
    "dialogue": [
        {"role": "A", "content": "Hm."},
        {"role": "B", "content": "Yes?"},
        {"role": "A", "content": "I am sad."},
    ],
    "rubric": [
        {"dimension": "ear", "score": 3, "content": "Listens."},
        {"dimension": "其他", "score": None, "content": "Plays the client."},
        {"dimension": "eye", "score": 1.5, "content": "Sees."},
        {"dimension": "ear", "score": -2, "content": "Lectures."},
    ],
    "difficulty": "hard",
}
AUTORUBRIC = {
    "id": "a",
    "prompt": "Explain.",
    "rubric": [
        {"name": "right", "weight": 10, "requirement": "Is right."},
        {
            "name": "clear",
            "weight": 5,
            "requirement": "How clear?",
            "scale_type": "ordinal",
            "options": [{"label": "Not", "value": 0}, {"label": "Half", "value": 0.5}, {"label": "Very", "value": 1}],
        },
    ],
}
IFEVAL = {
    "key": 12,
    "prompt": "Write without commas.",
    "instruction_id_list": ["punctuation:no_comma", "keywords:frequency", "keywords:frequency"],
    "kwargs": [{}, {"keyword": "a", "frequency": 2, "relation": "at least"}, {"keyword": "b", "frequency": 3}],
}
IFBENCH = {
    "key": "3",
    "prompt": "Say it.",
    "instruction_id_list": ["count:numbers"],
    "kwargs": [{"N": 5}],
}
ROWS: dict[str, dict[str, Any]] = {
    "healthbench": HEALTHBENCH,
    "rar": {"id": "r", **RAR},
    "oumi": OUMI,
    "writingbench": WRITINGBENCH,
    "heartbench": HEARTBENCH,
    "autorubric": AUTORUBRIC,
    "ifeval": IFEVAL,
    "ifbench": IFBENCH,
}
