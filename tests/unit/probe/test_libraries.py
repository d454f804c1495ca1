"""The scan of system libraries: extension modules compiled for it, and the real packages that are here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reprobuild.capture.interpreter import Probing
from reprobuild.probe import record
from reprobuild.probe.elf import Elf, read_elf
from reprobuild.probe.libraries import Libraries
from reprobuild.probe.loader import Loader, cached_paths
from reprobuild.probe.system_packages import _of_apk, _of_dpkg, packages_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="shared libraries are ELF files on Linux only")


def compile_library(path: Path, *needed: str | Path, options: tuple[str, ...] = ()) -> Path:
    """A shared library that needs others, made by the machine's compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler on this machine")
    path.parent.mkdir(parents=True, exist_ok=True)
    source = path.with_suffix(".c")
    source.write_text("int value(void) { return 1; }\n")
    command = [compiler, "-shared", "-fPIC", "-o", path, source, "-Wl,--no-as-needed", *needed, *options]
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    source.unlink()
    return path


def write_record(folder: Path, name: str, *files: str) -> None:
    info = folder / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


def scanned(folder: Path) -> dict[str, Any]:
    return record.probe(extras=frozenset({"libraries"}), paths=[str(folder)])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Packages whose modules need a library of their own, one of the system and one that is gone."""
    own = compile_library(tmp_path / "site" / "pack.libs" / "libown.so.2", options=("-Wl,-soname,libown.so.2",))
    gone = compile_library(tmp_path / "libgone.so.1", options=("-Wl,-soname,libgone.so.1",))
    compile_library(
        tmp_path / "site" / "pack" / "_module.so", own, gone, "-lm", options=("-Wl,-rpath,$ORIGIN/../pack.libs",)
    )
    compile_library(tmp_path / "site" / "second.so", own)
    write_record(tmp_path / "site", "pack", "pack/_module.so", "pack.libs/libown.so.2")
    write_record(tmp_path / "site", "second", "second.so")
    gone.unlink()
    return tmp_path / "site"


def test_what_a_module_needs_is_read_as_the_linker_wrote_it(site: Path) -> None:
    elf = read_elf(str(site / "pack" / "_module.so"))
    assert elf is not None
    assert elf.needed[:2] == ["libown.so.2", "libgone.so.1"]
    assert elf.rpath + elf.runpath == ["$ORIGIN/../pack.libs"]
    inner = read_elf(str(site / "pack.libs" / "libown.so.2"))
    assert inner is not None and inner.soname == "libown.so.2"


def test_outside_libraries_are_found_and_missing_ones_named(site: Path) -> None:
    facts = scanned(site)
    found = {library["soname"]: library for library in facts["system_libraries"]}
    assert "libown.so.2" not in found, "it lies in the environment, also for the module that has no path to it"
    assert found["libgone.so.1"] == {"soname": "libgone.so.1", "needed_by": ["pack"]}
    assert Path(found["libm.so.6"]["path"]).is_file()
    assert [note["message"] for note in facts["notes"]] == ["pack needs libgone.so.1, which is not there"]


def test_the_path_of_the_process_comes_first(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = compile_library(tmp_path / "elsewhere" / "libgone.so.1", options=("-Wl,-soname,libgone.so.1",))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(gone.parent))
    found = {library["soname"]: library for library in scanned(site)["system_libraries"]}
    assert found["libgone.so.1"]["path"] == str(gone)


@pytest.mark.parametrize("size", [0, 4, 20, 63, 64, 100, 700])
def test_a_broken_file_is_passed_over(site: Path, size: int) -> None:
    module = site / "pack" / "_module.so"
    module.write_bytes(module.read_bytes()[:size])
    read_elf(str(module))
    scanned(site)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a small library, without debugging information."""
    path = tmp_path_factory.mktemp("elf") / "libsmall.so.1"
    options = ("-Wl,-soname,libsmall.so.1", "-Wl,-rpath,$ORIGIN/../lib", "-s", "-lm")
    return compile_library(path, options=options).read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_file_that_ends_early_tells_the_whole_truth_or_nothing(
    library: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "cut.so"
    path.write_bytes(library)
    whole = read_elf(str(path))
    assert whole is not None and whole.soname == "libsmall.so.1" and whole.needed[0] == "libm.so.6"
    path.write_bytes(library[: data.draw(st.integers(0, len(library) - 1))])
    cut = read_elf(str(path))
    assert cut is None or vars(cut) == vars(whole)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(data=st.data())
def test_any_bytes_may_stand_in_an_elf_file(library: bytes, tmp_path: Path, data: st.DataObject) -> None:
    """The header and the tables hold the offsets that a reader follows, so most changes are made there."""
    content = bytearray(library)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, 1024) | st.integers(0, len(library) - 9))
        size = data.draw(st.sampled_from((1, 2, 4, 8)))
        value = data.draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)) | st.integers(0, 255))
        content[place : place + size] = bytes([value]) * size
    path = tmp_path / "changed.so"
    path.write_bytes(content)
    elf = read_elf(str(path))
    assert elf is None or all(isinstance(name, str) for name in elf.needed)


