"""What credentials look like: the shapes of known services' keys, and the names under which others stand.

Shapes are the issuers' own documented prefixes. A pattern is compiled when its literal mark stands in a text, since
most records hold none of them and compiling takes longer than looking.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # patterns are loaded when there is something to look at
    import re

_BEFORE = r"(?<![A-Za-z0-9])"

SHAPES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("AKIA", "ASIA", "ABIA", "ACCA"), r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{20,255}"),
    (("github_pat_",), r"github_pat_[A-Za-z0-9_]{20,255}"),
    (("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-"), r"gl(?:pat|dt|rt|ptt|cbt)-[A-Za-z0-9_.-]{16,255}"),
    (("xox", "xapp-"), r"(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,255}"),
    (("hooks.slack.com",), r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{10,255}"),
    (("AIza",), r"AIza[A-Za-z0-9_-]{35}"),
    (("ya29.",), r"ya29\.[A-Za-z0-9_.-]{20,2048}"),
    (("GOCSPX-",), r"GOCSPX-[A-Za-z0-9_-]{20,64}"),
    (("k_live_", "k_test_", "whsec_"), r"(?:[rsp]k_(?:live|test)|whsec)_[A-Za-z0-9]{10,255}"),
    (("sk-",), r"sk-[A-Za-z0-9_-]*[A-Za-z0-9]{16}[A-Za-z0-9_-]*"),
    (("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{16,255}"),
    (("wandb_v1_", "local-"), r"(?:wandb_v1_[A-Za-z0-9_]{20,255}|local-[0-9a-f]{40})"),
    (("npm_",), r"npm_[A-Za-z0-9]{30,255}"),
    (("pypi-",), r"pypi-[A-Za-z0-9_-]{50,2048}"),
    (("eyJ",), r"eyJ[A-Za-z0-9_=+/-]{20,}(?:\.[A-Za-z0-9_=+/-]*){0,4}"),
    (("SG.",), r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}"),
    (("SK", "AC"), r"(?:SK|AC)[0-9a-f]{32}(?![0-9A-Za-z])"),
    ((":AA",), r"[0-9]{8,10}:AA[A-Za-z0-9_-]{32,34}"),
    (("dckr_",), r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,255}"),
    (("dapi",), r"dapi[0-9a-f]{32}(?:-[0-9]+)?"),
    (("_v1_",), r"do[opr]_v1_[0-9a-f]{64}"),
    (("r8_", "gsk_", "pplx-", "xai-", "nvapi-"), r"(?:r8_|gsk_|pplx-|xai-|nvapi-)[A-Za-z0-9_-]{24,255}"),
    (("shp",), r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    (("hvs.", "hvb."), r"hv[sb]\.[A-Za-z0-9_-]{20,2048}"),
    ((".atlasv1.",), r"[A-Za-z0-9]{10,20}\.atlasv1\.[A-Za-z0-9_-]{40,255}"),
    (("ATATT3", "ATCTT3"), r"AT[AC]TT3[A-Za-z0-9_=.-]{40,512}"),
    (("lin_api_", "ntn_", "secret_"), r"(?:lin_api_|ntn_|secret_)[A-Za-z0-9]{32,255}"),
    (("glc_", "glsa_"), r"gl(?:c|sa)_[A-Za-z0-9_=+/]{24,512}"),
    (("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    (("KGAT_",), r"KGAT_[A-Za-z0-9]{24,255}"),
    (("key-",), r"key-[0-9a-f]{32}(?![0-9A-Za-z])"),
    (("-----BEGIN",), r"-----BEGIN[ A-Z0-9]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END[ A-Z0-9-]*|\Z)"),
)
"""Literal marks, one of which stands in every secret of the kind, and the pattern of the whole secret."""

SECRET_WORDS = ("passw", "passphrase", "pwd", "secret", "credential", "token", "key", "auth", "cookie", "sig")
"""One of them stands in every name that ``is_secret_name`` knows, in small letters."""

_STRONG = frozenset({"password", "passwd", "passphrase", "pwd", "secret", "secrets", "credential", "credentials"})
_STRONG_ENDS = (*("password", "passwd", "passphrase", "secret", "apikey", "accesskey", "secretkey", "privatekey"),
                *("accountkey", "authtoken", "accesstoken", "authorization", "cookie"))  # fmt: skip
_KEYS_OF = frozenset(
    {"api", "access", "secret", "private", "account", "auth", "encryption", "signing", "storage", "shared", "master"}
    | {"license", "ssh", "wandb", "comet", "neptune", "openai", "hf", "subscription", "service", "session", "sas"}
)
_TOKENS_OF_A_TEXT = frozenset(
    {"pad", "eos", "bos", "unk", "mask", "sep", "cls", "image", "end", "start", "stop", "next", "special", "eot", "max"}
    | {"per", "num", "n", "video", "audio", "new", "first", "last", "prev", "previous", "tool", "sub", "word", "begin"}
)
"""What stands before ``token`` where it is a piece of a text: such tokens are no secrets."""


def may_hold(text: str) -> bool:
    """Whether it is worth looking closer. False for every text that holds no secret's mark."""
    if len(text) < 6:
        return False
    if "://" in text and ("?" in text or _has_user(text)):
        return True
    if any(mark in text for mark in _MARKS) or speaks_of_secrets(text):
        return True
    return any(mark in text and _is_followed(mark, length, text) for mark, length in _COMMON_MARKS.items())


