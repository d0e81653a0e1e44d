"""The wheel: exactly three packages, and a toolkit that works where nothing else of the project lies."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import orjson
import pytest

from tests.contract.material import RUBRIC_YAML, rollouts
from tests.running import environment, lines

ROOT = Path(__file__).parents[2]
PACKAGES = ("rlra_cli", "schemas", "stages")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of the tree as it stands."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment that holds the wheel; what it depends on is lent by ours.

    The wheel is installed first, and for what is lent a `.pth` file names our folder: `.pth` files in
    there, such as that of an editable install of the project, are not read.
    """
    folder = tmp_path_factory.mktemp("clean") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run(
        [*pip, str(wheel)], check=True, timeout=120, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    )
    (site,) = folder.glob("lib/python3*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def text(wheel: Path, end: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith(end))).decode()


def test_the_wheel_holds_three_packages_and_nothing_else(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in names(wheel)}
    info = {top for top in tops if top.endswith(".dist-info")}
    assert tops - info == set(PACKAGES)
    assert len(info) == 1
    assert wheel.name.endswith("-py3-none-any.whl")


def test_every_file_of_the_packages_is_in_it_and_no_leftover(wheel: Path) -> None:
    """Prompts and report templates are read at run time: a wheel without them builds, installs, and fails later."""
    tree = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shipped = {name for name in names(wheel) if ".dist-info/" not in name}
    assert shipped == tree
    assert {Path(name).suffix for name in shipped} == {".py", ".md", ".j2"}
    assert [name for name in shipped if name.startswith("stages/prompts/") and name.endswith(".md")]
    assert [name for name in shipped if name.startswith("stages/reports/") and name.endswith(".j2")]


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    metadata = text(wheel, ".dist-info/METADATA")
    assert "\nName: rlra\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert "\nRequires-Dist: trl<1.17,>=1.16\n" in metadata
    assert "rlra = rlra_cli.main:main" in text(wheel, ".dist-info/entry_points.txt")
    assert any(name.endswith("/licenses/LICENSE") for name in names(wheel))


def run(python: Path, folder: Path, *words: str) -> str:
    """Run the installed `rlra` in `folder` and return stdout."""
    command = [str(python.with_name("rlra")), *words]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment(), timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_runs_is_what_the_wheel_installed(python: Path, tmp_path: Path) -> None:
    program = f"import {', '.join(PACKAGES)}, stages.judge, sys; print([m.__file__ for m in ({', '.join(PACKAGES)})])"
    command = [str(python), "-c", program + "; print([p for p in sys.path])"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment(), check=True)
    files, path = done.stdout.splitlines()
    assert files.count(str(python.parents[1])) == len(PACKAGES)
    assert str(ROOT) + "'" not in path


def test_the_installed_command_helps(python: Path, tmp_path: Path) -> None:
    said = run(python, tmp_path, "--help")
    assert "generate-rubrics" in said
    assert "judge" in said
    assert run(python, tmp_path, "--version").strip() == "0.1.0"
    assert "--rubrics" in run(python, tmp_path, "judge", "--help")


def test_the_installed_command_judges_and_validates(python: Path, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(lines(rollouts("sea"), rollouts("garden")))
    (tmp_path / "rubric.yaml").write_text(RUBRIC_YAML)
    run(python, tmp_path, "judge", "in.jsonl", "-o", "judged.jsonl", "--rubrics", "rubric.yaml")
    made = [orjson.loads(line) for line in (tmp_path / "judged.jsonl").read_bytes().splitlines()]
    assert [line["id"] for line in made] == ["sea", "garden"]
    assert all(response["reward"] is not None for line in made for response in line["responses"])
    run(python, tmp_path, "validate", "in.jsonl", "judged.jsonl", "rubric.yaml")


def test_prompts_and_templates_are_found_where_they_were_installed(python: Path, tmp_path: Path) -> None:
    """`eval --html` fills a Jinja2 template; the judge's prompt comes from a text file."""
    (tmp_path / "in.jsonl").write_bytes(lines(rollouts("sea"), rollouts("garden"), rollouts("clock")))
    (tmp_path / "rubric.yaml").write_text(RUBRIC_YAML)
    for name in ("base", "new"):
        run(python, tmp_path, "judge", "in.jsonl", "-o", f"{name}.jsonl", "--rubrics", "rubric.yaml")
    run(python, tmp_path, "eval", "BASE=base.jsonl", "NEW=new.jsonl", "-o", "report.jsonl", "--html", "report.html")
    assert "</html>" in (tmp_path / "report.html").read_text()
    command = [str(python), "-c", "from stages.judge_prompt import prompt_for; print(prompt_for('text').text)"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment(), check=True)
    assert "$criteria" in done.stdout
