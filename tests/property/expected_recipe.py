"""What any recipe may consist of: the grammar of its instructions, written down apart from the templates.

Values that a record may choose stand for themselves as narrow patterns: whatever hostile text got through
would have to look like a version, a name or a URL without anything that a shell or a Dockerfile obeys.
"""

from __future__ import annotations

import re

from tests.dockerfile_parser import instructions

from reprobuild.render import Recipe

_WORD = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
_IMAGE = r"[a-z0-9][A-Za-z0-9._/:-]*(@sha256:[0-9a-f]{64})?"
_URL = r"https?://[A-Za-z0-9._~:/?#@!*+,=%&-]+"
_QUOTED_URL = rf"('{_URL}'|{_URL})"
_TRUST = r"\. /opt/certificates/trust\.sh && "
_FILE = rf"/opt/recipe/requirements/{_WORD}\.txt"
_VALUE = r'"[A-Za-z0-9 .,:/_+@-]*"'
_PACKAGES = (
    r"(rm -f /etc/apt/sources\.list\.d/cuda\* && rm -f /etc/apt/sources\.list\.d/nvidia-ml\* && )?apt-get update && "
    rf"DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends( {_WORD})+ && "
    r"rm -rf /var/lib/apt/lists/\*"
)
_ORIGIN = (
    rf'(--default-index ("\$\{{PYTORCH_INDEX\}}/{_WORD}"|{_QUOTED_URL}) |'
    rf'--no-index --find-links ("\$\{{PYTORCH_INDEX\}}"/[A-Za-z0-9._/-]+|{_QUOTED_URL}) )?'
)
_VARIABLES = r"([A-Z_]+=('[A-Za-z0-9 .=_-]+'|[A-Za-z0-9._-]+) )*(PATH=\"/opt/build-\d\d/bin:\$\{PATH\}\" )?"


def _group(folder: str) -> str:
    """One group of packages, installed into the environment in that folder: by uv, or by a pip of its own."""
    python = rf"/opt/{folder}/bin/python"
    requires = (
        rf"uv pip install --python {python} --target /opt/build-\d\d (--constraints {_FILE} )?"
        rf"(--exclude-newer [0-9TZ:.-]+ )?--requirements {_FILE} && "
    )
    by_uv = (
        rf"{_TRUST}({requires})?{_VARIABLES}(PYTHONPATH=/opt/build-\d\d )?"
        rf"uv pip install --python {python} (--no-deps )?{_ORIGIN}(--require-hashes )?"
        rf"(--no-build-isolation )?(--build-constraints {_FILE} )?(--exclude-newer [0-9TZ:.-]+ )?--requirements {_FILE}"
    )
    by_pip = (
        rf"{_TRUST}({requires})?"
        rf"uv pip install --python {python} --no-deps --target /opt/pip-[0-9.]+ pip==[0-9.]+ && "
        rf"{_VARIABLES}PYTHONPATH=(/opt/build-\d\d:)?/opt/pip-[0-9.]+ (PIP_CONSTRAINT={_FILE} )?"
        rf"{python} -m pip install --ignore-installed (--no-deps )?(--index-url \S+ )?(--require-hashes )?"
        rf"(--use-pep517|--no-build-isolation) --requirement {_FILE}"
    )
    return rf"COPY( requirements/{_WORD}\.txt)+ /opt/recipe/requirements/\nRUN ({by_uv}|{by_pip})\n"


