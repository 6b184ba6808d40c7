"""What the docker looks like. It shows what it is told and says what was pressed; it knows neither Krita nor the engine."""

from __future__ import annotations

from dataclasses import dataclass

from .icons import icon
from .labels import emptied, faint, hint, label, line
from .qt import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPalette,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSize,
    QSizePolicy,
    Qt,
    QToolButton,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
)
from .words import say

TOOLS = ("drag", "add", "subtract", "color")
TOOL_NAMES = {"drag": "Drag", "add": "Add", "subtract": "Remove", "color": "Colour"}
TOOL_HINTS = {
    "drag": "Press on a point of the picture, pull it where it should go, and release",
    "add": "Paint what should appear, with any of Krita's brushes",
    "subtract": "Paint over what should go, with any of Krita's brushes",
    "color": "Paint in the colour that something should have",
}
DOTS = {"off": "#8a8a8a", "starting": "#e0a030", "ready": "#3fb868", "busy": "#4a90e2", "failed": "#e2483d"}
GOOD, TROUBLE = "rgba(63, 184, 104, 50)", "rgba(226, 72, 61, 70)"
ASK = "Say what should change"


@dataclass(frozen=True)
class CueRow:
    """A cue that was placed; `key` comes back when it is removed."""

    key: str
    text: str
    removable: bool = True


@dataclass(frozen=True)
class LayerRow:
    """One of this document's Scumble layers."""

    key: str
    name: str
    stale: bool = False


