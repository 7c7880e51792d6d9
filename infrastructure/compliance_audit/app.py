"""The app as a function of its context, for `app.py` and for the tests."""

from __future__ import annotations

import aws_cdk as cdk

from compliance_audit.settings import Settings
from compliance_audit.stack import ComplianceAuditStack


def build(app: cdk.App) -> cdk.App:
    """Put the auditor's stack into the app.

    Raises SettingsError when the context is wrong, BundleMissingError when the functions are not built.
    """
    settings = Settings.from_context(app.node.get_all_context())
    ComplianceAuditStack(app, settings=settings)
    for key, value in settings.tags.items():
        cdk.Tags.of(app).add(key, value)
    return app
