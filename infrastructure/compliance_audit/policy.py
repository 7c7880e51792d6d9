"""The audit policy, as far as the infrastructure asks for it; `functions/shared/audit-policy` checks all of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from compliance_audit.settings import SettingsError

POLICY_FILE = Path(__file__).resolve().parents[1] / "audit-policy.toml"
"""The policy that the next deployment ships."""

APPLY = "apply"
"""The mode in which remediation changes buckets."""


def remediation_mode(file: Path) -> str:
    """What remediation may do at most by the policy in a file: `apply`, `dry-run` or `off`.

    Raises SettingsError for a file that does not say it.
    """
    try:
        return str(tomllib.loads(file.read_text(encoding="utf-8"))["remediation"]["mode"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SettingsError(
            f"{file} does not say what remediation may do ({type(error).__name__}: {error}); allowed: the audit "
            "policy, which `make check-policy` checks"
        ) from error
