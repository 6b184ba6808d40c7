"""Which word of one prompt answers to which word of another. Pure; works on token ids."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

# Needleman & Wunsch 1970 with the scores that prompt-to-prompt editing uses: a gap costs nothing, so words may be put in.
MATCH, MISMATCH, GAP = 1, -1, 0


def align(source: Sequence[int], target: Sequence[int]) -> tuple[int, ...]:
    """Return for each target token the index of the equal source token that it is aligned with, or -1."""
    score = _scores(source, target)
    pairs = [-1] * len(target)
    i, j = len(source), len(target)
    while i and j:
        same = source[i - 1] == target[j - 1]
        if same and score[i][j] == score[i - 1][j - 1] + MATCH:
            pairs[j - 1] = i - 1
            i, j = i - 1, j - 1
        elif score[i][j] == score[i][j - 1] + GAP:
            j -= 1
        elif score[i][j] == score[i - 1][j] + GAP:
            i -= 1
        else:
            i, j = i - 1, j - 1
    return tuple(pairs)


def replaced(source: Sequence[int], pairs: Sequence[int], targets: Sequence[int]) -> tuple[int, ...]:
    """Return the source tokens that gave way to the given target tokens: those between the neighbours that stayed."""
    kept = [(-1, -1), *((j, i) for j, i in enumerate(pairs) if i >= 0), (len(pairs), len(source))]
    gone: set[int] = set()
    for (left_j, left_i), (right_j, right_i) in pairwise(kept):
        if any(left_j < j < right_j for j in targets):
            gone.update(range(left_i + 1, right_i))
    return tuple(sorted(gone))


def _scores(source: Sequence[int], target: Sequence[int]) -> list[list[int]]:
    score = [[0] * (len(target) + 1) for _ in range(len(source) + 1)]
    for i in range(1, len(source) + 1):
        for j in range(1, len(target) + 1):
            step = MATCH if source[i - 1] == target[j - 1] else MISMATCH
            score[i][j] = max(score[i - 1][j - 1] + step, score[i - 1][j] + GAP, score[i][j - 1] + GAP)
    return score
