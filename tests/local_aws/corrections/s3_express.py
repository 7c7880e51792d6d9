"""S3 Express One Zone: directory buckets, at the Regional endpoint, and in CloudFormation.

MiniStack has none. Objects, sessions and the settings that nobody here asks for are not served.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-buckets-overview.html
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from in_process import RefusedError
from patching import ministack, replaces
from resource_types import Made, Properties, resource_type

Response = tuple[int, dict[str, str], bytes]

app = ministack("app")
responses = ministack("core.responses")
s3 = ministack("services.s3")
buckets = responses.AccountRegionScopedDict()
"""What is known of each directory bucket, by its name."""

# Other Regions than those of this page have no endpoint, and other zones no directory buckets:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/endpoint-directory-buckets-AZ.html
ZONES = {"us-east-1": ("use1-az4", "use1-az5", "use1-az6")}

# What only the lifecycle of a general purpose bucket may have,
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html
NOT_SUPPORTED = {"Transition", "NoncurrentVersionExpiration", "NoncurrentVersionTransition", "Tag"}

CREATED = "CreationDate"
LIFECYCLE = "Lifecycle"


@replaces("app", "_handle_s3_control_request")
async def directory_buckets_have_an_api_of_their_own(
    original: Callable[..., Awaitable[Response | None]],
    path: str,
    method: str,
    body: bytes,
    query_params: dict[str, Any],
    request_id: str,
    headers: dict[str, str] | None = None,
) -> Response | None:
    """Requests to the Regional endpoint are signed for ``s3express``: here, where all have one host, that tells them.

    Their permissions are those of ``s3express``, and a bucket's ARN names Region and account. AWS:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3express.html
    """
    headers = headers or {}
    if not re.search(r"Credential=[^/]+/[^/]+/[^/]+/s3express/", headers.get("authorization", "")):
        return await original(path, method, body, query_params, request_id, headers)
    bucket = path.strip("/")
    action, handler = _operation(method, bucket, query_params)
    resource = f"arn:aws:s3express:{responses.get_region()}:{responses.get_account_id()}:bucket/{bucket}"
    denied: Response | None = app._enforce_data_plane(
        "s3", f"s3express:{action}", headers, query_params, request_id, resource_arn=resource if bucket else "*"
    )
    if denied:
        return denied
    if "x-amz-expected-bucket-owner" in headers:
        return _error("NotImplemented", "Directory buckets do not support x-amz-expected-bucket-owner", 501, bucket)
    return handler(bucket, body, query_params)


Handler = Callable[[str, bytes, dict[str, Any]], Response]


def _operation(method: str, bucket: str, query_params: dict[str, Any]) -> tuple[str, Handler]:
    """The IAM action of a request, and what answers it."""
    of = ("lifecycle" if "lifecycle" in query_params else "") if bucket else "all"
    operations: dict[tuple[str, str], tuple[str, Handler]] = {
        ("GET", "all"): ("ListAllMyDirectoryBuckets", _list),
        ("PUT", ""): ("CreateBucket", _create),
        ("DELETE", ""): ("DeleteBucket", _delete),
        ("GET", "lifecycle"): ("GetLifecycleConfiguration", _get_lifecycle),
        ("PUT", "lifecycle"): ("PutLifecycleConfiguration", _put_lifecycle),
        ("DELETE", "lifecycle"): ("PutLifecycleConfiguration", _delete_lifecycle),
    }
    return operations.get((method, of), ("NotServedHere", _not_served))


def _list(_bucket: str, _body: bytes, query_params: dict[str, Any]) -> Response:
    """A page of the Region's directory buckets.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListDirectoryBuckets.html
    """
    after = s3._qp(query_params, "continuation-token", "")
    most = int(s3._qp(query_params, "max-directory-buckets", "1000"))
    names = sorted(name for name in buckets if name > after)
    listed = "".join(
        f"<Bucket><Name>{name}</Name><CreationDate>{buckets[name][CREATED]}</CreationDate></Bucket>"
        for name in names[:most]
    )
    token = f"<ContinuationToken>{names[most - 1]}</ContinuationToken>" if len(names) > most else ""
    return _xml(
        f'<ListAllMyDirectoryBucketsResult xmlns="{s3.S3_NS}"><Buckets>{listed}</Buckets>{token}'
        "</ListAllMyDirectoryBucketsResult>"
    )


def _create(bucket: str, body: bytes, _query_params: dict[str, Any]) -> Response:
    """The bucket's name ends with its zone, which must have S3 Express One Zone.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-naming-rules.html
    """
    location = s3.fromstring(body).findtext(f"{{{s3.S3_NS}}}Location/{{{s3.S3_NS}}}Name") if body else None
    refused = _flaw(bucket, location)
    if refused:
        return _error(*refused, 400, bucket)
    if bucket in buckets:
        return _error("BucketAlreadyOwnedByYou", "The bucket that you tried to create already exists", 409, bucket)
    buckets[bucket] = {CREATED: s3.now_iso(), LIFECYCLE: None}
    return 200, {"Location": f"/{bucket}"}, b""


def _flaw(bucket: str, location: str | None) -> tuple[str, str] | None:
    """What keeps a directory bucket from being made: code and message."""
    zones = ZONES.get(responses.get_region(), ())
    name = re.fullmatch(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?--([a-z0-9-]+)--x-s3", bucket)
    if not name or not 3 <= len(bucket) <= 63:
        return "InvalidBucketName", f"{bucket} is no name of a directory bucket: NAME--ZONE--x-s3"
    if name[1] != location or location not in zones:
        return (
            "InvalidRequest",
            f"{location} is no zone with S3 Express One Zone that {bucket} names: {', '.join(zones)}",
        )
    return None


def _delete(bucket: str, _body: bytes, _query_params: dict[str, Any]) -> Response:
    if buckets.pop(bucket, None) is None:
        return _no_such_bucket(bucket)
    return 204, {}, b""


def _get_lifecycle(bucket: str, _body: bytes, _query_params: dict[str, Any]) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html"""
    if bucket not in buckets:
        return _no_such_bucket(bucket)
    lifecycle = buckets[bucket][LIFECYCLE]
    if lifecycle is None:
        return _error("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", 404, bucket)
    return _xml(lifecycle)


