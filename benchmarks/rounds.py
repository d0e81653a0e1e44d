"""Staged rounds beside online training on the same task: seconds per update, and what was learned, at equal sampling.

Both train the embedded model on the quickstart's tasks, with the same rate, in updates of 6 prompts, and sample 8
responses of at most 48 tokens to each. `rlra train --rounds` samples the 24 prompts of a round at a time, leaves out
the groups that nearly always or never succeed, and learns from the 4 responses of each group that differ most.
`rlra train --online` samples 6 prompts for each update and learns from all 8. After every 8 updates both answer the
same 100 held-out prompts four times, drawn as in training, and the change in reward is that of `rlra eval`, with a
paired 95 % interval.

The seconds of the rounds are all that went by between their first file and their last, loading and saving included;
those of the online run are the steps alone, without its start and its checkpoints. `python benchmarks/rounds.py OUT
SEED …` keeps its files in OUT, and goes on where it was.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from shutil import copytree, rmtree

from matplotlib.figure import Figure

EXAMPLE = Path(__file__).parent.parent / "examples" / "quickstart"
FAMILIES = "at_most_words no_commas sentence_count highlights bullets forbidden_words includes_words starts_with"
ROUNDS, UPDATES, PROMPTS, LOOKS = 8, 4, 24, 4
"""So many rounds of so many updates with so many prompts, and how often the held-out prompts are answered."""
STEPS = ROUNDS * UPDATES
EVERY = STEPS // LOOKS
LEARN = ["--learning-rate", "5e-5", "--warmup-steps", "2", "--micro-batch", "8"]
Gain = tuple[float, float, float]
"""A change and its 95 % interval."""
Curve = list[tuple[int, Gain]]
"""After so many updates, the gain."""
STYLES = ("-", "--", ":", "-.")
ALIKE = ["--rubrics", str(EXAMPLE / "rubric.yaml"), "--add"]


def rlra(*words: object) -> None:
    """Run a command of rlra."""
    subprocess.run(["rlra", *map(str, words)], check=True)


def tasks(folder: Path, seed: int) -> tuple[Path, Path]:
    """Write the tasks to train on, and the held-out ones."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, by in (("prompts", seed), ("heldout", 1000)):
        families = [word for family in FAMILIES.split() for word in ("--families", family)]
        made.append(folder / f"{name}.tasks.jsonl")
        prompts = EXAMPLE / f"{name}.jsonl"
        rlra("generate-rubrics", *families, "--max-constraints", 2, prompts, "-o", made[-1], "--seed", by, "--quiet")
    return made[0], made[1]