def test_a_pipe_of_that_name_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "waiting.so")
    assert read_elf(str(tmp_path / "waiting.so")) is None


@given(st.binary(max_size=200).map(lambda rest: b"glibc-ld.so.cache1.1" + rest))
def test_a_broken_cache_of_the_loader_is_passed_over(content: bytes) -> None:
    assert all(paths for paths in cached_paths(content).values())


def test_the_cache_of_this_machine_is_what_ldconfig_prints() -> None:
    program = shutil.which("ldconfig") or "/sbin/ldconfig"
    if not Path(program).is_file() or not Path("/etc/ld.so.cache").is_file():
        pytest.skip("this system has no ldconfig or no cache")
    printed = subprocess.run([program, "-p"], capture_output=True, text=True, check=True).stdout
    pairs = [line.split(" => ") for line in printed.splitlines() if " => " in line]
    expected: dict[str, list[str]] = {}
    for name, path in pairs:
        expected.setdefault(name.split(" (")[0].strip(), []).append(path.strip())
    assert cached_paths(Path("/etc/ld.so.cache").read_bytes()) == expected


def test_the_libraries_of_another_environment_are_not_ours(tmp_path: Path) -> None:
    """A source tree, installed as editable, that holds a virtual environment of somebody else."""
    compile_library(tmp_path / "tree" / "package" / "_module.so", "-lm")
    other = compile_library(tmp_path / "gone" / "libother.so.1", options=("-Wl,-soname,libother.so.1",))
    for folder in (".venv", "env"):
        compile_library(tmp_path / "tree" / folder / "lib" / "_other.so", other)
    (tmp_path / "tree" / "env" / "pyvenv.cfg").touch()
    other.unlink()
    write_record(tmp_path / "site", "tree")
    direct = {"url": (tmp_path / "tree").as_uri(), "dir_info": {"editable": True}}
    (tmp_path / "site" / "tree-1.dist-info" / "direct_url.json").write_text(json.dumps(direct))
    found = {item["soname"]: item for item in scanned(tmp_path / "site")["system_libraries"]}
    assert "libother.so.1" not in found
    assert found["libm.so.6"]["needed_by"] == ["tree"]


def ldd(path: str) -> dict[str, str]:
    """What the real loader resolves, soname to path."""
    printed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    pairs = [line.split(" => ") for line in printed.splitlines() if " => /" in line]
    return {name.strip(): path.rsplit(" (", 1)[0] for name, path in pairs}


