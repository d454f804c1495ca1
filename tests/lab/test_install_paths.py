"""One case of each way in which an image gets a package or its interpreter, built for real and proved.

Two records. The first is of a real environment that pip filled here: an official image's CPython, the default index,
a repository, a repository installed in place, an archive with its digest, an old source archive that needs an old
Cython, one that only an old pip installs, a distribution package that a module loads. The second is written by hand,
because nothing here could run it: CPython 3.11.2 compiled from its release, PyTorch's index and a project's page.

Stand-ins: Debian 12 under the names of all bases; ``torch`` and ``torch-scatter`` are empty wheels of those versions;
the page's host is the laboratory's, because a page has no mirror. Everything else is what it says: CPython's release
archive comes from Debian, which keeps it byte for byte, and the recipe checks its digest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.lab import made_packages
from tests.lab.laboratory import Laboratory, LaboratoryUnavailable, interpreters, releases
from tests.lab.laboratory.wheels import made_up_wheel
from tests.lab.proofs import read_proof, unexplained
from tests.lab.recorded_run import RecordedRun

from reprobuild.build import BuildOptions, build
from reprobuild.catalog import Catalog
from reprobuild.engine.docker import DockerEngine
from reprobuild.plan import FindLinks, Plan, PytorchFolder, SourcePython
from reprobuild.planner import plan
from reprobuild.render import render
from reprobuild.snapshot import Distribution, PythonFacts, Snapshot, SystemFacts
from reprobuild.verify import verify

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

REAL_IMAGE = "install-paths:real"
COMPILED_IMAGE = "install-paths:compiled"
CONSTRAINTS = "cython<3\nsetuptools<66\nwheel<0.39\n"
"""What the old source archives need on the day of the test; the recipe takes it from the catalog."""


@pytest.fixture(scope="module")
def run(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    """A real environment with a package of each origin; recorded."""
    versions = [version for version in interpreters.available_versions() if version.startswith("3.11.")]
    if not versions:
        pytest.skip("no CPython 3.11 under PYENV_ROOT to make the environment with")
    folder = tmp_path_factory.mktemp("run")
    recorded = RecordedRun(folder, lab)
    cloned, _ = made_packages.repository(lab, folder, "cloned-package")
    in_place, _ = made_packages.repository(lab, folder, "in-place-package")
    (folder / "constraints.txt").write_text(CONSTRAINTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_CONSTRAINT", str(folder / "constraints.txt"))
        recorded.install(
            interpreters.interpreter(versions[-1]),
            "six==1.16.0",
            "numpy==1.26.2",
            "cloudpickle==3.0.0",
            "python-magic==0.4.27",
            "PyYAML==5.4.1",
            "gym==0.21.0",
            f"cloned-package @ git+{cloned}",
            f"archived-package @ {made_packages.archive(lab, 'archived-package')}",
            *("-e", f"git+{in_place}#egg=in-place-package"),
        )
    recorded.capture()
    return recorded


@pytest.fixture(scope="module")
def real_plan(run: RecordedRun) -> dict[str, object]:
    """The plan of the real record, as ``reprobuild plan`` prints it."""
    return run.plan()


def test_each_package_of_the_real_record_takes_its_own_path(run: RecordedRun, real_plan: dict[str, object]) -> None:
    planned = msgspec.convert(real_plan, Plan)
    paths = {
        requirement.name.lower(): (group.installer, type(group.origin).__name__, group.needs_git, group.needs_compiler)
        for group in planned.groups
        for requirement in group.requirements
    }
    assert paths["six"] == ("uv", "DefaultIndex", False, False)
    assert paths["pyyaml"] == ("uv", "DefaultIndex", False, True)
    assert paths["gym"] == ("pip", "DefaultIndex", False, False)
    assert paths["cloned-package"] == paths["in-place-package"] == ("uv", "Direct", True, False)
    assert paths["archived-package"] == ("uv", "Direct", False, False)
    (archived,) = (each for each in planned.placements if each.name == "archived-package")
    assert "#sha256=" in (archived.line or "")
    assert planned.python.version == json.loads(run.record.read_text())["python"]["version"]
    assert "libmagic1" in {package.name for package in planned.system_packages}


def test_the_real_record_builds_and_is_proved(run: RecordedRun, real_plan: dict[str, object]) -> None:
    run.program("build", run.record, "-t", REAL_IMAGE, *run.network())
    proof = read_proof(run.program("verify", run.record, REAL_IMAGE, "--json", check=False).stdout)
    assert unexplained(proof) == []


@pytest.fixture(scope="module")
def engine(lab: Laboratory) -> Iterator[DockerEngine]:
    """The laboratory's engine for calls without the command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", lab.docker_host)
        yield DockerEngine.from_environment()


