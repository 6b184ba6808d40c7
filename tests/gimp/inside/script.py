"""Runs in GIMP's Python: our procedures, called as a script author calls them."""

from gi.repository import Gimp


def run(procedure, image, layers, **arguments):
    """Run a procedure on layers (ids) and say what came of it."""
    found = Gimp.get_pdb().lookup_procedure(procedure)
    config = found.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", Gimp.Image.get_by_id(image))
    if layers:
        config.set_core_object_array("drawables", [Gimp.Item.get_by_id(layer) for layer in layers])
    for name, value in arguments.items():
        config.set_property(name.replace("_", "-"), value)
    values = found.run(config)
    made = [values.index(place) for place in range(1, values.length())]
    return {
        "status": values.index(0).value_nick,
        "error": " ".join(value for value in made if isinstance(value, str)),
        "layers": [value.get_id() for value in made if isinstance(value, Gimp.Layer)],
    }


def edit(image, layers, **arguments):
    return run("plug-in-scumble-edit", image, layers, **arguments)


def rerun(image, layers, **arguments):
    return run("plug-in-scumble-rerun", image, layers, **arguments)