@pytest.mark.parametrize(
    ("package", "pattern"), [("numpy", "numpy/_core/_multiarray_umath*.so"), ("torch", "torch/lib/libtorch_python.so")]
)
def test_the_real_packages_of_this_environment_resolve_as_the_loader_does(package: str, pattern: str) -> None:
    facts = json.loads(Probing(sys.executable, extras=("libraries",)).output())
    modules = [path for folder in sys.path for path in Path(folder).glob(pattern)]
    if not modules or shutil.which("ldd") is None:
        pytest.skip(f"{package} or ldd is not here")
    resolved = ldd(str(modules[0]))
    of_package = [library for library in facts["system_libraries"] if package in library["needed_by"]]
    assert {"libc.so.6", "libstdc++.so.6"} <= {library["soname"] for library in of_package}
    for library in of_package:
        if library["soname"] in resolved:
            assert os.path.realpath(library["path"]) == os.path.realpath(resolved[library["soname"]])
    # Whatever the loader takes from outside the environment for the module itself is recorded.
    elf = read_elf(str(modules[0]))
    assert elf is not None
    outside = {name for name in elf.needed if name in resolved and not resolved[name].startswith(sys.prefix)}
    own_loader = {name for name in outside if name.startswith("ld-")}
    assert outside - own_loader <= {library["soname"] for library in of_package}


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="this system has no dpkg")
def test_packages_are_those_that_dpkg_names() -> None:
    facts = json.loads(Probing(sys.executable, extras=("libraries",)).output())
    for library in facts["system_libraries"]:
        command = ["dpkg-query", "-W", "-f", "${Version}", library["package"]]
        versions = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert library["package_version"] in versions
    assert {"libc6"} <= {library["package"] for library in facts["system_libraries"]}


def test_dpkg_s_database_is_read_from_disk(tmp_path: Path) -> None:
    (tmp_path / "info").mkdir()
    (tmp_path / "info" / "libz1:amd64.list").write_text("/.\n/lib\n/lib/libz.so.1\n/lib/libz.so.1.2\n")
    (tmp_path / "info" / "other.list").write_text("/lib/libother.so\n")
    (tmp_path / "status").write_text("Package: a\nVersion: 0\n\nPackage: libz1\nStatus: ok\nVersion: 1:1.2-3\n\n")
    names = {"/lib/libz.so.1": "/usr/lib/libz.so.1", "/usr/lib/libz.so.1": "/usr/lib/libz.so.1"}
    assert _of_dpkg(names, str(tmp_path)) == {"/usr/lib/libz.so.1": ("libz1", "1:1.2-3")}


def test_apk_s_database_is_read() -> None:
    database = "C:Q1=\nP:zlib\nV:1.3.1-r0\nF:lib\nR:libz.so.1\nZ:x\n\nP:musl\nV:1.2.4-r2\nF:lib\nR:ld-musl.so.1\n"
    assert _of_apk({"/lib/libz.so.1": "/lib/libz.so.1"}, database) == {"/lib/libz.so.1": ("zlib", "1.3.1-r0")}


def test_rpm_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name stands in for rpm, which may be missing: it prints what the format asks for."""
    program = tmp_path / "rpm"
    program.write_text("#!/bin/sh\nprintf 'glibc\\t2.34-100.el9\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("reprobuild.probe.system_packages._DPKG", str(tmp_path / "no-dpkg"))
    monkeypatch.setattr("reprobuild.probe.system_packages._APK", str(tmp_path / "no-apk"))
    assert packages_of(["/lib64/libc.so.6"]) == {"/lib64/libc.so.6": ("glibc", "2.34-100.el9")}


def test_a_library_that_code_opens_by_name_is_looked_for(tmp_path: Path) -> None:
    write_record(tmp_path, "sounddevice", "sounddevice.py")
    names = [library["soname"] for library in scanned(tmp_path).get("system_libraries", [])]
    assert names == ["libportaudio.so.2"]
    (tmp_path / "_sounddevice_data").mkdir()
    compile_library(tmp_path / "_sounddevice_data" / "libportaudio.so")
    assert "libportaudio.so.2" not in [item["soname"] for item in scanned(tmp_path).get("system_libraries", [])]


def test_another_number_of_such_a_library_serves_and_what_is_only_tried_is_not_missed(tmp_path: Path) -> None:
    """libc stands in for a library whose number nobody foresaw: it is on every machine."""
    write_record(tmp_path, "PyOpenGL", "OpenGL/GL.py")
    write_record(tmp_path, "pyvips", "pyvips/__init__.py")
    libraries = Loader()
    assert libraries.find_any("libc.so.99")[1] == libraries.find("libc.so.6", libraries.program, read(libraries))
    facts = scanned(tmp_path)
    named = {note["message"].split()[0] for note in facts["notes"] if note["code"] == "missing-library"}
    assert "PyOpenGL" not in named
    assert all("path" in item for item in facts["system_libraries"] if item["needed_by"] == ["PyOpenGL"])


def read(libraries: Loader) -> Elf:
    """This interpreter's own file."""
    elf = libraries.read(libraries.program)
    assert elf is not None
    return elf


