"""PURE: the weights that the modules of `bench/fit` fitted, and the choice of an option by them."""

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from math import exp
from typing import Protocol, TypeVar


class Option(Protocol):
    """An option with the names of its features."""

    @property
    def features(self) -> Sequence[str]: ...


class Weights(dict[str, float]):
    """The weight of each feature: 0 for one that was not fitted."""

    def __missing__(self, feature: str) -> float:
        return 0.0


T = TypeVar("T", bound=Option)


@cache
def load_weights(name: str) -> Weights:
    """Return the fitted weight of each feature, from `weights/NAME.json`."""
    text = resources.files(__package__).joinpath("weights", f"{name}.json").read_text("utf-8")
    return Weights(json.loads(text)["weights"])


def choose_likeliest(name: str, options: Sequence[T]) -> tuple[T, float]:
    """Return the likeliest option by the weights `name`, and its probability."""
    weigh = load_weights(name).__getitem__
    sums = [sum(map(weigh, option.features)) for option in options]
    most = max(sums)
    return options[sums.index(most)], 1 / sum([exp(each - most) for each in sums])
