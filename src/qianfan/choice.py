"""Which of the credentials that were found is used, and which API answers for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from qianfan import credentials
from qianfan.credentials import ApiKey, ApplicationKey, IamKey, NoCredential, TokenProvider
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianfan.config import Sources
    from qianfan.core.effects import Provider
    from qianfan.credentials import Credential

_NOWHERE = 3  # the level of what was not found


class _Found(NamedTuple):
    """A kind of credential: the strongest level it was found on, the versions it serves, and how it is made."""

    level: int
    versions: tuple[int, ...]
    make: Callable[[], Credential]


def choose(sources: Sources, *, local: bool) -> tuple[int, Credential, Credential | None]:
    """Return the version that answers, its credential, and the credential of what exists on v1 only.

    The strongest level decides; within a level v2 comes before v1, as v1 was announced to end. What exists
    on v1 only is called with what stands beside the key or before it: a key of the environment's is not
    that of a client which was given another.

    Raises:
        InvalidArgumentError: No credential, half of one, one in the wrong place, or none for the
            version that was asked for.
    """
    wanted = _version(sources)
    found = sorted(_all(sources, local=local), key=lambda kind: kind.level)  # a stable sort
    on_v1 = sorted((kind for kind in found if 1 in kind.versions), key=_for_v1)
    fitting = found if wanted is None else on_v1 if wanted == 1 else [it for it in found if 2 in it.versions]
    if not local and sources.flag("no_auth", default=False) and (not fitting or fitting[0].level > 0):
        return wanted or 1, NoCredential(), NoCredential()
    if not fitting and local:  # the platform in this process takes any key
        fitting = [_Found(_NOWHERE, (wanted or 1,), _made_up(wanted or 1))]
        on_v1 = [_Found(_NOWHERE, (1,), _made_up(1))]
    if not fitting:
        raise credentials.unfit(wanted) if found and wanted else _half_or_none(sources)
    own = fitting[0]
    version = wanted or own.versions[0]
    credential = own.make()
    if version == 1:
        return version, credential, credential
    return version, credential, _beside(own, on_v1)


def _for_v1(kind: _Found) -> tuple[int, bool]:
    """Sort by level, then a token before a signature."""
    return kind.level, kind.versions != (1,)


def _beside(own: _Found, on_v1: list[_Found]) -> Credential | None:
    """Return the first that is no weaker than the credential in use; what is no good only where it was passed."""
    for kind in on_v1:
        if kind.level > own.level:
            break
        try:
            return kind.make()
        except InvalidArgumentError:
            if kind.level == 0:
                raise
    return None


def _all(sources: Sources, *, local: bool) -> list[_Found]:
    """Return what was found, in the order in which kinds are preferred."""
    for name in (
        "api_key",
        "bearer_token",
        "access_key",
        "secret_key",
        "access_token",
        "ak",
        "sk",
        "access_code",
    ):
        sources.text(name)  # each must be a str
    provider_level, provider = sources.find("token_provider")
    key_level, key = min(sources.find("api_key"), sources.find("bearer_token"), key=lambda found: found[0])
    (access_level, access), (secret_level, secret) = sources.find("access_key"), sources.find("secret_key")
    token_level, token = sources.find("access_token")
    (ak_level, ak), (sk_level, sk) = sources.find("ak"), sources.find("sk")
    code_level, code = sources.find("access_code")
    both = _NOWHERE not in (access_level, secret_level)
    if local:
        ak, sk = ak or "local", sk or "local"
    kinds = [
        _Found(provider_level, (2,), lambda: _provider(provider)),
        _Found(key_level, (2,), lambda: credentials.api_key(key)),
        _Found(
            min(access_level, secret_level) if both else _NOWHERE,
            (2, 1),
            lambda: credentials.iam_key(IamKey(access, secret)),
        ),
        _Found(token_level, (1,), lambda: credentials.access_token(token)),
        _Found(min(ak_level, sk_level), (1,), lambda: _application(ak, sk, local=local)),
        _Found(code_level, (1,), lambda: credentials.access_code(code)),
    ]
    return [kind for kind in kinds if kind.level < _NOWHERE]


def _version(sources: Sources) -> int | None:
    _, value = sources.find("version", env="api_version")
    if value is None:
        return None
    word = str(value).strip().lower().removeprefix("v")
    if isinstance(value, bool) or word not in {"1", "2"}:
        raise InvalidArgumentError(f"version must be 1 or 2, not {value!r}")
    return int(word)


def _provider(provide: object) -> TokenProvider:
    if not callable(provide):
        raise InvalidArgumentError(
            f"token_provider must be a function that returns a bearer, not {type(provide).__name__}",
            hint="a ready-made bearer goes in api_key=",
        )
    return TokenProvider(cast("Provider", provide))


def _application(ak: str, sk: str, *, local: bool) -> Credential:
    return ApplicationKey(ak, sk) if local else credentials.application_key(ak, sk)


def _made_up(version: int) -> Callable[[], Credential]:
    return lambda: ApiKey("local") if version == 2 else ApplicationKey("local", "local")


def _half_or_none(sources: Sources) -> InvalidArgumentError:
    """Return the error for one half of an IAM pair, or for nothing at all."""
    access, secret = sources.text("access_key"), sources.text("secret_key")
    if not access and not secret:
        return credentials.missing()
    try:
        credentials.iam_key(IamKey(access or "", secret or ""))
    except InvalidArgumentError as error:
        return error
    return credentials.missing()