class Panel(QWidget):
    tool_chosen = pyqtSignal(str)  # "" when the tool that was on is switched off
    edit_pressed = pyqtSignal()
    cancel_pressed = pyqtSignal()
    cue_removed = pyqtSignal(str)
    grab_chosen = pyqtSignal(bool)
    rerun_pressed = pyqtSignal(str)
    change_pressed = pyqtSignal(str)
    stop_pressed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ScumblePanel")
        self._cues: list[CueRow] | None = None
        self._layers: list[LayerRow] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(7)
        column.addWidget(self._edited_line())
        column.addLayout(self._tool_row())
        column.addWidget(self._words_line())
        column.addWidget(self._cue_box())
        column.addWidget(self._grab_box())
        column.addLayout(self._edit_row())
        column.addWidget(self._message_line())
        column.addWidget(self._layer_box(), 1)
        column.addLayout(self._engine_row())
        self.show_cues([])
        self.show_layers([])
        self.show_job(None)
        self.show_engine("off", say("Engine off: it starts with the first edit"))

    # ---- building ---------------------------------------------------------------------------------------------------

    def _edited_line(self) -> QLabel:
        self.edited = faint("")
        self.edited.setObjectName("ScumbleEdited")
        self.edited.hide()
        return self.edited

    def _tool_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self._tools = QButtonGroup(self)
        self._tools.setExclusive(False)
        self.tool_buttons: dict[str, QToolButton] = {}
        for name in TOOLS:
            button = self._tool_button(name)
            button.clicked.connect(lambda on, name=name: self.tool_chosen.emit(name if on else ""))
            self.tool_buttons[name] = button
            row.addWidget(button)
        return row

    def _tool_button(self, name: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"ScumbleTool-{name}")
        button.setCheckable(True)
        button.setIcon(icon(name, self.palette().color(QPalette.ColorRole.ButtonText)))
        button.setIconSize(QSize(22, 22))
        button.setText(say(TOOL_NAMES[name]))
        button.setToolTip(hint(say(TOOL_HINTS[name])))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setStyleSheet(
            "QToolButton:checked { background: palette(highlight); color: palette(highlighted-text); }"
        )
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return button

    def _words_line(self) -> QLineEdit:
        self.words = QLineEdit()
        self.words.setObjectName("ScumbleWords")
        self.words.setPlaceholderText(say(ASK))
        self.words.setClearButtonEnabled(True)
        self.words.setMinimumHeight(28)
        self.words.returnPressed.connect(self.edit_pressed)
        return self.words

    def _cue_box(self) -> QWidget:
        box = QWidget()
        box.setObjectName("ScumbleCues")
        self._cue_column = QVBoxLayout(box)
        self._cue_column.setContentsMargins(0, 0, 0, 0)
        self._cue_column.setSpacing(1)
        return box

    def _grab_box(self) -> QCheckBox:
        self.holds = QCheckBox(say("Selection is what moves"))
        self.holds.setObjectName("ScumbleGrab")
        self.holds.setToolTip(
            hint(say("On: the handles move what is selected. Off: only what is selected may change."))
        )
        self.holds.toggled.connect(self.grab_chosen)
        self.holds.hide()
        return self.holds

    def _edit_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.edit = QPushButton(say("Edit"))
        self.edit.setObjectName("ScumbleEdit")
        self.edit.setMinimumHeight(34)
        bold = self.edit.font()
        bold.setBold(True)
        self.edit.setFont(bold)
        self.edit.setStyleSheet("QPushButton { background: palette(highlight); color: palette(highlighted-text); }")
        self.edit.clicked.connect(lambda _: self.edit_pressed.emit())
        self.progress = QProgressBar()
        self.progress.setObjectName("ScumbleProgress")
        self.progress.setMinimumHeight(34)
        self.progress.setRange(0, 1000)
        self.cancel = QPushButton(say("Cancel"))
        self.cancel.setObjectName("ScumbleCancel")
        self.cancel.setMinimumHeight(34)
        self.cancel.clicked.connect(lambda _: self.cancel_pressed.emit())
        row.addWidget(self.edit)
        row.addWidget(self.progress, 1)
        row.addWidget(self.cancel)
        return row

    def _message_line(self) -> QLabel:
        self.message = label()
        self.message.setObjectName("ScumbleMessage")
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.message.hide()
        return self.message

    def _layer_box(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(3)
        self._layer_title = label(say("Scumble layers"))
        column.addWidget(self._layer_title)
        inside = QWidget()
        self._layer_column = QVBoxLayout(inside)
        self._layer_column.setContentsMargins(0, 0, 0, 0)
        self._layer_column.setSpacing(1)
        scroll = QScrollArea()
        scroll.setObjectName("ScumbleLayers")
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setMinimumHeight(58)
        scroll.setWidget(inside)
        column.addWidget(scroll, 1)
        return box

    def _engine_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self._dot = label()
        self._dot.setFixedSize(10, 10)
        self.engine = label()
        self.engine.setObjectName("ScumbleEngine")
        self.engine.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self._dot)
        row.addWidget(self.engine, 1)
        self.stop = self._small_button(
            "stop", say("Stop the engine and free its memory; the next edit starts it again")
        )
        self.stop.setObjectName("ScumbleStop")
        self.stop.clicked.connect(lambda _: self.stop_pressed.emit())
        row.addWidget(self.stop)
        return row

    # ---- showing ----------------------------------------------------------------------------------------------------

    def show_edited(self, text: str) -> None:
        """Say what the next edit is about; "" takes it away."""
        if self.edited.text() != text:
            self.edited.setText(text)
            self.edited.setVisible(bool(text))

    def show_tool(self, name: str) -> None:
        """Press the button of this tool ("" = of none) without telling anybody."""
        for tool, button in self.tool_buttons.items():
            button.setChecked(tool == name)

    def show_cues(self, rows: list[CueRow]) -> None:
        """List what has been placed."""
        if rows == self._cues:
            return
        self._cues = rows
        emptied(self._cue_column)
        for row in rows:
            self._cue_column.addWidget(self._cue_row(row))
        if not rows:
            self._cue_column.addWidget(faint(say("Drag a point, paint, or write what should change.")))

    def _cue_row(self, row: CueRow) -> QWidget:
        made, layout = line()
        name = label(row.text)
        name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout.addWidget(name, 1)
        if row.removable:
            button = self._small_button("remove", say("Remove this"))
            button.setObjectName(f"ScumbleRemove-{row.key}")
            button.clicked.connect(lambda _, key=row.key: self.cue_removed.emit(key))
            layout.addWidget(button)
        return made

    def show_grab(self, offered: bool) -> None:
        """Offer the choice of what a selection means, or not."""
        self.holds.setVisible(offered)

    def show_guess(self, words: tuple[str, ...]) -> None:
        """Put the likeliest guess of what was drawn where the painter writes."""
        guess = say("{word}? Say what should change", word=words[0]) if words else say(ASK)
        if self.words.placeholderText() != guess:
            self.words.setPlaceholderText(guess)

    def show_job(self, text: str | None, fraction: float = 0.0) -> None:
        """Show how far the edit is, with Cancel; None: show the Edit button."""
        working = text is not None
        self.edit.setVisible(not working)
        self.progress.setVisible(working)
        self.cancel.setVisible(working)
        if text is not None:
            self.progress.setFormat(text)
            self.progress.setValue(round(fraction * 1000))

    def show_message(self, text: str, trouble: bool = False) -> None:
        """Show a sentence; "" takes it away."""
        color = TROUBLE if trouble else GOOD
        self.message.setStyleSheet(f"QLabel {{ background: {color}; border-radius: 3px; padding: 4px 7px; }}")
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def show_engine(self, phase: str, text: str) -> None:
        """Show the engine's state: "off", "starting", "ready", "busy" or "failed"; one that runs can be stopped."""
        if self.engine.text() != text or self.engine.property("phase") != phase:
            self._dot.setStyleSheet(f"background: {DOTS[phase]}; border-radius: 5px;")
            self.engine.setText(text)
            self.engine.setToolTip(hint(text))
            self.engine.setProperty("phase", phase)
            self.stop.setVisible(phase in ("ready", "busy"))

    def show_layers(self, rows: list[LayerRow]) -> None:
        """List the document's Scumble layers, the topmost first."""
        if rows == self._layers:
            return
        self._layers = rows
        emptied(self._layer_column)
        for row in rows:
            self._layer_column.addWidget(self._layer_row(row))
        if not rows:
            self._layer_column.addWidget(faint(say("Each edit becomes a layer, listed here.")))
        self._layer_column.addStretch(1)

    def _layer_row(self, row: LayerRow) -> QWidget:
        made, layout = line()
        name = label(row.name)
        name.setToolTip(hint(row.name))
        name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout.addWidget(name, 1)
        if row.stale:
            mark = label(say("stale"))
            mark.setObjectName(f"ScumbleStale-{row.key}")
            mark.setToolTip(hint(say("What lies beneath has changed since this layer was made: run it again.")))
            mark.setStyleSheet(f"color: {DOTS['starting']};")
            layout.addWidget(mark)
        again = self._small_button("rerun", say("Run again: makes the layer anew from the same cues"))
        again.setObjectName(f"ScumbleRerun-{row.key}")
        again.clicked.connect(lambda _, key=row.key: self.rerun_pressed.emit(key))
        change = self._small_button("change", say("Change: brings its cues and words back, to alter and edit again"))
        change.setObjectName(f"ScumbleChange-{row.key}")
        change.clicked.connect(lambda _, key=row.key: self.change_pressed.emit(key))
        layout.addWidget(again)
        layout.addWidget(change)
        return made

    def _small_button(self, name: str, says: str) -> QToolButton:
        button = QToolButton()
        button.setAutoRaise(True)
        button.setIcon(icon(name, self.palette().color(QPalette.ColorRole.ButtonText)))
        button.setIconSize(QSize(14, 14))
        button.setToolTip(hint(says))
        return button
