"""No text of a record makes a look-up fail: what is not known is not found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reprobuild.catalog import Catalog
from reprobuild.catalog.companions import torch_of_local, variant_of_local
from reprobuild.catalog.cudnn import version_of_integer
from reprobuild.catalog.drivers import brand_of
from reprobuild.catalog.jax import build_of_local
from reprobuild.catalog.operating_systems import glibc_of_tag
from reprobuild.catalog.torch_architectures import capability_of_sm
from reprobuild.catalog.torch_wheels import local_of, nightly_date

C = Catalog.packaged()
NGC = "2.1.0a0+29c30b1"

LOOK_UPS: dict[str, Callable[[str], Any]] = {
    "apt.needs": lambda text: C.apt.needs("opencv-python-headless", text),
    "apt.needs name": lambda text: C.apt.needs(text),
    "apt.of_soname": lambda text: C.apt.of_soname(text, "jammy"),
    "companions.belonging": lambda text: C.companions.belonging(text),
    "companions.origin": lambda text: C.companions.origin("dgl", text),
    "companions.origin name": lambda text: C.companions.origin(text, text),
    "companions.release": lambda text: C.companions.release("torchvision", text),
    "cpython.image": lambda text: C.cpython.image(text),
    "cpython.uv_build": lambda text: C.cpython.uv_build(text),
    "cuda_images.candidates": lambda text: C.cuda_images.candidates(text, "runtime"),
    "cuda_images.find": lambda text: C.cuda_images.find(text, "runtime"),
    "cuda_images.removed": lambda text: C.cuda_images.removed(text),
    "cudnn.supports": lambda text: C.cudnn.supports(text, text),
    "drivers.runs": lambda text: C.drivers.runs(text, text),
    "drivers.starts": lambda text: C.drivers.starts("12.1.1", text, text),
    "drivers.toolkit": lambda text: C.drivers.toolkit(text),
    "freeze_traps.line": lambda text: C.freeze_traps.line(text),
    "freeze_traps.name": lambda text: C.freeze_traps.name(text, text),
    "freeze_traps.version": lambda text: C.freeze_traps.version(text),
    "gpus.by_name": lambda text: C.gpus.by_name(text),
    "jax.find_links": lambda text: C.jax.find_links(text),
    "ngc.by_torch_version": lambda text: C.ngc.by_torch_version(text),
    "operating_systems.get": lambda text: C.operating_systems.get(text, text),
    "rocm.find": lambda text: C.rocm.find(text),
    "sdist_traps.has_wheel": lambda text: C.sdist_traps.has_wheel("numpy", "1.21.0", text),
    "sdist_traps.of": lambda text: C.sdist_traps.of("numpy", text, text),
    "tensorflow.release": lambda text: C.tensorflow.release(text),
    "tensorflow.is_gpu_build": lambda text: C.tensorflow.is_gpu_build("tensorflow", text),
    "torch_architectures.of": lambda text: C.torch_architectures.of(text, text),
    "torch_architectures.variants_for": lambda text: C.torch_architectures.variants_for("2.1.0", text),
    "torch_wheels.by_cuda": lambda text: C.torch_wheels.by_cuda("2.1.0", text),
    "torch_wheels.following": lambda text: C.torch_wheels.following(text),
    "torch_wheels.nearest_cuda": lambda text: C.torch_wheels.nearest_cuda("2.1.0", text),
    "torch_wheels.published": lambda text: C.torch_wheels.published(text, text, text),
    "torch_wheels.variant": lambda text: C.torch_wheels.variant(text),
    "brand_of": brand_of,
    "build_of_local": build_of_local,
    "capability_of_sm": capability_of_sm,
    "glibc_of_tag": glibc_of_tag,
    "local_of": local_of,
    "nightly_date": nightly_date,
    "torch_of_local": torch_of_local,
    "variant_of_local": variant_of_local,
}

TEXTS = st.one_of(st.text(), st.from_regex(r"\d{1,3}(\.\d{1,4}){0,4}([a-z]+\d*)?(\+[a-z0-9.]*)?", fullmatch=True))


@pytest.mark.parametrize("name", LOOK_UPS)
@settings(max_examples=30, deadline=None)
@given(text=TEXTS)
@example("")
@example("..")
@example("*")
@example("12")
@example("1!2.0")
@example(NGC)
@example("{torch}[x]")
def test_no_text_makes_a_look_up_fail(name: str, text: str) -> None:
    LOOK_UPS[name](text)


@given(st.integers())
def test_no_integer_makes_cudnns_version_fail(number: int) -> None:
    version = version_of_integer(number)
    assert version is None or all(part.isdigit() for part in version.split("."))
