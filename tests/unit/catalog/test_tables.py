"""What holds for every table: header, order, keys, closed sets, references between tables."""

from __future__ import annotations

import itertools
import re

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.apt import SUITES
from reprobuild.catalog.tables import parse_table
from reprobuild.errors import CatalogError

CATALOG = Catalog.packaged()
NAMES = [entry.name for entry in CATALOG.tables]

# The number of rows when the tables were first made: knowledge is added, not lost.
AT_LEAST = {
    "apt_needs": 230,
    "apt_packages": 197,
    "companion_picks": 241,
    "companion_releases": 291,
    "compute_capabilities": 28,
    "conda_names": 225,
    "conda_shared_names": 14579,
    "cpython_builds": 436,
    "cpython_releases": 152,
    "cuda_images": 2639,
    "cudnn_support": 26,
    "digests": 88,
    "freeze_names": 139,
    "freeze_patterns": 19,
    "gpus": 501,
    "image_driver_branches": 101,
    "jax": 206,
    "jax_wheels": 104,
    "ngc_pytorch": 79,
    "onnxruntime_gpu": 35,
    "operating_systems": 20,
    "package_origins": 69,
    "python_images": 195,
    "pytorch_images": 137,
    "rocm_images": 127,
    "sdist_only": 23,
    "sdist_traps": 64,
    "tensorflow": 100,
    "tensorflow_pins": 181,
    "tool_images": 328,
    "toolkit_drivers": 71,
    "torch_architectures": 173,
    "torch_files": 3429,
    "torch_lts": 3,
    "torch_pins": 630,
    "torch_releases": 55,
    "torch_variants": 388,
    "wheel_coverage": 1058,
}

CLOSED_SETS = {
    ("apt_needs", "certainty"): {"verified", "known", "likely"},
    ("apt_needs", "wheels"): {"yes", "no"},
    ("companion_picks", "basis"): {"metadata", "matrix", "date", "LTS page"},
    ("conda_names", "certainty"): {"documented", "general knowledge"},
    ("conda_names", "kind"): {"renamed", "namespace", "program", "platform-only"},
    ("cpython_builds", "machine"): {"x86_64", "aarch64"},
    ("cuda_images", "cudnn_basis"): {"", "recipe", "inferred"},
    ("cuda_images", "flavor"): {"base", "runtime", "devel"},
    ("cuda_images", "presence"): {"present", "presumed", "presumed-removed", "removed"},
    ("cuda_images", "support"): {"supported", "unsupported", "delisted"},
    ("digests", "certainty"): {"observed"},
    ("freeze_names", "certainty"): {"verified", "general knowledge"},
    ("freeze_patterns", "matches"): {"line", "version"},
    ("ngc_pytorch", "cuda_certainty"): {"", "observed", "documented", "same-month-stack"},
    ("operating_systems", "certainty"): {"verified", "general knowledge"},
    ("operating_systems", "openssl"): {"1.0", "1.1", "3"},
    ("package_origins", "kind"): {"pytorch", "find-links", "index", "source", "default", "none"},
    ("package_origins", "certainty"): {"verified", "documented", "unverified"},
    ("sdist_traps", "certainty"): {"verified", "general knowledge"},
    ("tool_images", "certainty"): {"", "observed", "derived"},
    ("torch_files", "origin"): {"pytorch", "pypi"},
    ("torch_releases", "evidence"): {"observed", "derived", "unverified"},
    ("torch_variants", "evidence"): {"observed", "derived", "unverified"},
}

VERSIONS = (
    ("companion_releases", "version"),
    ("cpython_builds", "version"),
    ("cuda_images", "cuda"),
    ("jax", "version"),
    ("jax_wheels", "version"),
    ("operating_systems", "version"),
    ("operating_systems", "glibc"),
    ("python_images", "version"),
    ("tensorflow", "version"),
    ("toolkit_drivers", "cuda"),
    ("torch_files", "version"),
    ("torch_releases", "version"),
    ("torch_variants", "version"),
    ("wheel_coverage", "version"),
)

SPECIFIERS = (
    ("apt_needs", "versions"),
    ("companion_releases", "requires_python"),
    ("conda_names", "versions"),
    ("freeze_names", "versions"),
    ("package_origins", "versions"),
    ("sdist_only", "versions"),
    ("sdist_traps", "versions"),
    ("sdist_traps", "pythons"),
    ("tensorflow_pins", "specifier"),
    ("torch_pins", "specifier"),
    ("torch_releases", "requires_python"),
)


def natural(text: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text) if part]


def column(table: str, name: str) -> list[str]:
    return [row[name] for row in CATALOG.table(table).rows]


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_sorted_and_keys_unique(name: str) -> None:
    entry = next(each for each in CATALOG.tables if each.name == name)
    keys = [[natural(row[part]) for part in entry.key] for row in CATALOG.table(name).rows]
    assert keys == sorted(keys)
    assert all(key != following for key, following in itertools.pairwise(keys))


