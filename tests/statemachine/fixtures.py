"""The deployed state machine, for the tests of one file: one of them takes the alerts topic away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from local_aws import REGION, LocalAws
from machine import Machine, deploy


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The state machine on a local AWS of its own."""
    with LocalAws.start() as aws:

        def client(service: str) -> Any:
            return boto3.client(
                service,
                endpoint_url=aws.endpoint,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )

        yield deploy(aws, client, tmp_path_factory.mktemp("scripts"))


@pytest.fixture
def machine(deployed: Machine) -> Machine:
    """The state machine, every function answering as the contracts say, and nothing in the mailbox."""
    deployed.script()
    deployed.take_messages()
    return deployed
