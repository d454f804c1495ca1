"""Whether the GPU of a container computes with the image's torch, as one line of JSON.

Runs inside an image as ``python -c TEXT``; it imports nothing of ours. Printed: ``name``, ``capability``, ``driver``
(None where torch can't tell), ``checks`` (name to None, or to the error), ``switches`` (name to what torch has).
"""

import json
import sys
from importlib import import_module
from typing import Any, Dict


def kernel(torch: Any) -> None:
    """A product of whole numbers, which every device gets exactly right."""
    first = torch.arange(64 * 64, dtype=torch.float32).reshape(64, 64) % 7
    on_device = (first.cuda() @ first.cuda()).cpu()
    assert torch.equal(on_device, first @ first), "the product differs from the processor's"


def training(torch: Any) -> None:
    """A gradient through a layer is finite."""
    layer = torch.nn.Linear(32, 8).cuda()
    layer(torch.ones(4, 32, device="cuda")).sum().backward()
    assert bool(torch.isfinite(layer.weight.grad).all()), "a gradient is not finite"


def cudnn(torch: Any) -> None:
    """A convolution, which cuDNN does. Whole numbers again."""
    assert torch.backends.cudnn.is_available(), "torch says that cuDNN is not available"
    picture = (torch.arange(2 * 3 * 16 * 16, dtype=torch.float32) % 5).reshape(2, 3, 16, 16)
    weights = (torch.arange(4 * 3 * 3 * 3, dtype=torch.float32) % 3).reshape(4, 3, 3, 3)
    on_device = torch.nn.functional.conv2d(picture.cuda(), weights.cuda()).cpu()
    assert torch.equal(on_device, torch.nn.functional.conv2d(picture, weights)), "it differs from the processor's"


CHECKS = {"kernel": kernel, "gradient": training, "cuDNN": cudnn}  # type: Dict[str, Any]

SWITCHES = {
    "torch.matmul.allow_tf32": lambda torch: torch.backends.cuda.matmul.allow_tf32,
    "torch.cudnn.allow_tf32": lambda torch: torch.backends.cudnn.allow_tf32,
    "torch.cudnn.benchmark": lambda torch: torch.backends.cudnn.benchmark,
    "torch.cudnn.deterministic": lambda torch: torch.backends.cudnn.deterministic,
    "torch.deterministic_algorithms": lambda torch: torch.are_deterministic_algorithms_enabled(),
}  # type: Dict[str, Any]


def report() -> Dict[str, Any]:
    """Everything that was tried."""
    answer = {"name": None, "capability": None, "checks": {}, "switches": {}}  # type: Dict[str, Any]
    try:
        torch = import_module("torch")  # type: Any
    except Exception as error:
        answer["checks"]["import torch"] = said(error)
        return answer
    for name, ask in SWITCHES.items():
        try:
            answer["switches"][name] = str(ask(torch))
        except Exception:  # Old releases lack some of them.
            continue
    if not torch.cuda.is_available():
        answer["checks"]["GPU"] = "torch {} sees no GPU in the container".format(torch.__version__)
        return answer
    answer["name"] = torch.cuda.get_device_name(0)
    answer["capability"] = "{}.{}".format(*torch.cuda.get_device_capability(0))
    for name, check in CHECKS.items():
        try:
            check(torch)
            torch.cuda.synchronize()
            answer["checks"][name] = None
        except Exception as error:
            answer["checks"][name] = said(error)
    return answer


def said(error: Exception) -> str:
    """An error on one line."""
    return "{}: {}".format(type(error).__name__, " ".join(str(error).split()))[:500]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report()) + "\n")
