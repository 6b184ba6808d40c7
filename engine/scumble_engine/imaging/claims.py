"""Whose pixels are whose, where several handles hold things: shapes (h, w) and seeds in their pixels. Winner takes all, no averages."""

from __future__ import annotations

import cv2
import numpy as np
from scumble_protocol.geometry import Bounds, Point

from .arrays import Array, Bools


def holds(thing: Bools, seed: Point) -> bool:
    return bool(thing[min(int(seed.y), thing.shape[0] - 1), min(int(seed.x), thing.shape[1] - 1)])


def swallowed(things: list[Bools], seeds: list[Point]) -> list[tuple[int, int]]:
    """Return (greedy, swallowed): a thing that took in another's handle, though that other's thing left its own handle out."""
    count = range(len(seeds))
    return [
        (one, other)
        for one in count
        for other in count
        if one != other and holds(things[one], seeds[other]) and not holds(things[other], seeds[one])
    ]


def joined(things: list[Bools], seeds: list[Point]) -> list[tuple[Bools, list[int]]]:
    """Unite things that lie on each other's handles."""
    groups: list[tuple[Bools, list[int]]] = []
    for number, (thing, seed) in enumerate(zip(things, seeds, strict=True)):
        home = next((group for group in groups if holds(group[0], seed)), None)
        if home is None:
            groups.append((thing.copy(), [number]))
        else:
            np.logical_or(home[0], thing, out=home[0])
            home[1].append(number)
    return groups


def settle(things: list[tuple[Bools, list[int]]], seeds: list[Point]) -> None:
    """Give pixels that two things claim to the one whose handle is nearer (winner takes all, never an average)."""
    if len(things) < 2:
        return
    rows, columns = np.indices(things[0][0].shape)
    away = np.stack(
        [np.min([np.hypot(columns - seeds[n].x, rows - seeds[n].y) for n in handles], axis=0) for _, handles in things]
    )
    claimed = np.stack([thing for thing, _ in things])
    winner = np.argmin(np.where(claimed, away, np.inf), axis=0)
    for number, (thing, _) in enumerate(things):
        thing &= winner == number


def owners_of(labels: Array, count: int, starts: list[Point], bounds: Bounds) -> dict[int, tuple[int, ...]]:
    """Say which handles move each labelled piece."""
    distances = np.full((count, len(starts)), np.inf)
    for label in range(1, count):
        away = cv2.distanceTransform((labels != label).astype(np.uint8), cv2.DIST_L2, 5)
        for number, start in enumerate(starts):
            column = min(max(int(start.x) - bounds.x, 0), bounds.width - 1)
            row = min(max(int(start.y) - bounds.y, 0), bounds.height - 1)
            outside = start.distance(Point(column + bounds.x + 0.5, row + bounds.y + 0.5))
            distances[label, number] = float(away[row, column]) + max(0.0, outside - 1.0)
    piece_of = {number: int(np.argmin(distances[:, number])) for number in range(len(starts))}
    owned = {label: tuple(n for n, piece in piece_of.items() if piece == label) for label in range(1, count)}
    for label, handles in owned.items():
        if not handles:
            nearest = int(np.argmin(distances[label]))
            owned[label] = owned[piece_of[nearest]]
    return owned
