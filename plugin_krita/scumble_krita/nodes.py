"""Finding documents and layers by their ids, and what is kept with a document: recipes and which layers are our helpers.

Wrappers of Krita's documents and nodes are never kept: Krita crashes at quit when one outlives its document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from krita import Document, Krita, Node
from scumble_protocol.errors import RequestError

from .qt import QByteArray, QTimer, transferback
from .words import say

RECIPE = "scumble/recipe/"
SOURCE = "scumble/source/"
HELPERS = "scumble/helpers"
ACTIVATION_MS = 30


def id_of(node: Node) -> str:
    return str(node.uniqueId().toString())


def document_id(document: Document) -> str:
    return id_of(document.rootNode())


def active_document() -> Document:
    """Return the document the painter works in. Raises RequestError when there is none."""
    document = Krita.instance().activeDocument()
    if document is None:
        raise RequestError(say("No document is open: open or create one first."), "no-document")
    return document


def find_document(wanted: str) -> Document | None:
    return next((one for one in Krita.instance().documents() if document_id(one) == wanted), None)


def open_document(wanted: str) -> Document:
    """Return the document with this id. Raises RequestError when it was closed."""
    document = find_document(wanted)
    if document is None:
        raise RequestError(say("The document was closed, so there is nowhere to put the layer."), "document-gone")
    return document


def children(parent: Node) -> list[Node]:
    """Return a node's own children, the bottom one first.

    Krita makes a wrapper for each node in a list and leaves it to nobody: some 400 bytes a node, every second, for hours.
    Wrappers that it returns one by one are Python's to free, and so are these from here on.
    """
    nodes = parent.childNodes()
    for node in nodes:
        transferback(node)
    return nodes


def walk(parent: Node) -> Iterator[Node]:
    """Yield every node under this one, the bottom ones first."""
    for node in children(parent):
        yield node
        yield from walk(node)


def find_node(document: Document, wanted: str) -> Node | None:
    # nodeByUniqueID gives a bare QObject in Krita 5.1, which no other call accepts.
    return next((node for node in walk(document.rootNode()) if id_of(node) == wanted), None)


def activate_soon(document: Document, node: Node) -> None:
    """Make this the active node once Krita, which activates every layer that is added, has had its way."""
    where, which = document_id(document), id_of(node)

    def activate() -> None:
        there = find_document(where)
        found = find_node(there, which) if there is not None else None
        if there is not None and found is not None:
            there.setActiveNode(found)

    QTimer.singleShot(ACTIVATION_MS, activate)


# ---- annotations ----------------------------------------------------------------------------------------------------


def keep(document: Document, key: str, text: str, description: str) -> None:
    document.setAnnotation(key, description, QByteArray(text.encode()))


def kept(document: Document, key: str) -> str:
    """Return what was kept under this key, "" when nothing was."""
    return document.annotation(key).data().decode("utf-8", "replace") if key in document.annotationTypes() else ""


def keep_recipe(document: Document, layer: Node, recipe: str, source: str) -> None:
    """Keep with the document how this layer was made, and from which layer."""
    keep(document, RECIPE + id_of(layer), recipe, "How a Scumble layer was made")
    keep(document, SOURCE + id_of(layer), source, "The layer that a Scumble layer was made from")


def made_from(document: Document, layer: Node) -> Node | None:
    """Return the layer that this result was made from, if it is one and that layer is still there."""
    source = kept(document, SOURCE + id_of(layer))
    return find_node(document, source) if source else None


def edited_layers(document: Document) -> list[Node]:
    """Return the layers that have a recipe, the topmost first."""
    keys = [key for key in document.annotationTypes() if key.startswith(RECIPE)]
    made = {key[len(RECIPE) :] for key in keys}
    return [node for node in reversed(list(walk(document.rootNode()))) if id_of(node) in made] if made else []


# ---- helper layers --------------------------------------------------------------------------------------------------


def helper_ids(document: Document) -> dict[str, str]:
    """Return role -> layer id for the layers that hold cues ("add", "subtract", "color", "points")."""
    try:
        found = json.loads(kept(document, HELPERS) or "{}")
    except ValueError:
        return {}
    return {str(role): str(layer) for role, layer in found.items()} if isinstance(found, dict) else {}


def set_helper(document: Document, role: str, layer: str) -> None:
    """Remember that this layer holds cues of this role; earlier ones stay known as helpers under "old"-names."""
    known = helper_ids(document)
    if role in known and known[role] != layer:
        known[f"old-{role}-{known[role]}"] = known[role]
    keep(document, HELPERS, json.dumps({**known, role: layer}), "Layers that hold Scumble's cues")


def mark_used(document: Document, layers: list[str]) -> None:
    """Remember that an edit was made from these helper layers: the tools that they belong to then begin fresh ones."""
    known = helper_ids(document)
    used = {f"used-{role}": helper for role, helper in known.items() if helper in layers and "-" not in role}
    known.update(used)
    keep(document, HELPERS, json.dumps(known), "Layers that hold Scumble's cues")


def is_used(document: Document, role: str) -> bool:
    known = helper_ids(document)
    return role in known and known.get(f"used-{role}") == known[role]


def find_helper(document: Document, role: str) -> Node | None:
    wanted = helper_ids(document).get(role)
    return find_node(document, wanted) if wanted else None


def hide_helpers(document: Document) -> list[str]:
    """Hide the layers whose cues an edit has just taken, so that its picture is seen; return the ids of those that showed."""
    hidden = []
    for role in (role for role in helper_ids(document) if "-" not in role):
        node = find_helper(document, role)
        if node is not None and node.visible():
            node.setVisible(False)
            hidden.append(id_of(node))
    return hidden


def is_helper(document: Document, node: Node) -> bool:
    return id_of(node) in helper_ids(document).values()
