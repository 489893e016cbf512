"""Which approved answers might fit a question, and how surely."""

import os

# Read when numpy is first imported. More threads gain nothing on so little, and those that wait
# spin: on a busy machine a start took four times as long, a question twice.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
