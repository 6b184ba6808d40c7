"""`python -m scumble_engine.training`: make the illustrator again, or go on where the last run stopped."""

from __future__ import annotations

from pathlib import Path

import click
import torch
from scumble_engine.models.crisp import WEIGHTS
from scumble_engine.training.crisp import convert
from scumble_engine.training.editor import Finish, clock
from scumble_engine.training.pipeline import (
    export_teacher,
    finish,
    refine_again,
    take_out_editor,
    teach_seeing,
    train_editor,
    train_student,
    train_teacher,
)
from scumble_engine.training.recipe import RECIPES, smoke

_SHIPPED = Path(__file__).parent.parent / "models" / "weights" / "illustrator"


@click.command()
@click.option("--size", type=click.Choice(sorted(RECIPES)), default="small", show_default=True)
@click.option("--smoke", "toy", is_flag=True, help="Run the whole chain at toy numbers, in about a minute.")
@click.option(
    "--stage",
    type=click.Choice(
        ["all", "teacher", "export", "refiner", "student", "seeing", "finish", "editor", "editor-export", "crisp"]
    ),
    default="all",
    show_default=True,
)
@click.option(
    "--images", type=int, default=None, help="Train until so many pictures have been seen, all runs together."
)
@click.option("--cooldown", type=int, default=None, help="Let the learning rate fall over the last so many pictures.")
@click.option("--student-images", type=int, default=None, help="The same for the student.")
@click.option(
    "--resume", type=click.Path(path_type=Path, exists=True), help="Weights to start from where no state is kept."
)
@click.option("--warm", type=click.Path(path_type=Path, exists=True), help="The editor: weights of an earlier one.")
@click.option("--stop-at", default=None, help="The editor: train until a clock shows this, HH:MM.")
@click.option("--cooldown-minutes", type=float, default=30.0, show_default=True, help="The editor: let its rate fall.")
@click.option("--publish", type=click.Path(path_type=Path), help="Copy the finished folder there.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--threads", type=int, default=None, help="Threads for the CPU; fewer leave room for other work.")
def main(
    size: str,
    toy: bool,
    stage: str,
    images: int | None,
    cooldown: int | None,
    student_images: int | None,
    resume: Path | None,
    warm: Path | None,
    stop_at: str | None,
    cooldown_minutes: float,
    publish: Path | None,
    device: str,
    threads: int | None,
) -> None:
    """Train, or resume, one size of the illustrator: denoiser, student, seeing, then what stands beside the weights.

    Stops and resumes anywhere with the same command; `--stage export` takes the weights out of a run that goes on.
    """
    recipe = smoke(RECIPES[size]()) if toy else RECIPES[size]()
    if threads:
        torch.set_num_threads(threads)
    until = images or recipe.images
    if stage in ("all", "teacher"):
        train_teacher(recipe, until, int(recipe.cooldown * until) if cooldown is None else cooldown, resume, device)
    if stage == "export":
        click.echo(f"exported after {export_teacher(recipe, device)} images")
        finish(recipe, publish, sheet=0)
    if stage == "refiner":
        refine_again(recipe, device)
    if stage in ("all", "student"):
        train_student(recipe, student_images or recipe.student_images, device)
    if stage == "editor":
        end = Finish(clock(stop_at) if stop_at else float("inf"), 60 * cooldown_minutes)
        click.echo(train_editor(recipe, resume or _SHIPPED, warm, end, images, device))
    if stage == "editor-export":
        click.echo(take_out_editor(recipe, resume or _SHIPPED, device))
    if stage == "crisp":
        click.echo(convert(publish or WEIGHTS))
    if stage in ("all", "seeing"):
        teach_seeing(recipe, device)
    if stage in ("all", "finish"):
        click.echo(finish(recipe, publish, sheet=2 if toy else 64))


if __name__ == "__main__":
    main()
