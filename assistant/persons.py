"""Whether a message asks for a person where the expressions of `intents/` do not tell.

A logistic model on the question's vector, learned by `python -m tests.tuning.persons` for one
encoder. An index without that encoder has the expressions alone.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from retriever.embeddings import Vectors
from retriever.index import Index
from retriever.search import question_vector


@dataclass(frozen=True)
class Learned:
    """The model: a vector whose score passes the bar asks for a person."""

    encoder: str
    bar: float
    bias: float
    weights: Vectors


def wants_person(index: Index, question: str) -> bool:
    """Whether the judge is sure that a person is asked for; never without its encoder."""
    model = learned()
    vector = question_vector(index, question, model.encoder)
    return vector is not None and float(vector @ model.weights) + model.bias > model.bar


@cache
def learned() -> Learned:
    """As shipped."""
    found = json.loads((files("assistant") / "persons.json").read_text("utf-8"))
    return Learned(**found | {"weights": np.array(found["weights"], np.float32)})