def _put_lifecycle(bucket: str, body: bytes, _query_params: dict[str, Any]) -> Response:
    if bucket not in buckets:
        return _no_such_bucket(bucket)
    unsupported = NOT_SUPPORTED & {element.tag.rpartition("}")[2] for element in s3.fromstring(body).iter()}
    if unsupported:
        return _error(
            "NotImplemented", f"Directory buckets do not support {', '.join(sorted(unsupported))}", 501, bucket
        )
    buckets[bucket] = {**buckets[bucket], LIFECYCLE: body.decode()}
    return 200, {}, b""


def _delete_lifecycle(bucket: str, _body: bytes, _query_params: dict[str, Any]) -> Response:
    if bucket not in buckets:
        return _no_such_bucket(bucket)
    buckets[bucket] = {**buckets[bucket], LIFECYCLE: None}
    return 204, {}, b""


def _not_served(bucket: str, _body: bytes, _query_params: dict[str, Any]) -> Response:
    return _error("NotImplemented", "The local AWS does not serve this operation on directory buckets", 501, bucket)


def _no_such_bucket(bucket: str) -> Response:
    return _error("NoSuchBucket", "The specified bucket does not exist", 404, bucket)


def _error(code: str, message: str, status: int, bucket: str) -> Response:
    answer: Response = s3._error(code, message, status, f"/{bucket}")
    return answer


def _xml(text: str) -> Response:
    declaration = "" if text.startswith("<?xml") else '<?xml version="1.0" encoding="UTF-8"?>\n'
    return 200, {"Content-Type": "application/xml"}, (declaration + text).encode()


@replaces("services.s3", "reset")
def forget(original: Callable[[], None]) -> None:
    """Start anew with the rest of S3."""
    buckets.clear()
    original()


# ---- AWS::S3Express::DirectoryBucket,
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3express-directorybucket.html

APPLIED = {"BucketName", "DataRedundancy", "LifecycleConfiguration", "LocationName"}


def _bucket_create(props: Properties) -> Made:
    """A property either takes effect or fails the stack."""
    unknown = sorted(set(props) - APPLIED)
    if unknown or "BucketName" not in props:
        raise RefusedError(f"the local AWS applies {sorted(APPLIED)}, and needs BucketName; it does not know {unknown}")
    name, zone = props["BucketName"], props["LocationName"]
    location = f"<Location><Type>AvailabilityZone</Type><Name>{zone}</Name></Location>"
    configuration = f'<CreateBucketConfiguration xmlns="{s3.S3_NS}">{location}</CreateBucketConfiguration>'
    _accept(_create(name, configuration.encode(), {}))
    _apply_lifecycle(name, props)
    arn = f"arn:aws:s3express:{responses.get_region()}:{responses.get_account_id()}:bucket/{name}"
    return name, {"Arn": arn}


def _bucket_update(name: str, old_props: Properties, new_props: Properties) -> Made | None:
    kept = {"BucketName", "DataRedundancy", "LocationName"}
    if any(old_props.get(prop) != new_props.get(prop) for prop in kept):
        return None
    _apply_lifecycle(name, new_props)
    return name, {"Arn": f"arn:aws:s3express:{responses.get_region()}:{responses.get_account_id()}:bucket/{name}"}


def _bucket_delete(name: str, _props: Properties) -> None:
    buckets.pop(name, None)


def _apply_lifecycle(name: str, props: Properties) -> None:
    rules = (props.get("LifecycleConfiguration") or {}).get("Rules")
    if not rules:
        _accept(_delete_lifecycle(name, b"", {}))
        return
    text = f'<LifecycleConfiguration xmlns="{s3.S3_NS}">{"".join(map(_rule, rules))}</LifecycleConfiguration>'
    _accept(_put_lifecycle(name, text.encode(), {}))


def _rule(rule: Properties) -> str:
    """A rule of a template in the form of the API."""
    names = ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
    filters = "".join(f"<{name}>{rule[name]}</{name}>" for name in names if rule.get(name))
    if filters.count("</") > 1:
        filters = f"<And>{filters}</And>"
    text = f"<ID>{rule.get('Id', '')}</ID><Filter>{filters or '<Prefix/>'}</Filter><Status>{rule['Status']}</Status>"
    if rule.get("ExpirationInDays"):
        text += f"<Expiration><Days>{rule['ExpirationInDays']}</Days></Expiration>"
    aborted = rule.get("AbortIncompleteMultipartUpload")
    if aborted:
        days = f"<DaysAfterInitiation>{aborted['DaysAfterInitiation']}</DaysAfterInitiation>"
        text += f"<AbortIncompleteMultipartUpload>{days}</AbortIncompleteMultipartUpload>"
    return f"<Rule>{text}</Rule>"


def _accept(answer: Response) -> None:
    if answer[0] >= 300:
        raise RefusedError(answer[2].decode())


resource_type("AWS::S3Express::DirectoryBucket", _bucket_create, _bucket_delete, update=_bucket_update)
