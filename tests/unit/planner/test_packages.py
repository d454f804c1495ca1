"""Each kind of package: where it comes from, or why it is left out."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from tests.unit.planner.records import (
    COMMIT,
    SHA256,
    from_archive,
    from_folder,
    from_git,
    group,
    group_of,
    installed,
    lines,
    listed,
    placement,
    planned,
    record,
    warning_codes,
)

from reprobuild.catalog import Catalog
from reprobuild.errors import RecordError
from reprobuild.plan import (
    DefaultIndex,
    Direct,
    Fidelity,
    FindLinks,
    NamedIndex,
    Origin,
    Placement,
    Platform,
    PytorchFolder,
)
from reprobuild.planner.packages import FOLLOWS_TORCH, is_ordinary, treat, treat_with_care
from reprobuild.planner.source_build import BuildContext
from reprobuild.planner.sources import Sources
from reprobuild.planner.subject import examine
from reprobuild.planner.target import Target
from reprobuild.planner.torch_build import decide_torch
from reprobuild.records.requirement_lines import parse_lines
from reprobuild.snapshot import CondaOrigin, DirectUrl, Distribution, SourceFacts, SystemFacts, VcsInfo

TORCH = listed("torch==2.1.0+cu121")[0]
WHEEL = "https://example.org/files/x-1.0-py3-none-any.whl"


class Installed(NamedTuple):
    """A distribution that is installed, by which line, from where, how faithfully."""

    distribution: Distribution
    line: str
    origin: Origin = DefaultIndex()
    fidelity: Fidelity = Fidelity.EXACT


def one(pin: str, **facts: object) -> Distribution:
    """A distribution by its pin, with more facts."""
    name, _, version = pin.partition("==")
    return Distribution(name=name, version=version or None, **facts)  # type: ignore[arg-type]  # facts of the model


INSTALLED = {
    "an ordinary pin": Installed(one("numpy==1.24.3"), "numpy==1.24.3"),
    "pip is part of the environment": Installed(one("pip==23.0.1"), "pip==23.0.1"),
    "a post release": Installed(one("pandas==2.0.3.post1"), "pandas==2.0.3.post1"),
    "hashes": Installed(one("attrs==23.1.0", hashes=(f"sha256:{SHA256}",)), f"attrs==23.1.0 --hash=sha256:{SHA256}"),
    "a companion with its suffix": Installed(
        one("torchvision==0.16.0+cu121"), "torchvision==0.16.0+cu121", PytorchFolder(folder="cu121")
    ),
    "a companion without": Installed(one("torchvision==0.16.0"), "torchvision==0.16.0"),
    "PyG's page by torch's minor": Installed(
        one("torch-scatter==2.1.2+pt21cu121"),
        "torch-scatter==2.1.2+pt21cu121",
        FindLinks(url="https://data.pyg.org/whl/torch-2.1.0+cu121.html"),
    ),
    "JAX's page": Installed(
        one("jaxlib==0.4.13+cuda12.cudnn89"),
        "jaxlib==0.4.13+cuda12.cudnn89",
        FindLinks(url="https://storage.googleapis.com/jax-releases/jax_cuda_releases.html"),
    ),
    "NVIDIA's index": Installed(
        one("cudf-cu12==24.4.1"), "cudf-cu12==24.4.1", NamedIndex(url="https://pypi.nvidia.com")
    ),
    "Colab's own mark": Installed(
        one("tensorflow==2.8.2+zzzcolab20220929150707"), "tensorflow==2.8.2", fidelity=Fidelity.EQUIVALENT
    ),
    "another builder's mark": Installed(
        one("scipy==1.11.4+computecanada"), "scipy==1.11.4", fidelity=Fidelity.EQUIVALENT
    ),
    "conda's label of torchvision": Installed(
        one("torchvision==0.6.0a0+35d732a"), "torchvision==0.6.0", fidelity=Fidelity.EQUIVALENT
    ),
    "a commit": Installed(
        from_git("mylib", "https://github.com/org/mylib.git", commit_id=COMMIT),
        f"mylib @ git+https://github.com/org/mylib.git@{COMMIT}",
        Direct(),
    ),
    "a short commit of a list": Installed(
        from_git("mylib", "git+https://github.com/org/mylib", commit_id="0123abc"),
        "mylib @ git+https://github.com/org/mylib@0123abc",
        Direct(),
    ),
    "a commit over SSH on a public host": Installed(
        from_git("mylib", "ssh://git@github.com/org/mylib.git", commit_id=COMMIT),
        f"mylib @ git+https://github.com/org/mylib.git@{COMMIT}",
        Direct(),
    ),
    "the short form of SSH": Installed(
        from_git("mylib", "git@github.com:org/mylib.git", commit_id=COMMIT),
        f"mylib @ git+https://github.com/org/mylib.git@{COMMIT}",
        Direct(),
    ),
    "a tag without commit": Installed(
        from_git("mylib", "https://github.com/org/mylib", requested_revision="v0.6"),
        "mylib @ git+https://github.com/org/mylib@v0.6",
        Direct(),
        Fidelity.SUBSTITUTED,
    ),
    "a folder of a repository": Installed(
        Distribution(
            name="mylib",
            direct_url=DirectUrl(
                url="https://github.com/org/mono",
                vcs_info=VcsInfo(vcs="git", commit_id=COMMIT),
                subdirectory="python/mylib",
            ),
        ),
        f"mylib @ git+https://github.com/org/mono@{COMMIT}#subdirectory=python/mylib",
        Direct(),
    ),
    "credentials are cut off": Installed(
        from_git("mylib", "https://user:secret@example.org/mylib", commit_id=COMMIT),
        f"mylib @ git+https://example.org/mylib@{COMMIT}",
        Direct(),
    ),
    "a wheel by URL": Installed(from_archive("x", WHEEL), f"x @ {WHEEL}", Direct()),
    "a wheel by URL with its hash": Installed(
        from_archive("x", WHEEL, sha256=SHA256), f"x @ {WHEEL}#sha256={SHA256}", Direct()
    ),
    "an archive by URL": Installed(
        from_archive("x", "https://example.org/x-1.0.tar.gz", sha256=SHA256),
        f"x @ https://example.org/x-1.0.tar.gz#sha256={SHA256}",
        Direct(),
    ),
    "a wheel of PyTorch's own folders": Installed(
        from_archive(
            "torchaudio",
            "https://download.pytorch.org/whl/cu121/torchaudio-2.1.0%2Bcu121-cp310-cp310-linux_x86_64.whl",
            sha256=SHA256,
        ),
        f"torchaudio==2.1.0+cu121 --hash=sha256:{SHA256}",
        PytorchFolder(folder="cu121"),
    ),
    "conda's path beside a version": Installed(
        Distribution(
            name="requests", version="2.31.0", direct_url=DirectUrl(url="file:///croot/requests_1690400202158/work")
        ),
        "requests==2.31.0",
        fidelity=Fidelity.EQUIVALENT,
    ),
    "conda's build": Installed(
        one("requests==2.31.0", installer="conda", conda=CondaOrigin(build="py310h06a4308_0")),
        "requests==2.31.0",
        fidelity=Fidelity.EQUIVALENT,
    ),
    "the operating system's build of a public version": Installed(
        one("numpy==1.21.5", installer="debian"), "numpy==1.21.5", fidelity=Fidelity.EQUIVALENT
    ),
    "tensorflow for macOS": Installed(
        one("tensorflow-macos==2.12.0"), "tensorflow==2.12.0", fidelity=Fidelity.SUBSTITUTED
    ),
    "a marker that holds": Installed(one("numpy==1.24.3", marker='sys_platform == "linux"'), "numpy==1.24.3"),
    "a lock file that names PyTorch's index": Installed(
        one("torchaudio==2.1.0", index_url="https://download.pytorch.org/whl/cpu"),
        "torchaudio==2.1.0",
        PytorchFolder(folder="cpu"),
    ),
}


@pytest.mark.parametrize("name", INSTALLED)
def test_installed(name: str) -> None:
    case = INSTALLED[name]
    result = planned(record(TORCH, case.distribution))
    where = result.placements[1]
    assert (where.where, where.line, where.fidelity) == ("installed", case.line, case.fidelity)
    groups = [each for each in result.groups if not each.resolve_dependencies]
    (origin,) = (each.origin for each in groups for r in each.requirements if r.line == case.line)
    assert origin == case.origin


@pytest.mark.parametrize(
    ("distribution", "fidelity", "reason"),
    [
        (one("pkg-resources==0.0.0"), "equivalent", "Debian"),
        (one("pkg_resources==0.0.0"), "equivalent", "Debian"),
        (one("python-apt==2.4.0+ubuntu2"), "missing", "operating system"),
        (one("distro-info===0.23ubuntu1".replace("===", "==")), "missing", "operating system"),
        (one("ubuntu-drivers-common==0.0.0"), "missing", "distribution"),
        (one("PyGObject==3.42.1"), "missing", "python3-gi"),
        (one("appnope==0.1.3"), "missing", "macOS only"),
        (one("pywin32==306"), "missing", "Windows only"),
        (one("mkl-fft==1.3.6"), "missing", "conda"),
        (one("google-colab==1.0.0"), "missing", "Colab"),
        (one("transformers==5.6.0.dev0"), "missing", "built from source"),
        (one("mylib==1.2.dev3+g1234567"), "missing", "built from source"),
        (from_folder("mylib", "file:///home/me/mylib", editable=True), "missing", "in place from a folder"),
        (from_folder("mylib", "/home/me/mylib", editable=True), "missing", "in place from a folder"),
        (from_archive("mylib", "file:///workspace/dist/mylib-0.1.0-py3-none-any.whl"), "missing", "from a file"),
        (from_git("mylib", "file:///home/me/mylib", commit_id=COMMIT), "missing", "on the recorded machine"),
        (from_git("mylib", "ssh://git@git.example.org/mylib", commit_id=COMMIT), "missing", "SSH key"),
        (
            Distribution(name="x", direct_url=DirectUrl(url="svn+https://h/x", vcs_info=VcsInfo(vcs="svn"))),
            "missing",
            "svn repository",
        ),
        (from_archive("x", "https://h/x-1.0-cp39-cp39-manylinux2014_x86_64.whl"), "missing", "another Python"),
        (from_archive("x", "https://h/x-1.0-cp310-cp310-win_amd64.whl"), "missing", "another Python or platform"),
        (from_archive("x", "https://h/y-1.0-py3-none-any.whl"), "missing", "another name"),
        (one("colorama==0.4.6", marker='sys_platform == "win32"'), "exact", 'only for sys_platform == "win32"'),
        (one("apex==0.1"), "missing", "NVIDIA's apex"),
        (one("python==3.10.12", conda=CondaOrigin(build="h955ad1f_0")), "exact", "the interpreter itself"),
        (one("_libgcc_mutex==0.1", conda=CondaOrigin(build="main")), "equivalent", "bring their own"),
        (one("openssl==3.0.13", conda=CondaOrigin(build="h7f8727e_0")), "equivalent", "interpreter brings"),
        (one("ffmpeg==4.3", conda=CondaOrigin(build="hf484d3e_0")), "missing", "program of conda"),
        (one("libpng==1.6.37", conda=CondaOrigin(build="hbc83047_0")), "equivalent", "bring their own copy"),
        (one("jpeg==9b", conda=CondaOrigin()), "equivalent", "bring their own copy"),
    ],
)
def test_left_out(distribution: Distribution, fidelity: str, reason: str) -> None:
    result = planned(record(TORCH, distribution))
    where = result.placements[1]
    assert (where.where, where.fidelity, where.line) == ("left out", fidelity, None)
    assert reason in where.detail
    assert not any(r.name == distribution.name for each in result.groups for r in each.requirements)


def test_a_name_that_the_index_knows_too_is_kept_when_pip_installed_it() -> None:
    result = planned(record(*installed("python-debian==0.1.49")))
    assert placement(result, "python-debian").where == "installed"


def test_a_recorded_checkout_is_as_good_as_version_control() -> None:
    folder = from_folder("mylib", "file:///home/me/mylib", editable=True, commit_id=COMMIT, dirty=False)
    source = SourceFacts(remote="https://github.com/org/mylib", commit=COMMIT)
    where = planned(record(folder, source=source)).placements[0]
    assert where.line == f"mylib @ git+https://github.com/org/mylib@{COMMIT}"
    assert where.fidelity is Fidelity.EXACT
    dirty = from_folder("mylib", "file:///home/me/mylib", editable=True, commit_id=COMMIT, dirty=True)
    assert planned(record(dirty, source=source)).placements[0].fidelity is Fidelity.SUBSTITUTED


def test_what_exists_only_on_the_machine_is_a_warning_with_a_way_out() -> None:
    result = planned(record(from_folder("mylib", "file:///home/me/mylib", editable=True)))
    (warning,) = (each for each in result.warnings if each.code == "local-package")
    assert "mylib==1.0" in warning.message
    assert warning.hint


def test_a_package_without_version_is_resolved_around_the_pins() -> None:
    result = planned(record(*listed("torch==2.1.0+cu121", "numpy")))
    completion = group(result, "completion")
    assert completion.resolve_dependencies
    assert "numpy" in lines(result)["completion"]
    assert placement(result, "numpy").fidelity is Fidelity.SUBSTITUTED


def test_frameworks_come_first_and_version_control_last() -> None:
    result = planned(
        record(
            *installed("numpy==1.24.3", "torch==2.1.0", "nvidia-cudnn-cu12==8.9.2.26", "triton==2.1.0"),
            *installed("nvidia-ml-py==13.580.82"),
            from_git("mylib", "https://github.com/org/mylib", commit_id=COMMIT),
        )
    )
    assert list(lines(result)) == ["frameworks", "default", "version-control-compiled"]
    assert lines(result)["frameworks"] == ("nvidia-cudnn-cu12==8.9.2.26", "torch==2.1.0", "triton==2.1.0")
    assert lines(result)["default"] == ("numpy==1.24.3", "nvidia-ml-py==13.580.82"), "a small tool is no framework"
    assert group(result, "version-control-compiled").needs_git


def test_a_pure_package_from_git_needs_no_compiler() -> None:
    pure = Distribution(
        name="mylib",
        tags=("py3-none-any",),
        direct_url=DirectUrl(url="https://github.com/org/mylib", vcs_info=VcsInfo(vcs="git", commit_id=COMMIT)),
    )
    result = planned(record(pure))
    assert not group(result, "version-control").needs_compiler
    assert "build-essential" not in [package.name for package in result.system_packages]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("ftp://example.org/x-1.0.tar.gz", "distributions[0].direct_url.url"),
        ("https://example.org/x-1.0.tar.gz;id", "distributions[0].direct_url.url"),
        ("https://example.org/${HOME}/x-1.0.tar.gz", "distributions[0].direct_url.url"),
        ("https://exa\tmple.org/x-1.0.tar.gz", "distributions[0].direct_url.url"),
        ("https:///x-1.0.tar.gz", "distributions[0].direct_url.url"),
        ("https://example.org:99999/x-1.0.tar.gz", "distributions[0].direct_url.url"),
        ("https://ex\u0430mple.org/x-1.0.tar.gz", "distributions[0].direct_url.url"),
    ],
)
def test_a_url_that_would_need_quoting_is_refused(url: str, path: str) -> None:
    with pytest.raises(RecordError) as refusal:
        planned(record(from_archive("x", url)))
    assert refusal.value.path == path


def test_a_hash_that_is_none_is_refused() -> None:
    with pytest.raises(RecordError) as refusal:
        planned(record(from_archive("x", WHEEL, sha256="zz")))
    assert refusal.value.path == "distributions[0].direct_url.archive_info.hashes.sha256"


def test_warnings_name_every_package_that_is_not_published() -> None:
    result = planned(record(*listed("a==1.0.dev1", "b==2.0.dev3+gabcdef1")))
    assert warning_codes(result).count("unpublished-version") == 2


def test_pip_is_given_digests_for_all_of_a_group_or_for_none() -> None:
    """pip insists on digests for every line of a file that has one, so that the two kinds go into two files."""
    plain = Distribution(name="gym", version="0.21.0")
    hashed = Distribution(name="textract", version="1.6.5", hashes=("sha256:" + "ab" * 32,))
    groups = [each for each in planned(record(plain, hashed)).groups if each.installer == "pip"]
    told = [[" --hash=" in requirement.line for requirement in each.requirements] for each in groups]
    assert sorted(told) == [[False], [True]]
    assert len({each.name for each in groups}) == 2


def test_a_metapackage_of_conda_does_not_stand_in_for_the_package() -> None:
    meta = Distribution(name="typing-extensions", version="4.9.0", conda=CondaOrigin(build="hd8ed1ab_0"))
    real = Distribution(name="typing_extensions", version="4.9.0", conda=CondaOrigin(build="pyha770c72_0"))
    result = planned(record(meta, real))
    assert [each.where for each in result.placements] == ["left out", "installed"]


@pytest.mark.parametrize(
    ("names", "installed_as"),
    [
        ({"matplotlib-base": "py310h1_0", "matplotlib": "py310h2_0"}, ["matplotlib==1.2"]),
        ({"matplotlib-base": "py310h1_0"}, ["matplotlib==1.2"]),
        ({"seaborn": "hd8ed1ab_0", "seaborn-base": "pyhd8ed1ab_0"}, ["seaborn==1.2"]),
        ({"redis-py": "pyhd8ed1ab_0"}, ["redis==1.2"]),
        ({"brotli-python": "py310h1_0", "brotli": "h166bdaf_0", "brotli-bin": "h166bdaf_0"}, ["brotli==1.2"]),
        ({"uvicorn-standard": "h1_0", "uvicorn": "py310h1_0"}, ["uvicorn==1.2"]),
        ({"numpy": "py310h1_0", "numpy-base": "py310h1_1"}, ["numpy==1.2"]),
    ],
)
def test_conda_packages_under_the_names_of_the_index(names: dict[str, str], installed_as: list[str]) -> None:
    packages = [Distribution(name=name, version="1.2", conda=CondaOrigin(build=build)) for name, build in names.items()]
    result = planned(record(*packages))
    assert [item.line for each in result.groups if not each.resolve_dependencies for item in each.requirements] == (
        installed_as
    )
    assert len(result.placements) == len(names)


@pytest.mark.parametrize(
    ("pin", "torch", "line"),
    [
        ("torchvision==0.8.0a0", "torch==1.7.0", "torchvision==0.8.0"),
        ("torchvision==0.8.0a0", "torch==1.7.1", "torchvision==0.8.2"),
        ("torchvision==0.8.0a0", "torch==1.7.1+cpu", "torchvision==0.8.2"),
        ("torchaudio==0.7.0a0+ac17b64", "torch==1.7.0", "torchaudio==0.7.0"),
        ("torchaudio==0.7.0a0+a853dff", "torch==1.7.1", "torchaudio==0.7.2"),
        ("torchvision==0.4.9a0+1a2b3c4", "torch==1.4.0", "torchvision==0.5.0"),
    ],
)
def test_a_label_of_condas_names_a_release_or_the_one_that_belongs_to_torch(pin: str, torch: str, line: str) -> None:
    result = planned(record(*listed(torch, pin), python="3.8.5"))
    assert placement(result, pin.partition("==")[0]).line == line


def test_a_label_of_condas_beside_a_torch_whose_build_was_found_out() -> None:
    conda = Distribution(name="torch", version="1.7.1", conda=CondaOrigin(build="py3.8_cpu_0"))
    result = planned(record(conda, *listed("torchvision==0.8.0a0"), python="3.8.5"))
    found = placement(result, "torchvision")
    assert (found.line, found.fidelity) == ("torchvision==0.8.2+cpu", Fidelity.EQUIVALENT)
    assert "0.8.0a0 is conda's label for 0.8.2; it has to be of torch's own variant, cpu" in found.detail


@pytest.mark.parametrize("local", ["aeaaf25", "g1a2b3c4", "gitec609e7", "g1a2b3c4.d20230101", "d20230101"])
def test_a_build_of_a_commit_is_no_release(local: str) -> None:
    own, known = placement_of(f"lab-tool==0.1.0+{local}"), placement_of(f"transformers==4.30.0+{local}")
    assert (own.where, own.fidelity) == ("left out", Fidelity.MISSING)
    assert (known.line, known.fidelity) == ("transformers==4.30.0", Fidelity.SUBSTITUTED)


@pytest.mark.parametrize("local", ["lab1", "cu118"])
def test_a_mark_on_what_no_table_knows_is_no_equivalent(local: str) -> None:
    found = placement_of(f"lab-tool==0.1.0+{local}")
    assert (found.line, found.fidelity) == ("lab-tool==0.1.0", Fidelity.SUBSTITUTED)
    assert "no table tells whether the default index has that project" in found.detail


def placement_of(pin: str) -> Placement:
    """Where one pin ended."""
    (found,) = planned(record(*listed(pin))).placements
    return found


def test_a_wheel_whose_name_tells_more_than_its_metadata_is_installed_as_it_is() -> None:
    url = "https://github.com/Dao-AILab/flash-attention/releases/download/v2.5.8/"
    file = "flash_attn-2.5.8+cu122torch2.3cxx11abiFALSE-cp310-cp310-linux_x86_64.whl"
    result = planned(record(from_archive("flash-attn", url + file), *listed("torch==2.3.0+cu121")))
    assert group(result, "direct").build_environment == {"UV_SKIP_WHEEL_FILENAME_CHECK": "1"}
    plain = planned(record(from_archive("x", "https://example.org/x-1.0-py3-none-any.whl")))
    assert not group(plain, "direct").build_environment


@pytest.mark.parametrize(
    ("pins", "is_open"),
    [
        (("torchvision==0.5.0", "torch==1.4.0", "numpy==1.18.1"), True),
        (("torchvision==0.5.0", "torch==1.4.0", "numpy==1.18.1", "pillow-simd==7.0.0.post3", "six==1.14.0"), False),
        (("torchvision==0.5.0", "torch==1.4.0", "numpy==1.18.1", "Pillow==7.0.0", "six==1.14.0"), False),
    ],
)
def test_torchvision_does_not_import_without_pillow(pins: tuple[str, ...], is_open: bool) -> None:
    assert ("not-closed" in warning_codes(planned(record(*listed(*pins), python="3.7.3")))) is is_open


def test_names_that_a_system_gives_its_packages_are_not_guessed() -> None:
    xenial = SystemFacts(system="Linux", machine="x86_64", os_id="ubuntu", os_version="16.04")
    result = planned(record(*listed("torch==1.4.0", "opencv-python==4.5.1.48"), python="3.7.3", system=xenial))
    (warning,) = (each for each in result.warnings if each.code == "unknown-names")
    assert "libGL.so.1" in warning.message


def test_an_ordinary_package_ends_where_careful_treatment_would_put_it() -> None:
    """Every name that the tables know, and some that they don't, in versions of all shapes."""
    catalog = Catalog.packaged()
    names = {row.name.replace("*", "12") for row in catalog.companions.origins}
    names |= {row.name.replace("*", "12") for row in catalog.freeze_traps.names}
    names |= {trap.package for trap in catalog.sdist_traps.all} | FOLLOWS_TORCH | {"six", "acme-models", "Some.Name"}
    versions = ("1.0", "2.1.0.post1", "1.0rc1", "1.0a0", "3.0.dev5", "1.2+cu121", "0.9.1+ubuntu2", "2024.1.1", "0.0.0")
    snapshot = record(*listed("torch==2.1.0+cu121", *(f"{name}=={version}" for name in names for version in versions)))
    subject = examine(snapshot)
    target = Target(platform=Platform(), python="3.10.12")
    torch = decide_torch(subject, target, catalog)
    build = BuildContext(target=target, catalog=catalog, torch=torch)
    sources = Sources(
        subject=subject, target=target, torch=torch, catalog=catalog, source=None, build=build, is_plain=True
    )
    ordinary = 0
    for package in subject.packages:
        assert treat(package, sources) == treat_with_care(package, sources), package.pin
        ordinary += is_ordinary(package, catalog)
    assert 10 <= ordinary < len(subject.packages) / 10


