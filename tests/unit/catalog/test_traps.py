"""Look-ups over the traps of freezes and of source archives."""

from __future__ import annotations

from typing import get_args

import pytest

from reprobuild.catalog import Catalog
from reprobuild.catalog.freeze_traps import Treatment

CONDA = Catalog.packaged().conda_names
FREEZE, SDIST = Catalog.packaged().freeze_traps, Catalog.packaged().sdist_traps


@pytest.mark.parametrize(
    ("line", "kind", "groups"),
    [
        (
            "numpy @ file:///croot/numpy_and_numpy_base_1682520569166/work",
            "conda-build-path",
            {"name": "numpy", "path": "croot/numpy_and_numpy_base_1682520569166/work"},
        ),
        (
            "requests @ file:///home/conda/feedstock_root/build_artifacts/requests_1684774241324/work",
            "conda-build-path",
            {"name": "requests", "path": "home/conda/feedstock_root/build_artifacts/requests_1684774241324/work"},
        ),
        (
            "numpy @ file:///work/mkl/numpy_and_numpy_base_1682953417311/work",
            "conda-build-path",
            {"name": "numpy", "path": "work/mkl/numpy_and_numpy_base_1682953417311/work"},
        ),
        (
            "mypkg @ file:///workspace/dist/mypkg-0.1.0-py3-none-any.whl",
            "local-archive",
            {"name": "mypkg", "path": "/workspace/dist/mypkg-0.1.0-py3-none-any.whl"},
        ),
        ("mypkg @ file:///workspace/mypkg", "local-directory", {"name": "mypkg", "path": "/workspace/mypkg"}),
        (
            "-e git+https://github.com/org/repo@abc123#egg=pkg&subdirectory=python",
            "editable-vcs",
            {"vcs": "git", "url": "https://github.com/org/repo", "revision": "abc123", "name": "pkg"},
        ),
        ("-e /home/user/project", "editable-path", {"path": "/home/user/project"}),
        (
            "# Editable install with no version control (mypkg==1.0)",
            "editable-comment",
            {"name": "mypkg", "version": "1.0"},
        ),
        ("# a remark", "comment", {}),
        ("pkg_resources==0.0.0", "debian-pkg-resources", {}),
        ("python-apt==2.4.0+ubuntu2", "distribution-version", {"name": "python-apt", "version": "2.4.0+ubuntu2"}),
        ("distro-info===0.23ubuntu1", "distribution-version", {"name": "distro-info", "version": "0.23ubuntu1"}),
        ("-ip==21.0", "half-removed", {"name": "ip"}),
        ("WARNING: Could not generate requirement for distribution -ip 21.0", "stray-text", {}),
        ("lib @ git+https://host.example/lib@c0ffee", "vcs", None),
        ("torch @ https://download.pytorch.org/whl/cu121/torch-2.1.0%2Bcu121-cp310-cp310-linux_x86_64.whl",
         "url-wheel", None),
        ("lib @ https://host.example/lib-1.0.tar.gz", "url-archive", None),
    ],
)  # fmt: skip
def test_kinds_of_lines(line: str, kind: str, groups: dict[str, str] | None) -> None:
    match = FREEZE.line(line)
    assert match is not None and match.pattern.id == kind
    if groups is not None:
        assert match.groups == groups


@pytest.mark.parametrize(
    "line", ["torch==2.1.0+cu121", "numpy==1.26.0", "a-b_c.d==1", "-r other.txt", "--hash=sha256:0"]
)
def test_ordinary_lines_are_no_traps(line: str) -> None:
    assert FREEZE.line(line) is None


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("2.2.0.dev20231010+cu121", "nightly"),
        ("1.14.0a0+44dac51", "commit-build"),
        ("2.3.0a0+40ec155e58.nv24.3", "commit-build"),
        ("0.6.0a0+35d732a", "commit-build"),
        ("2.0.1+computecanada", "site-build"),
        ("2.4.0+git1234", "vendor-build"),
        ("2.8.2+zzzcolab20220929150707", "colab-build"),
        ("2.1.0+cu121", None),
        ("2.1.0+rocm5.6", None),
        ("0.1.dev5", None),
    ],
)
def test_kinds_of_versions(version: str, kind: str | None) -> None:
    match = FREEZE.version(version)
    assert (match.pattern.id if match else None) == kind


def test_every_treatment_is_a_known_word() -> None:
    words = set(get_args(Treatment))
    assert {pattern.treatment for pattern in FREEZE.patterns} <= words
    assert {row.treatment for row in FREEZE.names} <= words


@pytest.mark.parametrize(
    ("name", "version", "kind"),
    [
        ("PyGObject", "3.42.1", "operating-system"),
        ("ufw", "0.36", "operating-system"),
        ("pywin32", "306", "platform-only"),
        ("pyobjc-core", "9.0", "platform-only"),
        ("jaxlib", "0.4.12", "deleted"),
        ("jaxlib", "0.4.32", "yanked"),
        ("sklearn", "0.0.post1", "moved"),
        ("tf-nightly-gpu", "2.2.0", "nightly"),
        ("torch", "1.0.1.post2", "deleted"),
    ],
)
def test_names_with_a_fate(name: str, version: str, kind: str) -> None:
    row = FREEZE.name(name, version)
    assert row is not None and row.kind == kind


