"""Score candidates with logistic models whose weights are stored in data files."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

Features = Mapping[str, float]
"""Values by feature name; most are 1 or absent."""

_MIN_LOGITS = 0.5


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic model; candidates with a probability of at least `threshold` are accepted.

    >>> Model({"h1": 2.0}, -1.0, 0.5).probability({"h1": 1.0}) > 0.7
    True
    """

    weights: Mapping[str, float]
    bias: float
    threshold: float

    def probability(self, features: Features) -> float:
        """Return the probability that a candidate with these features is right, from 0 to 1."""
        score = self.bias
        for name, value in features.items():
            score += self.weights.get(name, 0.0) * value
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))

    def explain(self, features: Features) -> tuple[str, ...]:
        """Return the names of the features with an effect, the strongest first, with their signs.

        >>> Model({"h1": 2.0, "long": -1.0}, 0.0, 0.5).explain({"h1": 1, "long": 1})
        ('+h1', '-long')
        """
        effects = {name: self.weights.get(name, 0.0) * value for name, value in features.items()}
        names = [name for name in effects if abs(effects[name]) >= _MIN_LOGITS]
        names.sort(key=lambda name: (-abs(effects[name]), name))
        return tuple(f"{'+' if effects[name] > 0 else '-'}{name}" for name in names)


@lru_cache(maxsize=8)
def load_model(name: str) -> Model:
    """Return the fitted model `name`; its file records the accuracy on unused folds."""
    return model_from_json(
        json.loads((files(__package__) / "weights" / f"{name}.json").read_text("utf-8"))
    )


def model_from_json(values: Mapping[str, Any]) -> Model:
    """Return the model in a JSON object."""
    return Model(values["weights"], values["bias"], values["threshold"])
