"""Starting and ending: copies side by side, the end of their processes, and a new start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import BOOTSTRAP, Client, connect, make_function
from local_aws import LocalAws, python_of_ministack

LAUNCHER = Path(__file__).with_name("launcher.py")


def client_of(aws: LocalAws) -> Client:
    return lambda service: connect(aws, service, {"AccessKeyId": "test", "SecretAccessKey": "test"})


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@contextmanager
def launcher(state: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the launcher itself, as a Makefile or a Rust test does."""
    command = [
        python_of_ministack(),
        str(LAUNCHER),
        "--state-dir",
        str(state),
        *options,
    ]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ready(process: subprocess.Popen[str]) -> LocalAws:
    assert process.stdout is not None
    line = json.loads(process.stdout.readline())
    assert line["pid"] == process.pid
    return LocalAws(endpoint=line["endpoint"], pid=line["pid"], account_id="111122223333")


def test_copies_do_not_meet(client: Client, name: str) -> None:
    with LocalAws.start(account_id="111122223333", auth=False) as other:
        client("s3").create_bucket(Bucket=name)
        theirs = client_of(other)
        assert name not in [b["Name"] for b in theirs("s3").list_buckets()["Buckets"]]
        assert theirs("sts").get_caller_identity()["Account"] == "111122223333"
    assert not is_running(other.pid)


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "stdin"])
def test_the_functions_end_with_it(tmp_path: Path, name: str, end: str) -> None:
    with launcher(tmp_path, "--exit-with-stdin", "--account-id=111122223333") as process:
        client = client_of(ready(process))
        make_function(client, name, BOOTSTRAP, custom=True)
        answer = client("lambda").invoke(FunctionName=name)
        function = json.load(answer["Payload"])["pid"]
        assert is_running(function)

        if end == "stdin":
            assert process.stdin is not None
            process.stdin.close()
        else:
            os.kill(process.pid, signal.Signals[end])

        assert process.wait(timeout=10) == 0
        assert not is_running(function)


def test_a_clear_start(name: str) -> None:
    with LocalAws.start() as aws:
        client = client_of(aws)
        client("s3").create_bucket(Bucket=name)
        client("s3control").put_public_access_block(
            AccountId=aws.account_id,
            PublicAccessBlockConfiguration={"BlockPublicAcls": True},
        )
        ec2 = client("ec2")
        ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="block-ingress")
        (subnet,) = ec2.describe_subnets(MaxResults=5)["Subnets"][:1]
        balancer = client("elbv2").create_load_balancer(Name=name, Type="network", Subnets=[subnet["SubnetId"]])
        ec2.create_vpc_endpoint_service_configuration(
            NetworkLoadBalancerArns=[balancer["LoadBalancers"][0]["LoadBalancerArn"]]
        )

        aws.clear()

        assert client("s3").list_buckets()["Buckets"] == []
        control = client("s3control")
        with pytest.raises(control.exceptions.NoSuchPublicAccessBlockConfiguration):
            control.get_public_access_block(AccountId=aws.account_id)
        options = ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
        assert (options["InternetGatewayBlockMode"], options["State"]) == ("off", "default-state")
        assert ec2.describe_vpc_endpoint_service_configurations()["ServiceConfigurations"] == []
        groups = ec2.describe_security_groups()["SecurityGroups"]
        assert all(group["IpPermissions"] for group in groups)


def test_a_wrong_account_id_is_explained(tmp_path: Path) -> None:
    with launcher(tmp_path, "--account-id=12") as process:
        assert process.wait(timeout=10) == 2


def test_a_missing_interpreter_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINISTACK_PYTHON", "/nowhere/python")
    with pytest.raises(RuntimeError, match="MINISTACK_PYTHON"), LocalAws.start():
        pass


def test_the_environment_for_the_tools(aws: LocalAws) -> None:
    """A tool that has nothing but this environment reaches the local AWS."""
    script = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", **aws.environment()}
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == aws.account_id
