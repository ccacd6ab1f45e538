"""Weigh evidence: score a candidate by a small additive model whose weights lie in a data file."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

Features = Mapping[str, float]
"""What speaks for or against a candidate: names of features, most of them 1 or absent."""

_FEWEST_LOGITS = 0.5


@dataclass(frozen=True, slots=True)
class Model:
    """An additive score: what is above `threshold` is taken.

    >>> Model({"h1": 2.0}, -1.0, 0.5).probability({"h1": 1.0}) > 0.7
    True
    """

    weights: Mapping[str, float]
    bias: float
    threshold: float

    def probability(self, features: Features) -> float:
        """Return how likely a candidate with these features is right, from 0 to 1."""
        score = self.bias
        for name, value in features.items():
            score += self.weights.get(name, 0.0) * value
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))

    def why(self, features: Features) -> tuple[str, ...]:
        """Return the features that spoke, the strongest first, each with its sign.

        >>> Model({"h1": 2.0, "long": -1.0}, 0.0, 0.5).why({"h1": 1, "long": 1})
        ('+h1', '-long')
        """
        spoke = {name: self.weights.get(name, 0.0) * value for name, value in features.items()}
        names = [name for name in spoke if abs(spoke[name]) >= _FEWEST_LOGITS]
        names.sort(key=lambda name: (-abs(spoke[name]), name))
        return tuple(f"{'+' if spoke[name] > 0 else '-'}{name}" for name in names)


@lru_cache(maxsize=8)
def model(name: str) -> Model:
    """Return the fitted model of a choice; its file says how right it was on unused folds."""
    return unpacked(
        json.loads((files(__package__) / "weights" / f"{name}.json").read_text("utf-8"))
    )


def unpacked(packed: Mapping[str, Any]) -> Model:
    """Return the model that an object of JSON holds."""
    return Model(packed["weights"], packed["bias"], packed["threshold"])