def compiled_record() -> Snapshot:
    """A CUDA run on a CPython that has no build for its base: 3.11.2 on Ubuntu 22.04."""
    freeze = (
        "filelock==3.9.0 fsspec==2023.4.0 Jinja2==3.1.2 MarkupSafe==2.1.2 mpmath==1.3.0 networkx==3.0 sympy==1.12 "
        "typing_extensions==4.8.0 torch==2.1.0+cu121 torch-scatter==2.1.2+pt21cu121"
    )
    return Snapshot(
        python=PythonFacts(version="3.11.2", implementation="CPython"),
        system=SystemFacts(system="Linux", machine="x86_64", os_id="ubuntu", os_version="22.04"),
        distributions=tuple(
            Distribution(name=name, version=version) for name, version in (line.split("==") for line in freeze.split())
        ),
    )


def made_up_torch(folder: Path, lab: Laboratory) -> None:
    """An empty torch 2.1.0+cu121 on PyTorch's index; triton is not recorded, so nothing asks for it."""
    files = {"torch/__init__.py": "__version__ = '2.1.0+cu121'\n"}
    lab.site.add_wheel("cu121", made_up_wheel(folder, "torch", "2.1.0+cu121", files))


def test_a_compiled_cpython_an_index_folder_and_a_page_of_links(
    lab: Laboratory, engine: DockerEngine, tmp_path: Path
) -> None:
    try:
        mirror = releases.offer_cpython(lab, "3.11.2")
    except LaboratoryUnavailable as reason:
        pytest.skip(str(reason))
    record = compiled_record()
    made = plan(record, Catalog.packaged())
    assert isinstance(made.python, SourcePython)
    assert made.python.sha256 is not None
    assert any(isinstance(group.origin, PytorchFolder) for group in made.groups)
    assert any(isinstance(group.origin, FindLinks) for group in made.groups)
    made_up_torch(tmp_path, lab)
    files = {"torch_scatter/__init__.py": ""}
    page = made_packages.page_of_links(lab, tmp_path, "torch-scatter", "2.1.2+pt21cu121", files)
    made = at_the_laboratory(made, page)
    lab.provide_base(f"{made.base.repository}:{made.base.tag}")
    lab.images.provide_uv(made.uv_image)
    mirrors = {"PYTHON_SOURCE_MIRROR": mirror, "PYTORCH_INDEX": lab.site.pytorch_index}
    authorities = os.environ.get("SSL_CERT_FILE")
    options = BuildOptions(
        tag=COMPILED_IMAGE,
        network="host",
        build_arguments=mirrors,
        ca_certificate=Path(authorities) if authorities else None,
    )
    build(render(made, record), engine, options)
    assert unexplained(verify(record, made, COMPILED_IMAGE, engine), digests=False) == []
    modules = "import bz2, ctypes, lzma, readline, sqlite3, ssl, uuid, zlib; print('all there')"
    printed = engine.run(COMPILED_IMAGE, ("python", "-c", modules), environment={}, network="none", timeout_s=60)
    assert printed.stdout == b"all there\n", printed.stderr.decode()


def at_the_laboratory(made: Plan, page: str) -> Plan:
    """The plan with the one thing that no build argument moves: the page of links."""
    groups = tuple(
        msgspec.structs.replace(group, origin=FindLinks(url=page)) if isinstance(group.origin, FindLinks) else group
        for group in made.groups
    )
    return msgspec.structs.replace(made, groups=groups)
