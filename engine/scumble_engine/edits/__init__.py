"""Edits: from what a painter asks for to a layer.

1. choose.py looks at the cues. Handles are drag.py's, subtract strokes erase.py's, add and colour strokes brush.py's, words
   language.py's; several at once are done in turn, each on what the one before left, and come as one layer (turns.py).
2. **Read** (reading.py): an instruction, with what the picture shows (seeing.py), becomes two prompts and a kind of edit.
3. ways.py is the one table: for what the model can do (its profile) and the kind, it names the next three steps.
4. **Place** (places.py): all that may change, the figure (ground.py), where the prompts disagree, or where there is room.
5. **Paint** (painting.py): the delta loop, painting anew in a box, or filling in what lay behind.
6. **Finish** (finishing.py): what was painted is bounded by the figure, put behind it, or cut out, at the picture's own size.
7. **Layer** (work.py): RGBA in the picture's depth and space, with notes, the reading, and what made it (made.py).
Steps hand each other values (steps.py) on a window of the picture (scene.py, model_window.py), and yield progress and previews.
What a handle holds is found by find.py and cut out by hold.py; latent_drag.py moves it in the model's latents.
No step asks which model it has, only what that can do.
"""
