"""The `scumble` command: options in, one sentence out. It is the headless host and nothing more.

Everything heavy is imported by the command that needs it, so that `scumble --help` and `scumble engine` answer at once.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import NoArgsIsHelpError
from scumble_protocol import __version__
from scumble_protocol.errors import Cancelled, RequestError, ScumbleError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Character, Handle, Instruction, PromptPair, Settings, Slide

from .cli_bench import bench
from .cli_engine import engine

if TYPE_CHECKING:
    from scumble_protocol.client.request import Request, Words

    from .headless.host import FileHost

DEBUG_VARIABLE = "SCUMBLE_DEBUG"
INTERRUPTED = 130  # what shells give for Ctrl+C
OUR_FAULT = 70  # EX_SOFTWARE of sysexits.h

FilePath = click.Path(path_type=Path)


def main() -> None:
    """Run the command and exit: 0, or a ScumbleError's code with its sentence on the error stream."""
    if not os.environ.get(DEBUG_VARIABLE):  # what libraries mutter about a damaged file is said in one sentence instead
        warnings.simplefilter("ignore")
        logging.basicConfig(handlers=[logging.NullHandler()])
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command with these arguments and return its exit code. Never raises, unless SCUMBLE_DEBUG is set."""
    try:
        result: object = scumble.main(arguments, prog_name="scumble", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except Cancelled as error:
        return _said(error.sentence, INTERRUPTED)
    except ScumbleError as error:
        return _said(error.sentence, error.exit_code)
    except NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "scumble"
        return _said(f"{error.format_message()} (See {command} --help.)", error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _said("Cancelled.", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        return 0
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        return _said(
            f"Scumble met an error of its own ({type(error).__name__}: {' '.join(str(error).split())}). "
            f"Please report it; {DEBUG_VARIABLE}=1 shows where it happened.",
            OUR_FAULT,
        )


def _said(sentence: str, code: int) -> int:
    click.echo(f"scumble: {' '.join(sentence.split())}", err=True)
    return code


def handle_from(text: str) -> Handle:
    """Read X,Y:X,Y in pixels of IMAGE."""
    try:
        (start_x, start_y), (end_x, end_y) = (map(float, point.split(",")) for point in text.split(":"))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not X,Y:X,Y, as in 120,80:160,80.") from None
    return Handle(Point(start_x, start_y), Point(end_x, end_y))


def slide_from(text: str) -> Slide:
    """Read NAME=NUMBER."""
    name, _, amount = text.partition("=")
    try:
        return Slide(name.strip(), float(amount))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not NAME=NUMBER, as in mouth_openness=+1.") from None


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="scumble")
def scumble() -> None:
    """AI edits as new layers: drag points, say what should change, or scribble it. Nothing beneath is ever touched."""


scumble.add_command(engine)
scumble.add_command(bench)


# ---- edits ----------------------------------------------------------------------------------------------------------


@scumble.command()
@click.argument("image", type=FilePath)
@click.argument("out", type=FilePath)
@click.option(
    "--drag",
    "drags",
    type=handle_from,
    metavar="X,Y:X,Y",
    multiple=True,
    help="Move what is at one point to another; may be repeated.",
)
@click.option("--add", type=FilePath, help="Strokes that draw something new (their alpha counts).")
@click.option("--subtract", type=FilePath, help="Strokes over what should go.")
@click.option("--color", type=FilePath, help="Strokes in the colours that you want.")
@click.option("--say", help="What should change, in words.")
@click.option("--from", "source", help="What the picture shows; goes with --to.")
@click.option("--to", "target", help="What it should show.")
@click.option(
    "--slider",
    "slides",
    type=slide_from,
    metavar="NAME=NUMBER",
    multiple=True,
    help="Change a character, as mouth_openness=+1; may be repeated.",
)
@click.option("--mask", type=FilePath, help="Where anything may change: white = may. Without it, everywhere.")
@click.option("--grab", type=FilePath, help="What the handles hold: white. Without it, the engine finds it.")
@click.option("--method", type=click.Choice(["auto", "warp", "latent", "gan"]), default="auto", show_default=True)
@click.option(
    "--generator", default="creatures", show_default=True, help="With --method gan: what paints pictures such as yours."
)
@click.option("--fidelity", type=click.Choice(["fast", "lora"]), default="fast", show_default=True)
@click.option("--strength", type=float, default=1.0, show_default=True, help="0 (nothing) to 1.")
@click.option("--steps", type=int, default=0, help="Steps of the method; 0 = its own.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--feather", type=float, default=4.0, show_default=True, help="Pixels to soften the mask's edge by, inwards."
)
@click.option("--force", is_flag=True, help="Replace OUT when it is there already.")
def edit(image: Path, out: Path, **options: Any) -> None:
    """Edit IMAGE (PNG, JPEG, WebP, TIFF or .ora) and write OUT.

    An edit is a region and its cues: any mix on one command line. Points are pixels of IMAGE; masks and strokes are
    pictures of IMAGE's size.

    OUT .ora keeps the layers of IMAGE and adds one; OUT .png or .tif is flat, at IMAGE's size, depth and profile. A file
    that is there is replaced only with --force, but an .ora may be edited onto itself (IMAGE = OUT), edit after edit.
    """
    from scumble_protocol.client.run import plan_edit

    from .headless.cues import CueFiles
    from .headless.host import FileHost
    from .headless.sources import open_source

    words = words_from(options["say"], options["source"], options["target"])
    files = {name: options[name] for name in ("add", "subtract", "color", "mask", "grab")}
    settings = Settings(
        options["method"],
        options["strength"],
        options["steps"],
        options["seed"],
        options["fidelity"],
        options["feather"],
    )
    cues = CueFiles(options["drags"], **files)
    source = open_source(image)
    own = (
        Character(options["generator"], source.bounds)
        if options["method"] == "gan" and not source.character()
        else None
    )
    host = FileHost(source, out, cues, options["force"], own, options["slides"])
    _carry_out(host, plan_edit(host, words, settings), out)


@scumble.command()
@click.argument("out", type=FilePath)
@click.option("--model", default="creatures", show_default=True, help="The generator's name.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which of its characters.")
@click.option("--size", type=click.IntRange(16, 8192), help="Pixels a side; without it, as the generator paints.")
@click.option("--force", is_flag=True, help="Replace OUT when it is there already.")
def new(out: Path, model: str, seed: int, size: int | None, force: bool) -> None:
    """Write OUT (.ora, .png or .tif) with a new character: a layer that a generator painted and that goes on being pullable.

    Drag its points with `scumble edit OUT OUT --drag …`; each edit goes on from the one before.
    """
    from scumble_protocol.client.run import plan_edit

    from .gan.known import find_generator
    from .headless.host import FileHost
    from .headless.sources import BlankSource

    side = size or find_generator(model).config.resolution
    source = BlankSource(out, side, side)
    host = FileHost(source, out, force=force, character=Character(model, source.bounds))
    _carry_out(host, plan_edit(host, None, Settings(seed=seed)), out)


@scumble.command()
@click.argument("file", type=FilePath, metavar="OUT.ora")
@click.option("--layer", required=True, help="The name of a layer that carries a recipe.")
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="A change to the recipe, as seed=7; may be repeated."
)
def rerun(file: Path, layer: str, changes: tuple[str, ...]) -> None:
    """Make a layer again from its recipe, over what lies beneath it now.

    The new layer goes right above the old one, which stays in the file, hidden.
    """
    from scumble_protocol.client.recipe import from_json
    from scumble_protocol.client.run import plan_rerun

    from .headless.host import FileHost
    from .headless.sources import LayeredSource, open_source

    source = open_source(file, beneath=layer)
    if not isinstance(source, LayeredSource):
        raise RequestError(f"{file} has no layers; rerun works on .ora files.", "not-layered")
    recipe = from_json(source.recipe()).with_changes(changes)
    old = source.layer_picture()
    host = FileHost(source, file)
    placed = _carry_out(host, plan_rerun(host, recipe), file)
    if not changes:
        same = placed == old
        click.echo(f"The new layer is {'the same as' if same else 'not the same as'} “{layer}”, pixel by pixel.")


def words_from(say: str | None, source: str | None, target: str | None) -> Words | None:
    """Make the words' cue of an edit. Raises RequestError for half a pair, or both ways at once."""
    if say is not None and (source is not None or target is not None):
        raise RequestError("Give --say, or --from with --to, not both.", "too-many-cues")
    if (source is None) != (target is None):
        raise RequestError(
            "--from and --to go together: what the picture shows, and what it should show.", "half-a-pair"
        )
    if source is not None and target is not None:
        return PromptPair(source, target)
    return None if say is None else Instruction(say)


