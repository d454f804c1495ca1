"""Planted secrets of the common kinds: none survives in any field, what is no secret stays, and places are told."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reprobuild.capture.redaction import redact
from reprobuild.capture.secret_removal import REMOVED, redact_text

LETTERS = string.ascii_letters + string.digits
HEXADECIMAL = "0123456789abcdef"


def some(alphabet: str, length: int) -> st.SearchStrategy[str]:
    """Random text with a digit and a capital in it, as generated keys have."""
    return st.text(alphabet, min_size=length, max_size=length).map(
        lambda text: "q7Z"[: 3 if "Z" in alphabet else 0] + text
    )


def shaped(prefix: str, length: int, alphabet: str = LETTERS) -> st.SearchStrategy[tuple[str, str]]:
    """A key that its prefix gives away, wherever it stands: what is planted, and what must be gone."""
    return st.text(alphabet, min_size=length, max_size=length).map(lambda text: (prefix + text, prefix + text))


def named(pattern: str, length: int = 32, alphabet: str = LETTERS) -> st.SearchStrategy[tuple[str, str]]:
    """A secret that only what stands around it gives away."""
    return some(alphabet, length).map(lambda text: (pattern.format(text), text))


UPPER = string.ascii_uppercase + string.digits
KINDS: dict[str, st.SearchStrategy[tuple[str, str]]] = {
    "aws access key": shaped("AKIA", 16, UPPER),
    "aws secret key": named("aws_secret_access_key={}", 40),
    "github token": shaped("ghp_", 36),
    "github fine-grained token": shaped("github_pat_", 82, LETTERS + "_"),
    "gitlab token": shaped("glpat-", 20, LETTERS),
    "slack token": shaped("xoxb-", 40, string.digits),
    "google key": shaped("AIza", 35),
    "google oauth": shaped("ya29.", 60),
    "stripe key": shaped("sk_live_", 24),
    "openai key": shaped("sk-proj-", 48),
    "anthropic key": shaped("sk-ant-api03-", 60),
    "hugging face token": shaped("hf_", 34),
    "w&b key": named("WANDB_API_KEY={}", 40, HEXADECIMAL),
    "npm token": shaped("npm_", 36),
    "package index token": shaped("pypi-AgEI", 80),
    "json web token": st.tuples(some(LETTERS, 30), some(LETTERS, 40), some(LETTERS, 30)).map(
        lambda parts: (f"eyJ{parts[0]}.eyJ{parts[1]}.{parts[2]}",) * 2
    ),
    "private key": some(LETTERS, 64).map(
        lambda body: (f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----", body)
    ),
    "azure account key": named("DefaultEndpointsProtocol=https;AccountKey={}==;EndpointSuffix=x", 86),
    "azure signature": named("https://account.blob.example.org/data?sv=2024&sig={}%3D", 40),
    "password in a url": named("https://user:{}@git.example.org/team/repository.git", 12),
    "token in a url": named("https://{}@git.example.org/team/repository.git", 24),
    "database address": named("postgresql://runner:{}@db.example.org:5432/runs", 14),
    "password option": named("--password {}", 10),
    "token option": named("--hub-token={}", 20),
    "password in code": named('+    password = "{}"', 9),
    "authorization header": named("Authorization: Bearer {}", 40),
    "basic authorization": named("authorization: Basic {}", 40),
    "sendgrid key": st.tuples(some(LETTERS, 19), some(LETTERS, 40)).map(
        lambda parts: (f"SG.{parts[0]}.{parts[1]}",) * 2
    ),
    "telegram token": some(LETTERS, 30).map(lambda text: (f"123456789:AA{text}",) * 2),
    "docker token": shaped("dckr_pat_", 27),
    "databricks token": shaped("dapi", 32, HEXADECIMAL),
    "digitalocean token": shaped("dop_v1_", 64, HEXADECIMAL),
    "vault token": shaped("hvs.", 60),
    "json field": named('{{"api_key": "{}"}}', 24),
}

RECORD: dict[str, Any] = {
    "python_version": "3.11.7", "platform": "Linux", "pip_freeze": "torch==2.1.0\n", "packages": {"torch": "2.1.0"},
    "schema_version": 1, "recorder": {"name": "reprobuild", "version": "0"},
    "python": {"version": "3.11.7", "prefix": "/opt/venv"}, "system": {"os_name": "Debian", "cpu_features": ["avx"]},
    "distributions": [{"name": "torch", "version": "2.1.0", "direct_url": {"url": "x", "archive_info": {"hashes": {}}},
                       "tags": ["py3"], "location": "lib", "line": "torch"}],
    "torch": {"version": "2.1.0"}, "gpu": {"devices": [{"name": "T4"}]},
    "source": {"remote": "x", "branch": "main", "diff": "diff", "untracked": ["a"], "directory": ".",
               "submodules": [{"path": "p", "remote": "r"}]},
    "command": {"program": "python", "arguments": ["train.py", "--lr", "1"]},
    "environment_variables": {"OMP_NUM_THREADS": "1"}, "run": {"torch.threads": "1"},
    "data": [{"path": "d", "sha256": "0"}], "notes": [{"code": "c", "message": "m", "path": "p"}],
}  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every text in the record."""
    if isinstance(value, str):
        return [path]
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in entries for found in places(item, (*path, key))]


