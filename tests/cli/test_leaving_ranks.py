"""A rank that is done takes leave of the others, instead of leaving its threads to the end of the interpreter."""

import subprocess
import sys
from pathlib import Path

from schemas.jsonl import to_line
from tests.cli.test_accelerate import TRAIN
from tests.running import PATIENCE_S, environment
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

RUN = """
import sys
import torch.distributed as distributed
from rlra_cli.main import main
joined = []
join = distributed.init_process_group
def init_process_group(*args, **more):
    joined.append(1)
    return join(*args, **more)
distributed.init_process_group = init_process_group
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
assert joined, "it has joined no group"
assert not distributed.is_initialized(), "it has not left the group"
"""


def test_a_run_under_a_launcher_ends_outside_of_every_group(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "tiny")
    (tmp_path / "judged.jsonl").write_bytes(b"".join(map(to_line, sampled(folder, 4))))
    alone = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, *TRAIN, "-o", "run"],
        cwd=tmp_path,
        env=environment(**alone, MASTER_PORT="0"),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "run" / "manifest.json").exists()