def _carry_out(host: FileHost, request: Request, out: Path) -> object:
    """Run a request with a progress bar, say what came of it, and return the layer's place and pixels."""
    from scumble_protocol.client.placement import layer_name

    from .headless.conduct import ProgressBar, conduct, engine_session, reading_line

    with engine_session() as session, ProgressBar(layer_name(request.edit)) as bar:
        done, timings = conduct(session, host, request, bar.show)
    assert done.result is not None  # or conduct had raised
    if done.result.reading is not None:
        click.echo(reading_line(done.result.reading), err=True)
    for note in (*host.notes, *done.notes):
        click.echo(f"Note: {note}", err=True)
    click.echo(f"{out}: “{host.layer_name}”, {timings.result_s:.1f} s")
    assert done.layer is not None  # or conduct had raised
    return done.layer.bounds, done.layer.picture


@scumble.command()
@click.argument("image", type=FilePath)
@click.option("--add", type=FilePath, required=True, help="The strokes to be named.")
def guess(image: Path, add: Path) -> None:
    """Say what strokes on IMAGE show, in a word or two, the likeliest first."""
    from scumble_protocol.client.request import build

    from .headless.conduct import ask_guess, engine_session
    from .headless.cues import CueFiles
    from .headless.host import FileReader
    from .headless.sources import open_source

    reader = FileReader(open_source(image), CueFiles(add=add))
    canvas = reader.canvas()
    request = build(reader.read(canvas, canvas.bounds))
    with engine_session() as session:
        answer = ask_guess(session, request.edit)
    for word, probability in zip(answer.words, answer.probabilities, strict=True):
        click.echo(f"{probability:5.0%}  {word}")


