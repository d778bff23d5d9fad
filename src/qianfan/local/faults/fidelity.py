"""What faults imitate of the platform, and where each is known from."""

from __future__ import annotations

from qianfan.local.marks import Mark, Rule

_D, _R, _A = Mark.DOCUMENTED, Mark.REPORTED, Mark.ASSUMED

RULES = (
    Rule("fault", "who may not call meets none; a fault's answer is not counted by the quota", None, _A),
    Rule("fault", "status, code and reset come before anything is done, all others after it", None, _A),
    Rule("fault", "a code, on v1 with HTTP 200, on v2 with the status of its word", None, _D),
    Rule("fault", "a code that v1 or v2 does not have: the nearest of the same kind", None, _A),
    Rule("fault", "on v2 a plug-in's argument: HTTP 400", "invalid_plugin_argument", _D),
    Rule("fault", "on v2 an unsafe image: HTTP 400, unsafe_request", "image_url_unsafe", _D),
    Rule(
        "fault",
        "on v2 a parameter that is not permitted: HTTP 401, access_denied",
        "no_parameter_permission",
        _D,
    ),
    Rule("fault", "a token's: invalid_client, invalid_request, rate_limit_exceeded, unknown_error", None, _R),
    Rule("fault", "their HTTP statuses: 401, 400, 429, 500", None, _A),
    Rule("fault", "the exchange's and the console's v2: the words and HTTP statuses of the kind", None, _A),
    Rule("fault", "HTTP 429 of v2 is JSON", "rpm_rate_limit_exceeded", _D),
    Rule("fault", "so are its 401, 404, 405 and 500; every other status is a gateway's page", None, _A),
    Rule("fault", "Retry-After, which the platform was never seen to send", None, _A),
    Rule("fault", "reset, cut, stall, garbage, split, slow_headers: what networks and proxies do", None, _A),
)
