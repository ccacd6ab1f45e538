"""PURE: the weights that the modules of `bench/fit` fitted, and the choice of an option by them."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from math import exp
from typing import Protocol, TypeVar


class Option(Protocol):
    """An option with the names of its features."""

    @property
    def features(self) -> Sequence[str]: ...


T = TypeVar("T", bound=Option)


@cache
def load_weights(name: str) -> Mapping[str, float]:
    """Return the fitted weight of each feature, from `weights/NAME.json`."""
    text = resources.files(__package__).joinpath("weights", f"{name}.json").read_text("utf-8")
    fitted: dict[str, float] = json.loads(text)["weights"]
    return fitted


def choose_likeliest(name: str, options: Sequence[T]) -> tuple[T, float]:
    """Return the likeliest option by the weights `name`, and its probability."""
    weigh = load_weights(name).get
    sums = [sum([weigh(each, 0.0) for each in option.features]) for option in options]
    most = max(sums)
    return options[sums.index(most)], 1 / sum([exp(each - most) for each in sums])