_COMMON_MARKS = {"sk-": 16, "SK": 32, "AC": 32, "xox": 12, "npm_": 30, "pypi-": 50, "SG.": 33}
_COMMON_MARKS |= dict.fromkeys(("dapi", "shp", "key-", "local-"), 32)
"""Marks that stand in harmless texts as well (``flask-cors``): each begins a secret, and how many characters follow."""

_MARKS = tuple(mark for marks, _ in SHAPES for mark in marks if mark not in _COMMON_MARKS)
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-."
_SECRET_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + _NAME_CHARACTERS


def _is_followed(mark: str, length: int, text: str) -> bool:
    """Whether the mark begins a word somewhere and ``length`` characters of a secret follow it."""
    at = text.find(mark)
    while at >= 0:
        behind = text[at + len(mark) : at + len(mark) + length]
        if len(behind) == length and not behind.strip(_SECRET_CHARACTERS) and not text[at - 1 : at].isalnum():
            return True
        at = text.find(mark, at + 1)
    return False


def speaks_of_secrets(text: str) -> bool:
    """Whether a word for a secret is followed by what gives it a value. ``tokenizers==0.15`` is not."""
    lower = text.lower()
    if "bearer " in lower or "basic " in lower:
        return True
    for word in SECRET_WORDS:
        at = lower.find(word)
        while at >= 0:
            end = at + len(word)
            tail = lower[end : end + 64].lstrip(_NAME_CHARACTERS)
            mark = tail.lstrip("\"'] ")[:2]
            if mark[:1] in ("=", ":") and mark != "==" and mark:
                return True
            if tail[:1].isspace() and _is_an_option(lower, at):
                return True
            at = lower.find(word, end)
    return False


def _is_an_option(text: str, at: int) -> bool:
    """Whether the word that holds the place begins with a hyphen, as ``--hub-token`` does."""
    before = text[max(0, at - 256) : at]
    return before[len(before.rstrip(_NAME_CHARACTERS)) :][:1] == "-"


def _has_user(text: str) -> bool:
    """Whether an address has something before an ``@`` in front of its path."""
    return any("@" in rest.split("/", 1)[0] for rest in text.split("://")[1:])


def pattern(expression: str) -> re.Pattern[str]:
    """The compiled pattern of a shape, which must not begin in the middle of a word; ``re`` keeps what it compiled."""
    import re

    return re.compile(_BEFORE + expression if expression[0] not in "-[" else expression)


def is_strong_name(name: str) -> bool:
    """Whether a name says that its value is a password or a key, whatever the value looks like."""
    words = _words(name)
    joined = "".join(words)
    if not _STRONG.isdisjoint(words) or joined.endswith(_STRONG_ENDS):
        return True
    return len(words) > 1 and words[-1] == "key" and words[-2] in _KEYS_OF


def is_secret_name(name: str) -> bool:
    """Whether a name speaks of a secret: ``HF_TOKEN``, ``--api-key``, ``client_secret``; not ``pad_token``."""
    if is_strong_name(name):
        return True
    words = _words(name)
    if not words:
        return False
    if words[-1] in ("signature", "sig", "auth", "bearer"):
        return True
    before = words[-2] if len(words) > 1 else words[-1].removesuffix("token")
    return words[-1].endswith("token") and before not in _TOKENS_OF_A_TEXT


def _words(name: str) -> list[str]:
    """``hfApiKey`` and ``HF_API-KEY`` in small words."""
    import re

    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]