_CHANNEL = rf'("\$\{{CONDA_(CHANNEL_ALIAS|DEFAULTS)\}}"/[A-Za-z0-9._/-]+|{_QUOTED_URL})'
_CONDA = (
    r"COPY --from=micromamba /bin/micromamba /usr/local/bin/micromamba\n"
    r'ARG CONDA_CHANNEL_ALIAS="https://conda\.anaconda\.org"\n'
    r'ARG CONDA_DEFAULTS="https://repo\.anaconda\.com/pkgs"\n'
    r"COPY conda/(?P<list>explicit|specs)\.txt /opt/recipe/conda/\n"
    rf"RUN {_TRUST}(sed "
    r'--expression "s\|\^https://conda\.anaconda\.org/\|\$\{CONDA_CHANNEL_ALIAS\}/\|" '
    r'--expression "s\|\^https://repo\.anaconda\.com/pkgs/\|\$\{CONDA_DEFAULTS\}/\|" '
    r"/opt/recipe/conda/explicit\.txt > /tmp/explicit\.txt && )?"
    r"(CONDA_OVERRIDE_CUDA=[0-9]+\.[0-9]+ )?micromamba create --yes --no-rc --always-copy "
    r"--root-prefix /opt/micromamba --prefix /opt/conda "
    rf"(--file /tmp/explicit\.txt|--override-channels( --channel {_CHANNEL})+( --no-deps)? "
    r"--file /opt/recipe/conda/specs\.txt) && sed --in-place "
    r'--expression "s\|\$\{CONDA_CHANNEL_ALIAS\}/\|https://conda\.anaconda\.org/\|g" '
    r'--expression "s\|\$\{CONDA_DEFAULTS\}/\|https://repo\.anaconda\.com/pkgs/\|g" /opt/conda/conda-meta/\*\.json '
    r"&& chmod --recursive a\+rX /opt/conda && rm -rf /opt/micromamba"
)
_TAKE_ALONG = (
    r"RUN mkdir --parents (?P<root>/usr/local|/opt/python)/lib/taken-along && find (?P=root) -type f -name '\*\.so\*' "
    r"-exec ldd '\{\}' ';' > /tmp/needed && awk '[^']+' /tmp/needed > /tmp/libraries && sort -u /tmp/libraries "
    r"-o /tmp/libraries && xargs --arg-file=/tmp/libraries --no-run-if-empty cp --dereference "
    r"--target-directory=(?P=root)/lib/taken-along"
)
_LINK = r"echo (/usr/local|/opt/python)/lib/taken-along > /etc/ld\.so\.conf\.d/zz-python\.conf && ldconfig"
_DOWNLOAD = (
    rf"RUN {_TRUST}curl --fail --location --silent --show-error --output /tmp/(?P<NAME>openssl|python)\.tgz "
    rf"({_QUOTED_URL}|\"\$\{{[A-Z]+_SOURCE_MIRROR\}}\"/[A-Za-z0-9._/-]+)"
    r"( && echo '[0-9a-f]{64}  /tmp/(?P=NAME)\.tgz' > /tmp/(?P=NAME)\.sha256 && "
    r"sha256sum --check /tmp/(?P=NAME)\.sha256)? && tar --extract --file /tmp/(?P=NAME)\.tgz --strip-components 1 && "
)
_COMPILE = (
    r'ARG PYTHON_SOURCE_MIRROR="https://www\.python\.org/ftp/python"\n'
    r'(ARG OPENSSL_SOURCE_MIRROR="https://github\.com/openssl/openssl/releases/download"\n'
    rf"WORKDIR /tmp/openssl\n{_DOWNLOAD.replace('NAME', 'first')}\./config no-shared no-tests --prefix=/opt/openssl "
    r'--openssldir=/etc/ssl && make --jobs "\$\(nproc\)" && make install_sw\n)?'
    rf"WORKDIR /tmp/python\n{_DOWNLOAD.replace('NAME', 'second')}rm -rf Lib/test && \./configure --prefix=/opt/python "
    r"--with-ensurepip=no( --with-openssl=/opt/openssl CPPFLAGS=-I/opt/openssl/include LDFLAGS=-L/opt/openssl/lib)? && "
    r'make --jobs "\$\(nproc\)" && make install\n'
    rf"{_TAKE_ALONG.replace('?P<root>', '?P<source>').replace('?P=root', '?P=source')}\n"
    r"RUN uv venv --no-python-downloads --python /opt/python/bin/python3 /opt/venv\nWORKDIR /"
)
_CHECKOUT = (
    rf'ARG SOURCE_REPOSITORY="{_URL}"\n(COPY source/changes\.patch /opt/recipe/source/\n)?RUN {_TRUST}'
    r'git clone --quiet --no-checkout "\$\{SOURCE_REPOSITORY\}" /opt/source && '
    r"\{ git -C /opt/source cat-file -e (?P<commit>[0-9a-f]{7,64}) \|\| "
    r"git -C /opt/source fetch --quiet origin (?P=commit); \} && "
    r"git -C /opt/source checkout --quiet --detach (?P=commit) && "
    r"(git -C /opt/source apply --whitespace=nowarn /opt/recipe/source/changes\.patch && )?rm -rf /opt/source/\.git"
)
_JSON_TEXT = r'"([ !#-\[\]-~]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*"'
"""A text of a JSON array, which no shell reads: printable ASCII, everything else escaped."""