@pytest.mark.parametrize("name", NAMES)
def test_the_list_of_tables_is_right_and_nothing_was_lost(name: str) -> None:
    entry = next(each for each in CATALOG.tables if each.name == name)
    table = CATALOG.table(name)
    assert entry.rows == len(table.rows) >= AT_LEAST[name]
    assert entry.as_of == table.header.as_of
    assert table.header.source and re.fullmatch(r"20\d\d-\d\d-\d\d", entry.as_of)


def test_every_table_with_a_minimum_is_there() -> None:
    assert set(NAMES) == set(AT_LEAST)
    assert [entry.name for entry in CATALOG.tables] == sorted(NAMES)


def test_the_catalog_is_as_new_as_its_newest_table() -> None:
    assert CATALOG.date == max(CATALOG.table(name).header.as_of for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_plain_text(name: str) -> None:
    for row in CATALOG.table(name).rows:
        for cell in row.values():
            assert cell == cell.strip() and cell.isprintable()
        assert len(",".join(row.values())) < 450, row


@pytest.mark.parametrize(("table", "name"), CLOSED_SETS)
def test_words_are_in_their_closed_set(table: str, name: str) -> None:
    assert set(column(table, name)) <= CLOSED_SETS[(table, name)]


@pytest.mark.parametrize(("table", "name"), VERSIONS)
def test_versions_parse(table: str, name: str) -> None:
    for text in column(table, name):
        Version(text)


@pytest.mark.parametrize(("table", "name"), SPECIFIERS)
def test_specifiers_parse(table: str, name: str) -> None:
    for text in column(table, name):
        SpecifierSet(text)


def test_every_distribution_of_a_cuda_tag_is_known_or_named_as_unknown() -> None:
    unknown = {
        image.os_id
        for image in CATALOG.cuda_images.all
        if image.available and CATALOG.operating_systems.get(image.os_id, image.os_version) is None
    }
    assert unknown == {"opensuse", "azurelinux", "mariner", "suse"}


def test_every_suite_of_an_official_python_image_is_a_known_release() -> None:
    suites = {suite for cell in column("python_images", "slim") for suite in cell.split(";") if suite}
    suites |= {suite for cell in column("python_images", "full") for suite in cell.split(";") if suite}
    assert suites and all(CATALOG.operating_systems.by_codename(suite) for suite in suites)


def test_every_suite_of_the_system_packages_is_a_known_release() -> None:
    assert all(CATALOG.operating_systems.by_codename(suite) for suite in SUITES)


def test_every_library_that_a_package_needs_has_a_name_somewhere() -> None:
    wanted = {
        library
        for cell in column("apt_needs", "runtime") + column("apt_needs", "build") + column("sdist_traps", "libraries")
        for library in cell.split(";")
        if library
    }
    assert wanted <= set(CATALOG.apt.libraries)


def test_every_folder_of_a_torch_wheel_has_a_form_that_is_known() -> None:
    form = re.compile(r"|cpu|cpu-cxx11-abi|xpu|cu\d{2,3}(_full|_pypi_cudnn)?|rocm\d+\.\d+(\.\d+)?")
    assert all(form.fullmatch(folder) for folder in CATALOG.torch_wheels.folders)


def test_every_torch_file_of_the_index_lies_in_a_folder_that_is_known() -> None:
    rows = [row for row in CATALOG.table("torch_files").rows if row["origin"] == "pytorch"]
    folders = {row["folder"] for row in rows if Version(row["version"]) >= Version("1.0")}
    # One folder held development builds of 2.6 only.
    assert len(folders) > 40 and folders - CATALOG.torch_wheels.folders == {"cpu_pypi_pkg"}


def test_every_hash_is_one() -> None:
    hashes = column("torch_files", "sha256") + column("cpython_builds", "sha256")
    assert all(re.fullmatch(r"[0-9a-f]{64}|", text) for text in hashes)
    digests = column("digests", "digest") + column("tool_images", "digest")
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}|", text) for text in digests)


def test_every_build_requirement_parses() -> None:
    for cell in column("sdist_traps", "constraints") + column("sdist_traps", "requires"):
        for line in filter(None, cell.split(";")):
            Requirement(line)


def test_every_companion_belongs_to_a_release_of_torch_or_the_lts() -> None:
    known = set(column("torch_releases", "version")) | {"1.8.2"}
    assert set(column("companion_picks", "torch")) <= known


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "table 'x' has no '# source:' and '# as of:' lines"),
        ("# source: s\n# as of: 2026-01-01\na,b\n1\n", "table 'x', line 4: 1 cells for ('a', 'b')"),
    ],
)
def test_a_malformed_table_is_refused_by_its_line(text: str, message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        parse_table("x", text)
    assert str(caught.value) == message


def test_an_absent_table_is_an_error_with_a_way_out() -> None:
    with pytest.raises(CatalogError, match="'nothing' of the catalog can't be read") as caught:
        CATALOG.table("nothing")
    assert caught.value.hint