def test_what_a_library_needs_that_no_package_holds_is_found_too(tmp_path: Path, monkeypatch: Any) -> None:
    """As somebody's own build in /usr/local: no package of the operating system brings what it needs."""
    place = tmp_path / "local"
    gone = compile_library(place / "libdeep.so.3", options=("-Wl,-soname,libdeep.so.3",))
    own = compile_library(place / "libmade.so.1", gone, "-lm", options=("-Wl,-soname,libmade.so.1",))
    compile_library(tmp_path / "site" / "pack" / "_module.so", own)
    write_record(tmp_path / "site", "pack", "pack/_module.so")
    gone.unlink()
    monkeypatch.setenv("LD_LIBRARY_PATH", str(place))
    facts = scanned(tmp_path / "site")
    found = {item["soname"]: item for item in facts["system_libraries"]}
    assert found["libmade.so.1"] == {"soname": "libmade.so.1", "path": str(own), "needed_by": ["pack"]}
    assert found["libdeep.so.3"] == {"soname": "libdeep.so.3", "needed_by": ["pack"]}
    assert found["libm.so.6"]["needed_by"] == ["pack"]
    assert [note["message"] for note in facts["notes"]] == ["pack needs libdeep.so.3, which is not there"]


def test_the_driver_s_library_is_recorded_but_nobody_is_told(tmp_path: Path) -> None:
    driver = compile_library(tmp_path / "libcuda-none.so.1", options=("-Wl,-soname,libnvidia-none.so.1",))
    compile_library(tmp_path / "site" / "torch" / "_C.so", driver)
    write_record(tmp_path / "site", "torch", "torch/_C.so")
    facts = scanned(tmp_path / "site")
    assert "libnvidia-none.so.1" in [item["soname"] for item in facts["system_libraries"]]
    assert "notes" not in facts


def test_the_scan_tells_libstdcxx_and_blas() -> None:
    pytest.importorskip("numpy", reason="numpy brings the BLAS", exc_type=ImportError)
    system = json.loads(Probing(sys.executable, extras=("libraries",)).output())["system"]
    assert system["libstdcxx"].startswith("GLIBCXX_3.4.")
    assert any("openblas" in path for path in system["blas"])
    assert Libraries.__doc__


def test_changed_and_vanished_files_are_named(tmp_path: Path) -> None:
    import base64
    import hashlib

    lines = []
    for name in ("kept.py", "changed.py", "gone.py"):
        (tmp_path / name).write_text(name)
        digest = base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode().rstrip("=")
        lines.append(f"{name},sha256={digest},{len(name)}\n")
    info = tmp_path / "x-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: x\nVersion: 1\n")
    (info / "RECORD").write_text("".join(lines) + "x-1.dist-info/RECORD,,\nodd,md5=1,1\n")
    (tmp_path / "changed.py").write_text("other")
    (tmp_path / "gone.py").unlink()
    facts = record.probe(extras=frozenset({"files"}), paths=[str(tmp_path)])
    assert facts["distributions"][0]["changed_files"] == ["changed.py", "gone.py"]