@pytest.mark.parametrize(
    ("name", "version"),
    [("jaxlib", "0.4.13"), ("torch", "2.1.0"), ("scipy", "1.11.1"), ("simplejson", "3"), ("jaxlib", None)],
)
def test_names_without_one(name: str, version: str | None) -> None:
    assert FREEZE.name(name, version) is None


def test_a_replacement_is_named() -> None:
    row = FREEZE.name("tensorflow-macos", "2.9.0")
    assert row is not None and (row.treatment, row.replacement) == ("replace", "tensorflow")


def test_packages_of_the_system() -> None:
    assert FREEZE.is_system_package("python_apt") and not FREEZE.is_system_package("numpy")


def test_a_trap_with_its_way_out() -> None:
    (trap,) = SDIST.of("PyYAML", "5.4.1", "3.10.4")
    assert (trap.constraints, trap.certainty, trap.builds) == (("cython<3",), "verified", True)
    assert SDIST.of("PyYAML", "6.0.1") == ()


def test_a_trap_may_strike_under_some_pythons_only() -> None:
    assert [trap.builds for trap in SDIST.of("lxml", "4.6.3", "3.11.4")] == [False]
    assert SDIST.of("lxml", "4.6.3", "3.10.4") == ()
    assert [trap.trap for trap in SDIST.of("numpy", "1.21.0", "3.12.1")] == ["distutils-removed-3.12"]
    assert [trap.trap for trap in SDIST.of("numpy", "1.21.0", "3.10.1")] == ["numpy.distutils"]


@pytest.mark.parametrize(
    ("name", "version", "installers"),
    [
        ("gym", "0.21.0", ("pip<24.1",)),
        ("omegaconf", "2.0.6", ("uv", "pip<24.1")),
        ("pytorch-lightning", "1.5.10", ("uv", "pip<24.1")),
    ],
)
def test_some_packages_need_an_old_pip(name: str, version: str, installers: tuple[str, ...]) -> None:
    (trap,) = SDIST.of(name, version)
    assert trap.installers == installers


def test_what_compiles_against_torch_is_not_isolated() -> None:
    for name in ("flash-attn", "torch-scatter", "apex", "mmcv-full"):
        (trap,) = SDIST.of(name, "0.1")
        assert not trap.isolated and trap.nvcc and "torch" in trap.requires
    assert any(trap.environment.get("FORCE_CUDA") == "1" for trap in SDIST.of("torch-scatter"))


@pytest.mark.parametrize(
    ("name", "version", "python", "machine", "expected"),
    [
        ("PyYAML", "5.4.1", "3.9.1", "x86_64", True),
        ("PyYAML", "5.4.1", "3.11.1", "x86_64", False),
        ("PyYAML", "5.4.1", "3.9.1", "aarch64", None),
        ("tokenizers", "0.23.3", "3.13.0", "x86_64", True),
        ("flash-attn", "2.5.8", "3.10", "x86_64", False),
        ("mpi4py", "3.1.4", "3.10", "x86_64", False),
        ("somepackage", "1.0", "3.10", "x86_64", None),
    ],
)
def test_whether_there_is_a_wheel(name: str, version: str, python: str, machine: str, expected: bool | None) -> None:
    assert SDIST.has_wheel(name, version, python, machine) is expected


@pytest.mark.parametrize(
    ("name", "version", "project"),
    [
        ("pytorch-scatter", "2.0.9", "torch-scatter"),
        ("PyTables", "3.6.1", "tables"),
        ("msgpack-python", None, "msgpack"),
        ("numpy", "1.24.3", None),
        ("backports", "1.1", None),
    ],
)
def test_the_indexs_name_of_condas_package(name: str, version: str | None, project: str | None) -> None:
    found = CONDA.name(name, version)
    assert (found.project if found else None) == project


def test_a_row_of_conda_names_speaks_of_some_versions() -> None:
    found = [CONDA.name("graphviz", version) for version in ("2.50.0", "0.20.1", None)]
    assert [row.kind if row else None for row in found] == ["program", None, None]


def test_no_name_differs_and_is_shared_in_every_version() -> None:
    rows = Catalog.packaged().table("conda_names").rows
    assert [row["name"] for row in rows if not row["versions"] and CONDA.is_shared(row["name"])] == []
    assert CONDA.is_shared("Jupyter_Core") and not CONDA.is_shared("no-such-project-of-anybody")


def test_what_is_renamed_has_a_project_and_nothing_else_has() -> None:
    rows = Catalog.packaged().table("conda_names").rows
    assert all((row["kind"] == "renamed") == bool(row["project"]) for row in rows)
