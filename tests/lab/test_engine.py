"""Docker's engine for real: events, processes, facts, pushes, and its own words when something is missing."""

from __future__ import annotations

import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.lab.laboratory import Laboratory
from tests.lab.laboratory.wheels import made_up_wheel

from reprobuild.build import BuildFailed, BuildOptions, build
from reprobuild.engine import BuildEvent, Built, CacheHit, Output, StepStarted
from reprobuild.engine.docker import DockerEngine
from reprobuild.errors import EngineError
from reprobuild.render import Recipe

pytestmark = pytest.mark.lab

BASE = "ubuntu:22.04"


@pytest.fixture(scope="module")
def engine(lab: Laboratory) -> Iterator[DockerEngine]:
    lab.provide_base(BASE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", lab.docker_host)
        yield DockerEngine.from_environment()


def recipe(dockerfile: str, **files: bytes) -> Recipe:
    return Recipe(files={"Dockerfile": dockerfile.encode(), **files})


def failed(engine: DockerEngine, dockerfile: str, *, network: str = "host") -> BuildFailed:
    with pytest.raises(BuildFailed) as caught:
        build(recipe(dockerfile), engine, BuildOptions(network=network))
    return caught.value


def test_the_engine_describes_itself(engine: DockerEngine, lab: Laboratory) -> None:
    assert engine.describe().startswith("Docker Engine ")
    assert engine.describe().endswith(f"at {lab.docker_host}")


def test_a_build_is_told_in_events_and_the_second_one_comes_from_the_cache(engine: DockerEngine) -> None:
    made = recipe(f"FROM {BASE}\nCOPY here /there/\nRUN echo out; echo error >&2\n", here=b"content")
    first, second = list[BuildEvent](), list[BuildEvent]()
    result = build(made, engine, BuildOptions(tag="events:1", network="host"), first.append)
    assert [event.instruction for event in first if isinstance(event, StepStarted)] == [
        f"FROM {BASE}",
        "COPY here /there/",
        "RUN echo out; echo error >&2",
    ]
    assert {event.text for event in first if isinstance(event, Output)} == {"out", "error"}
    assert first[-1] == Built(image_id=result.image_id)
    again = build(made, engine, BuildOptions(tag="events:1", network="host"), second.append)
    assert second.count(CacheHit()) == again.cached_steps == 2
    assert again.image_id == result.image_id


def test_the_base_comes_from_the_registry_under_its_public_name(engine: DockerEngine, lab: Laboratory) -> None:
    lab.images.forget(BASE)
    build(recipe(f"FROM {BASE}\n"), engine, BuildOptions())
    (digest,) = [name for name in engine.inspect(BASE).repo_digests if name.startswith("ubuntu@")]
    manifest = urllib.request.Request(
        f"http://{lab.registry}/v2/library/ubuntu/manifests/22.04",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
    )
    with urllib.request.urlopen(manifest, timeout=10) as answer:
        assert digest == f"ubuntu@{answer.headers['Docker-Content-Digest']}"


def test_labels_and_platform_are_read_back(engine: DockerEngine) -> None:
    build(recipe(f'FROM {BASE}\nLABEL a.b="c d"\n'), engine, BuildOptions(tag="labels"))
    facts = engine.inspect("labels")
    assert facts.labels == {"a.b": "c d"}
    assert facts.os == "linux"
    assert facts.size_bytes is not None
    assert facts.size_bytes > 10_000_000


def test_a_process_gives_back_both_streams_and_its_exit_code(engine: DockerEngine) -> None:
    command = ("sh", "-c", 'printf "$WORD\\n"; echo no >&2; exit 4')
    result = engine.run(BASE, command, environment={"WORD": "yes"}, network="none", timeout_s=60)
    assert (result.exit_code, result.stdout, result.stderr) == (4, b"yes\n", b"no\n")


def test_large_output_is_whole(engine: DockerEngine) -> None:
    result = engine.run(BASE, ("seq", "300000"), environment={}, network="none", timeout_s=120)
    assert result.stdout == "".join(f"{number}\n" for number in range(1, 300_001)).encode()


def test_an_entrypoint_can_be_kept_replaced_or_left_out(engine: DockerEngine) -> None:
    build(recipe(f'FROM {BASE}\nENTRYPOINT ["echo", "kept"]\n'), engine, BuildOptions(tag="entry"))

    def printed(entrypoint: tuple[str, ...] | None) -> bytes:
        return engine.run(
            "entry", ("echo", "x"), environment={}, network="none", timeout_s=60, entrypoint=entrypoint
        ).stdout

    assert printed(None) == b"kept echo x\n"
    assert printed(()) == b"x\n"
    assert printed(("echo", "replaced")) == b"replaced echo x\n"


def test_a_program_that_is_not_there_has_the_shells_exit_code(engine: DockerEngine) -> None:
    result = engine.run(BASE, ("/opt/venv/bin/python",), environment={}, network="none", timeout_s=60)
    assert result.exit_code == 127
    assert b"no such file" in result.stderr


def test_a_process_that_does_not_end_is_killed_and_removed(engine: DockerEngine, lab: Laboratory) -> None:
    with pytest.raises(EngineError, match="did not end within 1 s"):
        engine.run(BASE, ("sleep", "1000"), environment={}, network="none", timeout_s=1)
    assert lab.client.containers.list(all=True) == []


def test_an_image_that_is_not_there(engine: DockerEngine) -> None:
    with pytest.raises(EngineError, match="no such image"):
        engine.inspect("never:built")
    with pytest.raises(EngineError, match="no such image"):
        engine.run("never:built", ("true",), environment={}, network="none", timeout_s=60)


def test_a_push_reaches_the_registry(engine: DockerEngine, lab: Laboratory) -> None:
    tag = f"{lab.registry}/mine/run:1"
    assert build(recipe(f"FROM {BASE}\nLABEL pushed=yes\n"), engine, BuildOptions(tag=tag, push=True)).pushed
    engine.remove(tag)
    lab.client.images.pull(f"{lab.registry}/mine/run", "1")
    assert engine.inspect(tag).labels == {"pushed": "yes"}


def test_a_push_to_nowhere_is_refused(engine: DockerEngine) -> None:
    with pytest.raises(EngineError, match="cannot push"):
        build(recipe(f"FROM {BASE}\n"), engine, BuildOptions(tag="127.0.0.1:1/mine/run:1", push=True))


def test_a_tag_that_the_registry_does_not_have(engine: DockerEngine, lab: Laboratory) -> None:
    error = failed(engine, f"FROM {lab.registry}/nvidia/cuda:11.7.0-base-ubuntu22.04\n")
    assert error.diagnosis.name == "tag-missing"
    assert "11.7.0-base-ubuntu22.04" in str(error)


def test_a_registry_that_nobody_reaches(engine: DockerEngine) -> None:
    assert failed(engine, "FROM 127.0.0.1:1/some/image:1\n").diagnosis.name == "registry-unreachable"


def test_a_system_package_that_does_not_exist(engine: DockerEngine) -> None:
    error = failed(engine, f"FROM {BASE}\n# The tools.\nRUN apt-get update && apt-get install -y no-such-package\n")
    assert str(error) == "step 2/2 (The tools) failed: the base's release has no system package no-such-package"
    assert any("no-such-package" in line for line in error.output)


def test_a_step_without_network(engine: DockerEngine) -> None:
    dockerfile = f"FROM {BASE}\nRUN apt-get update && apt-get install -y git\n"
    assert failed(engine, dockerfile, network="none").diagnosis.name == "network"


def test_a_full_disk(engine: DockerEngine) -> None:
    assert failed(engine, f"FROM {BASE}\nRUN head -c 1M /dev/zero > /dev/full\n").diagnosis.name == "no-space"


def test_a_forbidden_step(engine: DockerEngine) -> None:
    dockerfile = f"FROM {BASE}\nUSER 1000\nRUN mkdir /not-mine\n"
    assert failed(engine, dockerfile).diagnosis.name == "permission"


def test_a_recipe_that_the_engine_does_not_understand(engine: DockerEngine) -> None:
    assert failed(engine, "FROM scratch\nRUNN x\n").diagnosis.name == "recipe"
    assert failed(engine, f"FROM {BASE}\nCOPY nothing /\n").diagnosis.name == "recipe"
    assert failed(engine, f"FROM {BASE}\nRUN --mount=type=cache,target=/x true\n").diagnosis.name == "buildkit"


def test_another_exit_code(engine: DockerEngine) -> None:
    error = failed(engine, f"FROM {BASE}\nRUN echo reason; exit 42\n")
    assert "exit code 42" in str(error)
    assert error.output == ("reason",)


def test_proxies_reach_the_steps_and_not_the_image(engine: DockerEngine) -> None:
    seen: list[BuildEvent] = []
    options = BuildOptions(tag="proxied", build_arguments={"HTTPS_PROXY": "http://proxy.example:3128"}, no_cache=True)
    build(recipe(f'FROM {BASE}\nRUN echo "through $HTTPS_PROXY"\n'), engine, options, seen.append)
    assert Output(text="through http://proxy.example:3128") in seen
    result = engine.run("proxied", ("env",), environment={}, network="none", timeout_s=60)
    assert b"proxy.example" not in result.stdout


def test_a_second_laboratory_stands_beside_the_first_and_leaves_nothing_behind(lab: Laboratory) -> None:
    second = Laboratory.start()
    folder = second.folder
    assert second.registry != lab.registry
    second.stop()
    assert not folder.exists()
    assert str(folder) not in Path("/proc/self/mounts").read_text()
    assert lab.client.ping()


@pytest.fixture
def authority(lab: Laboratory, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The laboratory's site over TLS, under an authority that nobody knows: its URL and the authority's certificate."""
    certificate, key = tmp_path / "authority.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=laboratory", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    openssl = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run([*openssl, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handler = partial(SimpleHTTPRequestHandler, directory=str(lab.site.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}/whl", certificate
        server.shutdown()


def test_an_authority_of_the_network_is_trusted_when_it_is_given(
    engine: DockerEngine, lab: Laboratory, authority: tuple[str, Path], tmp_path: Path
) -> None:
    url, certificate = authority
    lab.site.add_wheel("tls", made_up_wheel(tmp_path, "made-up", "1.0", {"made_up.py": ""}))
    base = lab.provide_base("python:3.11-slim")
    install = f"pip install --retries 0 --index-url {url}/tls made-up==1.0"
    error = failed(engine, f"FROM {base}\nRUN {install}\n")
    assert error.diagnosis.name == "tls"
    assert "--ca-certificate" in (error.hint or "")
    trusting = recipe(f"FROM {base}\nCOPY certificates/ /c/\nRUN PIP_CERT=/c/given.crt {install}\n")
    build(trusting, engine, BuildOptions(network="host", ca_certificate=certificate))


def test_a_package_that_the_index_does_not_have(engine: DockerEngine, lab: Laboratory, tmp_path: Path) -> None:
    lab.images.provide_uv("ghcr.io/astral-sh/uv:of-this-lab")
    lab.site.add_wheel("cpu", made_up_wheel(tmp_path, "made-up", "1.0", {"made_up.py": ""}))
    lines = f"FROM {lab.provide_base('python:3.11-slim')}\nCOPY --from=ghcr.io/astral-sh/uv:of-this-lab /uv /uv\n"
    install = f"RUN /uv pip install --system --no-cache --index-url {lab.site.pytorch_index}/cpu"
    missing = failed(engine, f"{lines}{install} made-up==2.0\n")
    assert (missing.diagnosis.name, "made-up==2.0" in str(missing)) == ("package-missing", True)
    assert failed(engine, f"{lines}{install} never-was\n").diagnosis.name == "package-missing"
    wrong = f"made-up==1.0 --hash=sha256:{'0' * 64}"
    hashed = f"{lines}RUN echo '{wrong}' > /r.txt\n{install} --require-hashes -r /r.txt\n"
    assert failed(engine, hashed).diagnosis.name == "checksum"
    build(
        recipe(f"{lines}{install} made-up==1.0\nRUN python -c 'import made_up'\n"), engine, BuildOptions(network="host")
    )
