"""What the command was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `qianfan batch`, by their names; see its help."""

    source: Path
    output: Path | None
    prompt: str | None
    prompt_file: Path | None
    system: str | None
    kind: str | None
    model: str | None
    endpoint: str | None
    temperature: float | None
    top_p: float | None
    penalty_score: float | None
    max_output_tokens: int | None
    param: list[str] | None
    timeout: float | None
    id_column: str | None
    field: str
    encoding: str
    concurrency: int
    limit: int | None
    qps: float | None
    rpm: float | None
    tpm: float | None
    redis: str | None
    redis_name: str
    max_tokens: int | None
    max_requests: int | None
    price_input: float | None
    price_output: float | None
    dry_run: bool
    strict: bool
    resume: bool
    retry_failed: bool
    restart: bool
    overwrite: bool
    engine: str
    address: str | None
    workers: int | None
    local: bool
    state: Path | None
    as_json: bool
    quiet: bool