def test_a_wheel_of_condas_build_machine_tells_its_version_and_nothing_else() -> None:
    """Its tags and its digest are those of a file that nobody else has."""
    url = "file:///croot/numpy_and_numpy_base_1682953417311/work/dist/numpy-1.24.3-cp310-cp310-linux_x86_64.whl"
    found = parse_lines(f"numpy @ {url}#sha256={'b' * 64}")
    result = planned(record(*found.distributions))
    placed = placement(result, "numpy")
    assert (placed.line, placed.fidelity) == ("numpy==1.24.3", Fidelity.EQUIVALENT)
    assert not group_of(result, "numpy").needs_compiler


@pytest.mark.parametrize("pin", ["scipy==1.11.0", "setuptools==80.3.0", "aiohttp==3.8.2", "torchtext==0.15.0"])
def test_a_withdrawn_release_is_installed_and_said(pin: str) -> None:
    result = planned(record(*listed(pin)))
    assert placement(result, pin.partition("==")[0]).line == pin
    assert "yanked" in warning_codes(result)
    later = planned(record(*listed("scipy==1.11.1", "aiohttp==3.8.1"), python="3.9.16"))
    assert "yanked" not in warning_codes(later)


def test_a_deleted_release_names_the_next_one_that_is_there() -> None:
    result = planned(record(*listed("onnxruntime-gpu==1.8.1", "numpy==1.21.6"), python="3.8.10"))
    assert placement(result, "onnxruntime-gpu").where == "left out"
    (warning,) = (each for each in result.warnings if each.code == "deleted")
    assert "1.11.0" in (warning.hint or "")
    assert placement(planned(record(*listed("onnxruntime-gpu==1.16.0"))), "onnxruntime-gpu").where == "installed"


@pytest.mark.parametrize("version", ["3.3.0", "3.3.0+gitab727c40"])
def test_what_only_pytorchs_index_has_comes_from_torchs_folder_whatever_its_suffix(version: str) -> None:
    result = planned(record(*listed("torch==2.7.0+cu128", f"pytorch-triton=={version}")))
    group = group_of(result, "pytorch-triton")
    assert group.origin == PytorchFolder(folder="cu128")
    assert placement(result, "pytorch-triton").line == f"pytorch-triton=={version}"
