"""Filters > Scumble > Edit, and `plug-in-scumble-edit` for scripts: one edit from what is on the canvas and one sentence."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp, GimpUi, GObject, Gtk
from scumble_protocol.client.request import Words
from scumble_protocol.client.run import plan_edit
from scumble_protocol.client.sight import edited_sentence
from scumble_protocol.errors import ScumbleError
from scumble_protocol.messages import Instruction, PromptPair, Settings

from . import outcome
from .canvas import Choices, GimpHost
from .cues import found_sentence
from .needs import ANY_PICTURE
from .seeds import MOST_SEED, new_seed
from .source import source_of
from .waiting import carry_out
from .wording import _, aloud

NEEDS = ANY_PICTURE
READ_WRITE = GObject.ParamFlags.READWRITE
SHOWN = ["found", "instruction", "use-path", "selection-moves", "strength", "more"]
MORE = ["from-prompt", "to-prompt", "method", "fidelity", "steps", "seed", "feather"]
MOST_STEPS, MOST_FEATHER_PX = 1000, 512.0


def label() -> str:
    return _("_Edit…")


def blurb() -> str:
    return _("Edit the layer by drag points, strokes or words; the result is a new layer above it")


def add_arguments(procedure: Gimp.Procedure) -> None:
    """Declare what a script can say; the dialog shows the same. Defaults are those of `messages.Settings`."""
    plain = Settings()
    text, flag = procedure.add_string_argument, procedure.add_boolean_argument
    text("instruction", _("Sa_y what should change"), _("In your own words"), "", READ_WRITE)
    flag("use-path", _("Drag along the c_urrent path"), _("Each stroke of two anchors is a drag"), True, READ_WRITE)
    flag("selection-moves", _("The selection is what _moves"), _("Not the limit of the change"), False, READ_WRITE)
    procedure.add_double_argument("strength", _("Streng_th"), _("How much"), 0.0, 1.0, plain.strength, READ_WRITE)
    text("from-prompt", _("_From"), _("What the picture shows, instead of an instruction"), "", READ_WRITE)
    text("to-prompt", _("I_nto"), _("What it should show"), "", READ_WRITE)
    _add_choice(procedure, "method", _("_Way"), {"auto": _("Automatic"), "warp": _("Warp"), "latent": _("Latent")})
    _add_choice(procedure, "fidelity", _("F_idelity"), {"fast": _("Fast"), "lora": _("Faithful (slow)")})
    number = procedure.add_int_argument
    number("steps", _("Ste_ps (0 = automatic)"), _("Steps of the model"), 0, MOST_STEPS, plain.steps, READ_WRITE)
    number("seed", _("See_d"), _("Another number gives another result"), 0, MOST_SEED, plain.seed, READ_WRITE)
    feather = (0.0, MOST_FEATHER_PX, plain.feather_px, READ_WRITE)
    procedure.add_double_argument("feather", _("Fe_ather (pixels)"), _("Softens the edge"), *feather)
    procedure.add_layer_return_value("layer", _("Layer"), _("The new layer"), True, READ_WRITE)


def _add_choice(procedure: Gimp.Procedure, name: str, title: str, choices: dict[str, str]) -> None:
    choice = Gimp.Choice.new()
    for number, (nick, words) in enumerate(choices.items()):
        choice.add(nick, number, words, "")
    procedure.add_choice_argument(name, title, title, choice, next(iter(choices)), READ_WRITE)


def run(
    procedure: Gimp.Procedure,
    mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: list[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    _data: Any,
) -> Gimp.ValueArray:
    """Ask (unless a script calls), edit, and say what came of it."""
    try:
        source = source_of(image, drawables)
        if mode == Gimp.RunMode.INTERACTIVE and not _asked(procedure, config, GimpHost(image, source)):
            return outcome.cancelled(procedure)
        host = GimpHost(image, source, _choices(config, spend=mode != Gimp.RunMode.NONINTERACTIVE))
        done = carry_out(host, plan_edit(host, words_in(config), settings_in(config)))
    except ScumbleError as error:
        return outcome.refused(procedure, error)
    return outcome.edited(procedure, mode, done, host.placed)


def _choices(config: Gimp.ProcedureConfig, spend: bool) -> Choices:
    return Choices(config.get_property("use-path"), config.get_property("selection-moves"), spend)


def words_in(config: Gimp.ProcedureConfig) -> Words | None:
    """Return what was said: two prompts when both are there, else the instruction, else nothing."""
    source, target = config.get_property("from-prompt"), config.get_property("to-prompt")
    if source.strip() or target.strip():
        return PromptPair(source, target)
    text = config.get_property("instruction")
    return Instruction(text) if text.strip() else None


def settings_in(config: Gimp.ProcedureConfig) -> Settings:
    return Settings(
        method=config.get_property("method"),
        strength=config.get_property("strength"),
        steps=config.get_property("steps"),
        seed=config.get_property("seed"),
        fidelity=config.get_property("fidelity"),
        feather_px=config.get_property("feather"),
    )


def _asked(procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, host: GimpHost) -> bool:
    """Show the dialog, with a new seed in it; false when the painter leaves it."""
    GimpUi.init("scumble-gimp")
    config.set_property("seed", new_seed())
    dialog = GimpUi.ProcedureDialog.new(procedure, config, _("Scumble"))
    dialog.get_label("found", _what_is_there(host), False, False).set_line_wrap(True)
    dialog.fill_box("more-box", MORE)
    dialog.get_label("more-title", _("More"), False, False)
    dialog.fill_expander("more", "more-title", False, "more-box")
    dialog.fill(SHOWN)
    dialog.set_ok_label(_("_Edit"))
    dialog.set_default_response(Gtk.ResponseType.OK)
    agreed: bool = dialog.run()
    dialog.destroy()
    return agreed


def _what_is_there(host: GimpHost) -> str:
    try:
        return f"{aloud(edited_sentence(host.source.get_name()))}.\n{found_sentence(host.cue_lines())}"
    except ScumbleError as error:
        return aloud(error.sentence)
