"""Reading a published scheduler's config as noise levels, or refusing what is trained on other ones: no scheduler is ever run.

Which sampler a config names does not matter, only the noise that the network was trained with does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from scumble_protocol.errors import RequestError

from .schedule import PredictionType, Schedule

# Samplers of diffusers for networks that were trained on DDPM's discrete levels (Ho et al. 2020), whatever their order.
DDPM_SAMPLERS = frozenset(
    {
        "DDIMScheduler",
        "DDPMScheduler",
        "DEISMultistepScheduler",
        "DPMSolverMultistepScheduler",
        "DPMSolverSDEScheduler",
        "DPMSolverSinglestepScheduler",
        "EulerAncestralDiscreteScheduler",
        "EulerDiscreteScheduler",
        "HeunDiscreteScheduler",
        "KDPM2AncestralDiscreteScheduler",
        "KDPM2DiscreteScheduler",
        "LCMScheduler",
        "LMSDiscreteScheduler",
        "PNDMScheduler",
        "SASolverScheduler",
        "TCDScheduler",
        "UniPCMultistepScheduler",
    }
)


def read_schedule(config: Mapping[str, Any]) -> Schedule:
    """Return the noise levels of a scheduler_config.json. Raises RequestError for levels that the edits do not know."""
    name = str(config.get("_class_name", ""))
    if "Flow" in name or config.get("use_flow_sigmas") or config.get("prediction_type") == "flow_prediction":
        raise _refusal(name, "a flow between picture and noise")
    if "EDM" in name or config.get("timestep_type") == "continuous" or config.get("sigma_max"):
        raise _refusal(name, "continuous noise levels (EDM)")
    prediction = config.get("prediction_type", "epsilon")
    if name not in DDPM_SAMPLERS or prediction not in get_args(PredictionType):
        raise _refusal(name, f"a scheduler that is not known ({name or 'unnamed'}, {prediction})")
    from diffusers import DDIMScheduler

    # The class of the config is of no matter to the levels; DDIM's knows all ways to say them, zero terminal SNR too.
    return Schedule(DDIMScheduler.from_config(dict(config)).alphas_cumprod.double(), prediction)


def _refusal(name: str, trained_on: str) -> RequestError:
    return RequestError(
        f"This model was trained on {trained_on}, which edits on a Stable Diffusion UNet can't work with ({name}); "
        "use a model with an ordinary DDPM schedule.",
        "unknown-schedule",
    )
