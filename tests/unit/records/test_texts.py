"""The short texts that describe a machine, pip's reports, and what they add to another record."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprobuild.errors import RecordError, UsageError
from reprobuild.records import parse, read, read_all, settle
from reprobuild.records.combine import Part, combine
from reprobuild.records.inference import with_inferences
from reprobuild.records.os_names import system_of_name
from reprobuild.records.python_bounds import bounds_of, likeliest
from reprobuild.records.requirement_lines import parse_lines
from reprobuild.records.text import bounded
from reprobuild.snapshot import Distribution, Evidence, Note, PythonFacts, Snapshot

RECORDS = Path(__file__).parents[2] / "data" / "records"


def test_nvidia_smi_tells_driver_ceiling_and_gpus() -> None:
    gpu = read(RECORDS / "nvidia-smi.txt").gpu
    assert gpu is not None and (gpu.driver_version, gpu.driver_cuda) == ("535.104.05", "12.2")
    assert [(device.name, device.memory_bytes) for device in gpu.devices] == [
        ("Tesla T4", 15360 * 1024**2),
        ("NVIDIA A100-SXM4-40GB", 40960 * 1024**2),
    ]


def test_nvcc_os_info_os_release_and_apt() -> None:
    assert read(RECORDS / "nvcc.txt").cuda_toolkit == "12.2.140"
    info = read(RECORDS / "os-info.txt")
    assert (info.python.version, info.system.os_id, info.system.os_version) == ("3.11.11", "ubuntu", "22.04")
    assert read(RECORDS / "os-release.txt").system.os_version == "12"
    apt = read(RECORDS / "apt-list.txt")
    assert (apt.system.os_id, apt.system.os_version, apt.system.machine) == ("ubuntu", "20.04", "x86_64")
    assert apt.cuda_toolkit == "11.8.89"
    assert [(item.soname, item.package_version) for item in apt.system_libraries] == [
        ("libcudnn.so.8", "8.7.0.84-1+cuda11.8")
    ]


@pytest.mark.parametrize(
    ("text", "os_id", "version"),
    [
        ("Ubuntu 22.04.4 LTS (x86_64)", "ubuntu", "22.04"),
        ("Debian GNU/Linux 9 (stretch)", "debian", "9"),
        ("CentOS Linux release 7.5.1804 (Core)", "centos", "7"),
        ("Red Hat Enterprise Linux 9.5 (Plow) (x86_64)", "rhel", "9.5"),
        ("Arch Linux (x86_64)", "arch", None),
        ("macOS 12.5 (arm64)", "macos", "12.5"),
        ("Microsoft Windows 10 Pro", "windows", "10"),
        ("EndeavourOS Linux (x86_64)", None, None),
        ("Mac OSX 10.14.6", "macos", "10.14.6"),
        ("Microsoft Windows 11 Pro (10.0.22631 64-bit)", "windows", "11"),
        ("Rocky Linux 8.6 (Green Obsidian) (x86_64)", "rocky", "8.6"),
    ],
)
def test_names_of_systems(text: str, os_id: str | None, version: str | None) -> None:
    system = system_of_name(text)
    assert system is not None and (system.os_id, system.os_version) == (os_id, version)


def test_pip_inspect_keeps_installer_request_and_origin() -> None:
    snapshot = read(RECORDS / "pip-inspect.json")
    numpy, thing, torch = snapshot.distributions
    assert (numpy.installer, numpy.requested, torch.installer, torch.requested) == ("pip", True, "uv", False)
    assert thing.direct_url is not None and thing.direct_url.url == "https://example.org/thing-0.3.tar.gz"
    assert thing.direct_url.archive_info is not None and "sha256" in thing.direct_url.archive_info.hashes
    assert (snapshot.python.version, snapshot.system.machine) == ("3.10.12", "x86_64")
    assert snapshot.torch is not None and snapshot.torch.cuda == "12.1"


@pytest.mark.parametrize("name", ["pip-list.json", "pip-list.txt"])
def test_pip_list(name: str) -> None:
    found = {item.name: item for item in read(RECORDS / name).distributions}
    assert found["numpy"].version == "1.24.3"
    mine = found["mine"].direct_url
    assert (
        mine is not None
        and mine.url == "file:///home/someone/mine"
        and mine.dir_info is not None
        and mine.dir_info.editable
    )


def test_records_of_one_run_complete_each_other() -> None:
    snapshot = read_all([RECORDS / "collect_env.txt", RECORDS / "nvidia-smi.txt", RECORDS / "nvcc.txt"])
    assert snapshot.python.version == "3.8.11" and snapshot.gpu is not None and snapshot.gpu.driver_cuda == "12.2"
    conflicts = {note.path: note.message for note in snapshot.notes if note.code == "conflict"}
    assert set(conflicts) == {"gpu.driver_version", "gpu.devices", "cuda_toolkit"}
    assert conflicts["cuda_toolkit"] == (
        "collect_env.txt says cuda_toolkit is 11.4.120, nvcc.txt says 12.2.140: the first one is taken"
    )
    assert snapshot.cuda_toolkit == "11.4.120"


def part(source: str, **facts: object) -> Part:
    """A part with some facts of Python."""
    return Part(source=source, snapshot=Snapshot(**facts))  # type: ignore[arg-type]  # the test names the fields


def test_a_told_fact_beats_an_inferred_one_and_a_longer_version_a_shorter_one() -> None:
    proof = Evidence(fact="python.version", value="3.9", certainty="inferred", source="a", reason="because")
    guessed = part("a", python=PythonFacts(version="3.9"), evidence=(proof,))
    told = part("b", python=PythonFacts(version="3.10"))
    precise = part("c", python=PythonFacts(version="3.10.4"))
    combined = combine([guessed, told, precise])
    assert combined.python.version == "3.10.4" and combined.evidence == () and combined.notes == ()
    kept = combine([guessed, part("d")])
    assert kept.python.version == "3.9" and kept.evidence == (proof,)


def test_lists_that_disagree_say_so_and_the_first_wins() -> None:
    one = part("freeze.txt", distributions=(Distribution(name="Numpy", version="1.0"),))
    other = part(
        "env.txt", distributions=(Distribution(name="numpy", version="2.0"), Distribution(name="x", version="1"))
    )
    combined = combine([one, other])
    assert [(item.name, item.version) for item in combined.distributions] == [("Numpy", "1.0"), ("x", "1")]
    assert [note.message for note in combined.notes] == [
        "freeze.txt lists Numpy 1.0, env.txt 2.0: the first one is taken"
    ]


@pytest.mark.parametrize(
    ("lines", "python"),
    [
        ("numpy==1.24.4\nzipp==3.20.2\ntorch==1.10.0", "3.8"),
        ("pandas==2.1.0\nnumpy==1.26.0", "3.9"),
        ("jaxlib @ https://h.example/jaxlib-0.4.7-cp39-cp39-linux_x86_64.whl", "3.9"),
        ("x @ https://h.example/x-1-cp37-abi3-linux_x86_64.whl", None),
        ("requests==2.31.0", None),
    ],
)
def test_python_is_inferred_from_tags_and_versions(lines: str, python: str | None) -> None:
    snapshot = with_inferences(Snapshot(distributions=parse_lines(lines).distributions))
    assert snapshot.python.version == python
    assert (python is None) == ("python-unknown" in [note.code for note in snapshot.notes])


@pytest.mark.parametrize(
    ("line", "system", "machine"),
    [
        ("x @ https://h.example/x-1-cp39-cp39-manylinux_2_17_x86_64.whl", "Linux", "x86_64"),
        ("x @ https://h.example/x-1-py3-none-manylinux2014_aarch64.whl", "Linux", "aarch64"),
        ("x @ https://h.example/x-1-cp39-cp39-win_amd64.whl", "Windows", "AMD64"),
        ("x @ https://h.example/x-1-cp39-cp39-macosx_11_0_arm64.whl", "Darwin", "arm64"),
        ("x @ https://h.example/x-1-py3-none-any.whl", None, None),
        ("numpy @ file:///croot/numpy_and_numpy_base_1672336185480/work", "Linux", None),
        ("numpy @ file:///C:/b/abs_1/croot/numpy_1672336185480/work", "Windows", None),
        ("numpy @ file:///private/var/folders/x/croot/numpy_1672336185480/work", "Darwin", None),
        ("six @ file:///croot/six_1672336185480/work", None, None),
    ],
)
def test_files_betray_system_and_machine(line: str, system: str | None, machine: str | None) -> None:
    snapshot = parse(f"{line}\nrequests==2.31.0\n".encode(), "freeze.txt")
    assert (snapshot.system.system, snapshot.system.machine) == (system, machine)
    proved = {item.fact for item in snapshot.evidence}
    assert ("system.system" in proved, "system.machine" in proved) == (bool(system), bool(machine))


def test_bounds_that_contradict_each_other_infer_nothing() -> None:
    listed = parse_lines("scipy==1.16.0\nnumpy==1.19.5\n").distributions
    bounds = bounds_of(listed)
    assert (bounds.lowest == (3, 11) and bounds.highest == (3, 10)) or bounds.highest == (3, 9)
    assert likeliest(bounds) is None


@pytest.mark.parametrize(
    ("lines", "system"),
    [
        ("appnope==0.1", "Darwin"),
        ("pywin32==306", "Windows"),
        ("pkg-resources==0.0.0", "Linux"),
        ("torch==2.5.1\nnvidia-cudnn-cu12==9.1.0.70", "Linux"),
        ("torch==2.5.1\nnvidia-nvimgcodec-cu12==0.2.0.7", None),
        ("nvidia-cudnn-cu12==9.1.0.70", None),
        ("nvidia-nccl-cu12==2.21.5", "Linux"),
        ("appnope==0.1.4 ; sys_platform == 'darwin'", None),
        ('pywin32==306 ; platform_system == "Windows"\nnumpy==1.26.4', None),
        ("appnope==0.1.4 ; python_version >= '3.6'", "Darwin"),
        (
            "torch==2.4.1+cu118\nfilelock==3.12\njinja2==3.1\nnetworkx==3.1\nsympy==1.12\ntyping_extensions==4.7",
            "Windows",
        ),
        ("torch==2.4.1+cu118", None),
        ("torch==2.4.1+cu118\ntriton==3.0.0", None),
        ("appnope==0.1\npywin32==306", None),
    ],
)
def test_the_system_is_inferred_from_packages_that_exist_only_there(lines: str, system: str | None) -> None:
    assert parse(lines.encode(), "freeze.txt").system.system == system


@pytest.mark.parametrize(
    ("lines", "python"),
    [
        ("python-apt==2.0.0+ubuntu0.20.4.4\npillow==7.0.0\nurllib3==1.26.4", "3.8"),
        ("python-apt==1.6.5+ubuntu0.2\nzipp==2.1.0\nnumpy==1.16.4", "3.6"),
        ("python-apt==2.2.1\ndbus-python==1.2.16", "3.9"),
        ("python-apt==2.4.0+ubuntu2\nnumpy==2.3.0", "3.11"),
        ("python-apt==1.6.5+ubuntu0.2\nenum34==1.1.6", None),
        ("PyGObject==3.36.0\ndbus-python==1.2.16", None),
    ],
)
def test_python_apt_is_the_systems_own_pythons(lines: str, python: str | None) -> None:
    assert parse(lines.encode(), "freeze.txt").python.version == python


@pytest.mark.parametrize(
    ("lines", "release"),
    [
        ("python-apt==2.4.0+ubuntu2", ("ubuntu", "22.04")),
        ("python-apt==2.2.1", ("debian", "11")),
        ("python-apt==1.1.0b1+ubuntu0.16.4.1", ("ubuntu", "16.04")),
        ("python-apt==2.0.1+ubuntu0.20.4.1", ("ubuntu", "20.04")),
        ("python-apt==1.6.5+ubuntu0.7", ("ubuntu", "18.04")),
        ("PyGObject==3.36.0\ndbus-python==1.2.16", ("ubuntu", "20.04")),
        ("PyGObject==3.48.2\ndbus-python==1.2.18", ("ubuntu", "22.04")),
        ("PyGObject==3.36.0", (None, None)),
        ("python-apt==0.0.0", (None, None)),
    ],
)
def test_the_release_is_inferred_from_the_systems_own_packages(lines: str, release: tuple[str | None, ...]) -> None:
    system = parse(lines.encode(), "freeze.txt").system
    assert (system.os_id, system.os_version) == release


def test_the_build_of_a_plain_torch_is_inferred_from_its_companions() -> None:
    snapshot = parse(b"torch==2.0.1\ntorchvision==0.15.2+cu118\n", "freeze.txt")
    assert snapshot.torch is not None and snapshot.torch.cuda == "11.8"
    wheels = parse(b"torch==2.1.0\nnvidia-cuda-runtime-cu12==12.1.105\nnvidia-cudnn-cu12==8.9.2.26\n", "freeze.txt")
    assert wheels.torch is not None and (wheels.torch.cuda, wheels.torch.cudnn) == ("12.1", "8.9.2.26")
    assert {item.certainty for item in wheels.evidence} == {"inferred"}


def test_what_a_person_settles_is_told() -> None:
    snapshot = settle(
        parse(b"numpy==1.24.4\nzipp==3.20.2\n", "x"), ["python=3.8.10", "os=ubuntu:20.04", "date=2023-05-01"]
    )
    assert (snapshot.python.version, snapshot.system.os_id, snapshot.system.os_version) == ("3.8.10", "ubuntu", "20.04")
    assert snapshot.recorded_at == "2023-05-01T00:00:00Z"
    assert {item.fact: item.certainty for item in snapshot.evidence}["python.version"] == "told"


@pytest.mark.parametrize(
    "setting", ["python", "python=latest", "nonsense=1", "python.build.x=1", "os=$(id)", "gpu.devices=1"]
)
def test_what_can_t_be_settled_is_refused(setting: str) -> None:
    with pytest.raises(UsageError):
        settle(Snapshot(), [setting])


def test_a_folder_of_texts_of_one_machine_is_one_record(tmp_path: Path) -> None:
    for name in ("os-info.txt", "apt-list.txt"):
        (tmp_path / name).write_bytes((RECORDS / name).read_bytes())
    (tmp_path / "pip-freeze.txt").write_text("numpy==1.24.3\n")
    snapshot = read(tmp_path)
    assert snapshot.python.version == "3.11.11" and [item.name for item in snapshot.distributions] == ["numpy"]
    (tmp_path / "uv.lock").write_bytes((RECORDS / "uv.lock").read_bytes())
    with pytest.raises(RecordError, match="this folder holds several records"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('PRETTY_NAME="Ubuntu 22.04.3 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\nID=ubuntu\n', "22.04"),
        ('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="20.04"\nVERSION_CODENAME=focal\n', "20.04"),
        ("Distributor ID:\tUbuntu\nDescription:\tUbuntu 20.04.6 LTS\nRelease:\t20.04\nCodename:\tfocal\n", "20.04"),
        ("No LSB modules are available.\nDescription:\tUbuntu 18.04.5 LTS\n", "18.04"),
        ("Ubuntu 22.04.4 LTS\nPython 3.11.11\n", "22.04"),
    ],
)
def test_texts_that_name_the_system(text: str, version: str) -> None:
    snapshot = parse(text.encode(), "system.txt")
    assert (snapshot.system.os_id, snapshot.system.os_version) == ("ubuntu", version)
    assert not snapshot.distributions


def test_notes_that_are_bounded_twice_are_counted_once() -> None:
    notes = [Note(code="a", message=f"note {number}") for number in range(34)]
    assert bounded(notes)[-1].message == "and 9 more of the kind a"
    assert bounded(bounded(notes)) == bounded(notes)
    assert bounded([*bounded(notes), *bounded(notes)])[-1].message == "and 43 more of the kind a"


def test_every_line_without_a_version_is_noted_or_counted() -> None:
    text = "".join(f"a{number} @ file:///tmp/build/{number}/work\n" for number in range(34))
    notes = [note.message for note in parse(text.encode(), "freeze.txt").notes if note.code == "local-file"]
    assert len(notes) == 26 and notes[-1] == "and 9 more of the kind local-file"