_HEAD = [
    rf"FROM {_IMAGE} AS builder",
    r'ARG PYTORCH_INDEX="https://download\.pytorch\.org/whl"',
    r"ARG UV_DEFAULT_INDEX",
    r"ARG PIP_INDEX_URL",
    r"ARG UV_PYTHON_DOWNLOADS_JSON_URL",
    r"ARG UV_PYTHON_INSTALL_MIRROR",
    rf"(RUN {_PACKAGES})?",
    r"COPY certificates/ /opt/certificates/",
]
_SETTINGS = r"ENV UV_NO_CACHE=1 [A-Z0-9_= a-z]+"
_COPY_UV = r"COPY --from=uv /uv /usr/local/bin/uv"
_CPYTHON = [
    r'(ARG UV_PYTHON_CPYTHON_BUILD="[0-9]{8}")?',
    r"(ENV UV_PYTHON_INSTALL_DIR=/opt/python UV_PYTHON_INSTALL_BIN=0)?",
    rf"(COPY --from=python /usr/local /usr/local|RUN {_TRUST}uv python install {_WORD} && "
    rf"uv venv --managed-python --python {_WORD} /opt/venv|)",
    rf"({_COMPILE})?",
    rf"(RUN ({_LINK} && )?uv venv --no-python-downloads "
    r"(--python /usr[a-z/]*/bin/python[0-9.]*|--system-site-packages --python python3) /opt/venv)?",
]


def _tail(folder: str) -> list[str]:
    """The run's code, and the final stage, which takes the environment over."""
    return [
        rf"({_CHECKOUT})?",
        rf"FROM {_IMAGE}",
        rf"(RUN {_PACKAGES})?",
        r"(COPY --from=(python /usr/local /usr/local|builder /opt/python /opt/python))?" if folder == "venv" else "",
        rf"COPY --from=builder /opt/{folder} /opt/{folder}",
        rf"(RUN {_LINK})?" if folder == "venv" else "",
        r"RUN useradd --uid 1000 --non-unique --create-home --shell /bin/bash runner && "
        r"install --directory --owner=runner --group=runner /workspace",
        r"(COPY --from=builder --chown=1000:1000 /opt/source /workspace)?",
        rf'ENV PATH="/opt/{folder}/bin:\$\{{PATH\}}"( [A-Z_]+={_VALUE})+',
        rf"LABEL( [a-z.-]+={_VALUE})+",
        r"USER 1000",
        r"WORKDIR /workspace(/[A-Za-z0-9._-]+)*",
        rf"CMD \[{_JSON_TEXT}(, {_JSON_TEXT})*\]",
    ]


STEPS = [
    rf"FROM {_IMAGE} AS uv",
    rf"(FROM {_IMAGE} AS python\n{_TAKE_ALONG})?",
    *_HEAD,
    _COPY_UV,
    _SETTINGS,
    *_CPYTHON,
    rf"(({_group('venv')})*)",
    *_tail("venv"),
]
"""Patterns of the instructions from top to bottom; a pattern that matches nothing is one that may be absent."""

CONDA_STEPS = [rf"FROM {_IMAGE} AS micromamba", *_HEAD, _SETTINGS, _CONDA, *_tail("conda")]
"""Likewise, where conda installs everything."""

