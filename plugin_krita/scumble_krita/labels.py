"""Small widgets of the panel. Every text is shown as it is: names and sentences can come from a stranger's file."""

from __future__ import annotations

import html

from .qt import QHBoxLayout, QLabel, QLayout, Qt, QWidget


def label(text: str = "") -> QLabel:
    """Make a label that reads no markup: Qt would load the picture that a layer's name asks for, from the network too."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    return made


def hint(text: str) -> str:
    """Return a tooltip that shows the text as it is: tooltips know no plain text, so it is escaped and marked as rich."""
    return f"<qt>{html.escape(text)}</qt>"


def faint(text: str) -> QLabel:
    """Make a label for what is said while there is nothing to show."""
    made = label(text)
    made.setWordWrap(True)
    made.setEnabled(False)
    return made


def line() -> tuple[QWidget, QHBoxLayout]:
    """Make one row of a list, and its layout."""
    made = QWidget()
    layout = QHBoxLayout(made)
    layout.setContentsMargins(4, 0, 0, 0)
    layout.setSpacing(2)
    return made, layout


def emptied(layout: QLayout) -> None:
    """Take every widget out of a layout."""
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()