# ---- models ---------------------------------------------------------------------------------------------------------


@scumble.group()
def models() -> None:
    """The models that Scumble knows, and getting them."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs: a list of objects, sizes in bytes.")
def list_known(as_json: bool) -> None:
    """Show each known model: whether it is here, what it serves, where from, licence, size, memory."""
    from .cli_models import list_models

    list_models(as_json)


@models.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Fetch without asking.")
@click.option(
    "--half/--full", default=None, help="Which precision to fetch; by default the one that this machine runs."
)
def pull(name: str, yes: bool, half: bool | None) -> None:
    """Fetch a known model by NAME, or one by its hub id (owner/name): only the files that are loaded.

    Its size, licence and publisher are said first. A pull that was stopped goes on where it was.
    """
    from .cli_models import pull_model

    pull_model(name, yes, half)


@models.command("convert")
@click.argument("file", type=FilePath)
@click.argument("folder", type=FilePath)
def convert_generator(file: Path, folder: Path) -> None:
    """Write a StyleGAN2 checkpoint (an ADA .pkl, or rosinality's .pt) as a FOLDER of safetensors and JSON.

    Nothing in FILE is run: a file that wants anything but tensors is refused by name.
    """
    from .gan.convert import convert

    if folder.exists():
        raise RequestError(f"{folder} is there already; name a folder that is not.", "exists")
    config = convert(file, folder)
    click.echo(f"{folder}: a StyleGAN2 generator, {config.resolution} px, {config.styles} layers.")


# ---- looking after it -----------------------------------------------------------------------------------------------


@scumble.command()
def doctor() -> int:
    """Say what is found and what is missing, with a line of advice each; exit code 1 if the main job can't run."""
    from .doctor import examine, report

    findings = examine()
    for line in report(findings):
        click.echo(line)
    return 0 if all(finding.ok or not finding.vital for finding in findings) else 1


# ---- plug-ins -------------------------------------------------------------------------------------------------------

Host = click.Choice(["krita", "gimp"])


@scumble.command()
@click.argument("host", type=Host)
def install(host: str) -> None:
    """Put the plug-in into Krita or GIMP and enable it."""
    from .install import install

    install(host, click.echo)


@scumble.command()
@click.argument("host", type=Host)
def uninstall(host: str) -> None:
    """Take the plug-in out again."""
    from .install import uninstall

    uninstall(host, click.echo)


@scumble.command()
@click.argument("host", type=Host)
@click.argument("out", type=FilePath, default=Path())
def bundle(host: str, out: Path) -> None:
    """Pack the plug-in as a zip: OUT is a file, or a folder for it (the one you are in by default)."""
    from .install import bundle

    click.echo(f"Wrote {bundle(host, out)}.")


if __name__ == "__main__":
    main()
