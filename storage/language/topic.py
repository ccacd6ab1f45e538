"""PURE: whether a paragraph belongs to the topic of its text."""

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from sys import intern

from storage.language.word_lists import tokens_of, word_list

_SHARED_ARE_A_TOPIC = 2
_SHORTEST = 4
_FEWEST_PARAGRAPHS = 3
_ANYWHERE = word_list("of_any_topic")


def are_apart(words: AbstractSet[str], others: Iterable[AbstractSet[str]]) -> bool:
    """Check whether a paragraph shares almost no noun, name or number with the rest of a text.

    Background that articles of one story share contains their topic; an invitation to a newsletter
    does not. Both arguments are `topical` words.

    >>> story = [topical("Brand im Öllager"), topical("Das Öllager von Rostow brennt seit Montag.")]
    >>> are_apart(topical("Der Brand im Öllager brach am Montag aus."), story)
    False
    >>> are_apart(topical("Melden Sie sich jetzt für unseren Newsletter an."), story)
    True
    """
    shared: set[str] = set()
    enough = min(_SHARED_ARE_A_TOPIC, len(words))
    for other in others:
        if not words.isdisjoint(other):
            shared |= words & other
            if len(shared) >= enough:
                return False
    return True


def have_topic(words: Sequence[AbstractSet[str]]) -> bool:
    """Check whether paragraphs, given as `topical` words, have a common topic.

    If most of them do not, as in a list of short items, no paragraph is off topic. Two paragraphs
    are too few for a decision; the result is true.

    >>> one = ["Die Lohe steigt.", "Der Damm an der Lohe hält.", "Am Damm steht die Wehr."]
    >>> many = ["Die Lohe steigt.", "Der Zug hält nicht.", "Karten gibt es an der Kasse."]
    >>> have_topic([topical(each) for each in one]), have_topic([topical(each) for each in many])
    (True, False)
    """
    counted = Counter(chain.from_iterable(words))
    alone = sum(1 for each in words if all(counted[word] == 1 for word in each))
    return len(words) < _FEWEST_PARAGRAPHS or 2 * alone <= len(words)


def topical(text: str) -> frozenset[str]:
    """Return the capitalised words and the numbers of a text, without very common ones."""
    found: set[str] = set()
    for token in tokens_of(text):
        if not token or not (token[0].isupper() or token[0].isdigit()):
            continue
        word = token.casefold()
        if (len(word) >= _SHORTEST or word[0].isdigit()) and word not in _ANYWHERE:
            found.add(intern(word.removesuffix("s")))
    return frozenset(found)
