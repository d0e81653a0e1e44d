"""The libraries that train speak of themselves; stderr is for what `rlra train` says."""

import logging
import os
import warnings


def quiet_libraries() -> None:
    """Keep progress bars and notices of the libraries out of stderr; their errors still come through."""
    os.environ.update(TOKENIZERS_PARALLELISM="false", HF_HUB_DISABLE_PROGRESS_BARS="1", TRL_EXPERIMENTAL_SILENCE="1")
    warnings.filterwarnings("ignore")
    import datasets
    import transformers

    transformers.utils.logging.set_verbosity_error()
    logging.getLogger("trl").setLevel(logging.ERROR)  # it would print the task of every response without a reward
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