def planted(record: Any, path: tuple[Any, ...], text: str) -> Any:
    """A copy of the record with ``text`` in the place."""
    if not path:
        return text
    copy = dict(record) if isinstance(record, dict) else list(record)
    copy[path[0]] = planted(record[path[0]], path[1:], text)
    return copy


PLACES = places(RECORD)
AROUND = st.sampled_from(["{}", "before {} behind", "a\n{}\nb", "'{}'", "- {};", "({})"])


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_survives_in_any_field(kind: str) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(KINDS[kind], AROUND, st.sampled_from(PLACES))
    def check(secret: tuple[str, str], around: str, place: tuple[Any, ...]) -> None:
        text, hidden = secret
        cleaned = redact(planted(RECORD, place, around.format(text)))
        written = json.dumps(cleaned, ensure_ascii=False)
        assert hidden not in written
        assert sum(cleaned["redactions"].values()) >= 1
        assert redact(cleaned) == cleaned

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_survives_as_a_key(kind: str) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(KINDS[kind], st.sampled_from(["packages", "environment_variables", "unknown-key"]))
    def check(secret: tuple[str, str], place: str) -> None:
        cleaned = redact({**RECORD, place: {secret[0]: "1.0"}})
        assert secret[1] not in json.dumps(cleaned, ensure_ascii=False)
        assert redact(cleaned) == cleaned

    check()


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_redacted_once(text: str) -> None:
    cleaned, count = redact_text(text)
    assert (cleaned == text) == (count == 0)
    assert redact_text(cleaned) == (cleaned, 0)


HARMLESS = [
    "tokenizers==0.15.2\ntoken-utils==1.0\nsecretstorage==3.3.3\nkeyring==25.0\npasswordmeter==0.1.8\n",
    "-e git+https://github.com/example/repository@0123456789abcdef0123456789abcdef01234567#egg=repository",
    "package @ git+ssh://git@github.com/example/repository.git@v1",
    "ssh://alice@host.example.org/repository",
    "https://${USER}:${PASSWORD}@index.example.org/simple",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "--pad-token-id 0 --max-tokens 512 --tokenizer bert-base-uncased --eos_token </s>",
    "+    token = tokenizer.decode(ids)\n+    password = getpass()\n+    api_key = os.environ['API_KEY']",
    "+    next_token = logits.argmax()\n+    for key in keys: value = table[key]",
    "GCC 12.2.0 task-level ask-me risk-free disk-usage",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact_text(text) == (text, 0)


@pytest.mark.parametrize("prefix", ["b", "r", "f"])
def test_no_letter_of_a_secret_stays(prefix: str) -> None:
    assert redact_text(f"API_KEY={prefix}81f72e9a0c") == (f"API_KEY={REMOVED}", 1)
    assert redact_text(f"api_key = {prefix}'81f72e9a0c'") == (f"api_key = {prefix}'{REMOVED}'", 1)


def test_a_record_without_secrets_is_the_same_object() -> None:
    assert redact(RECORD) is RECORD


def test_places_are_told_and_earlier_counts_stay() -> None:
    record = {
        **RECORD,
        "pip_freeze": "a @ https://u:p4ssw0rd@example.org/a.whl\n",
        "command": {"arguments": ["t.py", "--api-key", "q1w2e3", "--name=x"]},
        "environment_variables": {"MY_TOKEN": "abc"},
        "redactions": {"pip_freeze": 2},
    }
    cleaned = redact(record)
    assert cleaned["redactions"] == {"pip_freeze": 3, "command.arguments": 1, "environment_variables.MY_TOKEN": 1}
    assert cleaned["command"]["arguments"] == ["t.py", "--api-key", REMOVED, "--name=x"]
    assert cleaned["pip_freeze"] == "a @ https://example.org/a.whl\n"