CONDA_AND_PIP_STEPS = [
    rf"FROM {_IMAGE} AS uv",
    rf"FROM {_IMAGE} AS micromamba",
    *_HEAD,
    _COPY_UV,
    _SETTINGS,
    _CONDA,
    rf"(({_group('conda')})+)",
    *_tail("conda"),
]
"""Likewise, where groups of wheels go on top of conda's packages."""

_CONDA_URL = re.compile(
    rf"{_URL}/[A-Za-z0-9_][A-Za-z0-9._+!-]*\.(conda|tar\.bz2)(#([0-9a-f]{{32}}|sha256:[0-9a-f]{{64}}))?"
)
_CONDA_SPEC = re.compile(r"_?[A-Za-z0-9][A-Za-z0-9._-]*(=[A-Za-z0-9._+!]+|==[A-Za-z0-9._+!]+=[A-Za-z0-9._+]+)?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._,-]+\])?"
    r"(===?[A-Za-z0-9.!+_-]+| @ (git\+)?(ssh|https?)://[A-Za-z0-9._~:/?#@!*+,=%&-]+)"
    r"( ?; [A-Za-z0-9 ._<>=!'\"()-]+)?( --hash=sha(256|384|512):[0-9a-f]+)*"
)
_BOUND = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*((===?|[<>!~]=|[<>])[A-Za-z0-9.!+_*-]+(,(?!$)|$))*")
"""A line of what packages are built with: a name, and the versions that may be taken."""


def assert_harmless(recipe: Recipe) -> None:
    """Fail unless the recipe consists of nothing but what a recipe consists of."""
    assert_expected_instructions(recipe.dockerfile)
    for name, content in recipe.files.items():
        assert re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9._/-]*", name), name
        if name.endswith((".build.txt", ".requires.txt")):
            assert_lines(content.decode("utf-8"), _BOUND)
        elif name.startswith("requirements/"):
            assert_requirements(content.decode("utf-8"), completion=name.endswith("-completion.txt"))


def assert_expected_instructions(dockerfile: str) -> None:
    """Fail unless the instructions are the expected ones, in the expected order."""
    found = [f"{instruction.keyword} {instruction.rest}" for instruction in instructions(dockerfile)]
    assert _fits(found), "\n".join(found)


def _fits(found: list[str]) -> bool:
    """Match the joined instructions; an optional step that is absent leaves an empty line, which is allowed."""
    text = "\n".join(found) + "\n"
    return any(
        re.fullmatch("".join(_optional(step) for step in steps), text)
        for steps in (STEPS, CONDA_STEPS, CONDA_AND_PIP_STEPS)
    )


def _optional(step: str) -> str:
    if step.endswith((r"\n)*)", r"\n)+)")):
        return step
    return rf"({step}\n)?" if re.fullmatch(step, "") else rf"{step}\n"


def assert_conda_packages(name: str, text: str) -> None:
    """Fail unless each line is a comment, one conda package, or the mark of a list of URLs."""
    pattern = _CONDA_URL if name == "conda/explicit.txt" else _CONDA_SPEC
    comment, *lines = text.splitlines()
    assert comment.startswith("# ")
    for line in lines:
        assert pattern.fullmatch(line) or (line == "@EXPLICIT" and pattern is _CONDA_URL), line[:200]
    assert text.split("\n")[:-1] == text.splitlines()


def assert_requirements(text: str, *, completion: bool = False) -> None:
    """Fail unless each line is a comment or one pinned requirement, for any way to tell lines apart.

    A file of the group that completes an open record may name packages without a version.
    """
    assert_lines(text, _REQUIREMENT, *([_NAME] if completion else []))


def assert_lines(text: str, *patterns: re.Pattern[str]) -> None:
    """Fail unless each line is a comment or matches one of ``patterns``, for any way to tell lines apart."""
    for line in text.splitlines():
        assert line.startswith("# ") or any(pattern.fullmatch(line) for pattern in patterns), line[:200]
    assert text.split("\n")[:-1] == text.splitlines()