def staged(folder: Path, seed: int, learn_from: Path) -> float:
    """Train in rounds, and return the seconds that it took."""
    (folder / "rollout.yaml").write_text("max_tokens: 48\n", encoding="utf-8")
    (folder / "select.yaml").write_text('keep: "0.05:0.95"\n', encoding="utf-8")
    made = ["--rollout-options", folder / "rollout.yaml", "--select-options", folder / "select.yaml"]
    steps = ["--prompts-per-step", PROMPTS // UPDATES, "--responses-per-prompt", 4, "--save-every", 0, "--seed", seed]
    often = ["--rounds", ROUNDS, "--prompts-per-round", PROMPTS, "--keep-rounds"]
    rlra("train", learn_from, "-o", folder / "staged", *often, *steps, *LEARN, *ALIKE, *made)
    return sum(
        (one / "model" / "manifest.json").stat().st_mtime - (one / "tasks.jsonl").stat().st_mtime
        for one in (folder / "staged").glob("round-*")
    )


def online(folder: Path, seed: int, learn_from: Path) -> float:
    """Train online, keep the weights of every eighth update, and return the seconds of the steps."""
    run, ended = folder / "online", threading.Event()
    if (run / "manifest.json").exists():
        return _steps(run)
    watch = threading.Thread(target=_keep, args=(run / "checkpoints", folder / "kept", ended))
    watch.start()
    steps = ["--steps", STEPS, "--prompts-per-step", PROMPTS // UPDATES, "--group-size", 8]
    try:
        rlra("train", "--online", learn_from, "-o", run, *steps, "--max-tokens", 48, "--save-every", EVERY,
             "--seed", seed, *LEARN, *ALIKE)  # fmt: skip
    finally:
        ended.set()
        watch.join()
    return _steps(run)


def _steps(run: Path) -> float:
    lines = map(json.loads, (run / "train_log.jsonl").read_text(encoding="utf-8").splitlines())
    return sum(line.get("metrics", {}).get("seconds/step", 0.0) for line in lines)


def _keep(checkpoints: Path, kept: Path, ended: threading.Event) -> None:
    """Copy each checkpoint's model before the next one takes its place."""
    while not ended.wait(1.0):
        for state in checkpoints.glob("checkpoint-*/trainer_state.json"):
            copy = kept / state.parent.name.rpartition("-")[2]
            if not copy.exists():
                partial = kept / "partial"
                rmtree(partial, ignore_errors=True)
                copytree(state.parent, partial, ignore=lambda _, names: [n for n in names if n.endswith(".pt")])
                partial.rename(copy)


def looked_at(folder: Path, way: str) -> dict[int, str]:
    """Return the models that a run left, by their updates."""
    often = range(EVERY, STEPS, EVERY)
    if way == "online":
        return {n: f"hf:{folder / 'kept' / str(n)}" for n in often} | {STEPS: f"hf:{folder / 'online'}"}
    return {n: f"hf:{folder / 'staged' / f'round-{n // UPDATES}' / 'model'}" for n in (*often, STEPS)}


def answered(folder: Path, seed: int, prompts: Path, name: str, model: str) -> Path:
    """Let a model answer the held-out prompts, and return the judged file."""
    rollouts, judged = (folder / f"{name}.{kind}.jsonl" for kind in ("rollouts", "judged"))
    how = ["--group-size", 4, "--no-tokens", "--max-tokens", 48, "--seed", seed, "--model", model]
    if not judged.exists():
        rlra("rollout", prompts, "-o", rollouts, *how, "--quiet")
        rlra("judge", rollouts, *ALIKE, "-o", judged, "--quiet")
    return judged


def gain(report: bytes) -> Gain:
    """Return the mean paired change in reward that `rlra eval` told, and its interval."""
    found = next(one for one in json.loads(report)["measures"] if one["name"] == "reward")
    return found["change"], found["low"], found["high"]


def change(base: Path, judged: Path) -> Gain:
    """Return what `rlra eval` says of the reward: the mean paired change, and its interval."""
    return gain(subprocess.run(["rlra", "eval", base, judged, "--quiet"], check=True, capture_output=True).stdout)


def tokens(judged: Iterable[Path]) -> int:
    """Return how many tokens were sampled to train on."""
    groups = (json.loads(line) for file in judged for line in file.open(encoding="utf-8"))
    return sum(response["length"] for group in groups for response in group["responses"])


def told(way: str, seed: int, seconds: float, sampled: int, curve: Curve) -> Curve:
    """Print what one run learned and how long it took, and return the curve."""
    print(f"{way}, seed {seed}: {seconds / STEPS:.1f} s per update, {sampled:,} tokens sampled")
    for updates, (gain, low, high) in curve:
        print(f"  {updates:3} updates: {gain:+.3f} ({low:+.3f} to {high:+.3f})", flush=True)
    return curve


def drawn(curves: dict[tuple[str, int], Curve], file: Path) -> None:
    """Draw the curve of each way and seed: a colour for each way, or each seed where there is one way."""
    plot = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = plot.subplots()
    ways = sorted({way for way, _ in curves})
    for (way, seed), curve in curves.items():
        x, y = [0, *(updates for updates, _ in curve)], [0.0, *(gain for _, (gain, _, _) in curve)]
        colour, style = f"C{ways.index(way) if len(ways) > 1 else seed}", STYLES[seed % len(STYLES)]
        axes.plot(
            x, y, colour, marker=".", linestyle=style, label=f"{way}, seed {seed}" if len(ways) > 1 else f"seed {seed}"
        )
        _, low, high = curve[-1][1]
        axes.plot([x[-1] + 0.2 * len(axes.lines)] * 2, [low, high], colour, linewidth=2)
    axes.axhline(0, color="gray", linewidth=0.8)
    axes.set(xlabel="updates", ylabel="held-out reward, change")
    axes.legend(frameon=False, fontsize=8)
    plot.savefig(file, metadata={"Date": None})


def main(folder: Path, seeds: list[int]) -> None:
    """Train in rounds with every seed, then online with every seed; print and draw both curves."""
    curves: dict[tuple[str, int], Curve] = {}
    for way in ("rounds", "online"):
        for seed in seeds:
            place = folder / f"seed-{seed}"
            learn_from, prompts = tasks(place, seed)
            seconds = staged(place, seed, learn_from) if way == "rounds" else online(place, seed, learn_from)
            base = answered(place, seed, prompts, "base", "smollm2")
            curve = [
                (updates, change(base, answered(place, seed, prompts, f"{way}.{updates}", model)))
                for updates, model in looked_at(place, way).items()
            ]
            files = (
                (place / "staged").glob("round-*/rollouts.jsonl")
                if way == "rounds"
                else [place / "online" / "judged.jsonl"]
            )
            curves[way, seed] = told(way, seed, seconds, tokens(files), curve)
            drawn(curves, folder / "curves.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(word) for word in sys.argv[2:]] or [0])
