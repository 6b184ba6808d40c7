"""Names that the probe defines once inside Krita; tests then ask in short sentences. Runs in Krita's Python, never in ours."""

import sys

from krita import Krita
from PyQt5.QtCore import QByteArray, QPoint, QPointF
from PyQt5.QtWidgets import QApplication, QScrollArea, QWidget  # noqa: F401 (for what tests ask)

app = Krita.instance()


def docker():
    return next(one for one in app.dockers() if one.objectName() == "scumble")


def panel():
    return docker().findChild(QWidget, "ScumblePanel")


def widget(name):
    found = [one for one in docker().findChildren(QWidget, name) if one.isVisible()]
    return found[0] if found else None


def middle(name):
    """Return the middle of a visible widget of the docker, on the screen; one in a list is scrolled to, as a person would."""
    one = widget(name)
    if one is None:
        return None
    for area in docker().findChildren(QScrollArea):
        if area.isAncestorOf(one):
            area.ensureWidgetVisible(one, 0, 0)
    at = one.mapToGlobal(one.rect().center())
    return at.x(), at.y()


def canvas_widget():
    names = ("KisQPainterCanvas", "KisOpenGLCanvas2")
    window = app.activeWindow().qwindow()
    return next(w for w in window.findChildren(QWidget) if w.metaObject().className() in names and w.isVisible())


def on_screen(x, y):
    """Return where a document pixel is on the screen, found by our own map."""
    view = sys.modules["scumble_krita.view"]
    at = view.to_widget(app.activeWindow().activeView(), canvas_widget()).map(QPointF(x, y))
    there = canvas_widget().mapToGlobal(QPoint(round(at.x()), round(at.y())))
    return there.x(), there.y()


def layers(parent=None):
    """Return [name, type, visible] of every layer, bottom first."""
    found = []
    for node in (parent or app.activeDocument().rootNode()).childNodes():
        found.append([node.name(), node.type(), node.visible()])
        found += layers(node)
    return found


def node(name, parent=None):
    for one in (parent or app.activeDocument().rootNode()).childNodes():
        inside = one if one.name() == name else node(name, one)
        if inside is not None:
            return inside
    return None


def pixels(name, *box):
    return bytes(node(name).pixelData(*box))


def seen(*box):
    document = app.activeDocument()
    document.refreshProjection()
    document.waitForDone()
    return bytes(document.pixelData(*box))


def new(width, height, model="RGBA", depth="U8", profile="sRGB-elle-V2-srgbtrc.icc", resolution=72.0, pixel=None):
    """Open a new document in a view, filled with one raw pixel."""
    document = app.createDocument(width, height, "Test", model, depth, profile, resolution)
    document.setBatchmode(True)
    if pixel is not None:
        document.topLevelNodes()[0].setPixelData(QByteArray(bytes(pixel) * (width * height)), 0, 0, width, height)
    app.activeWindow().addView(document)
    document.refreshProjection()


def open_file(path):
    document = app.openDocument(path)
    document.setBatchmode(True)
    app.activeWindow().addView(document)


def deselect():
    """Drop a selection that a test made by script: Krita 5.1.5 crashes when it is closed with one."""
    document = app.activeDocument()
    if document is not None and document.selection() is not None:
        app.action("deselect").trigger()
        document.waitForDone()
        return True
    return False


def close_all():
    for document in app.documents():
        document.waitForDone()
        document.setModified(False)
        document.close()


def state():
    """Return what the docker shows."""
    shown = panel()
    return {
        "message": shown.message.text() if shown.message.isVisible() else "",
        "engine": shown.engine.text(),
        "phase": shown.engine.property("phase"),
        "working": shown.progress.format() if shown.progress.isVisible() else "",
        "cues": [row.text for row in shown._cues or []],
        "layers": [[row.key, row.name, row.stale] for row in shown._layers or []],
        "tool": next((name for name, one in shown.tool_buttons.items() if one.isChecked()), ""),
    }
