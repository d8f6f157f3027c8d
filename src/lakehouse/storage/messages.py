"""Messages to the outside: JSON posted to a webhook, text published to an SNS topic."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping

from lakehouse.errors import AlertError

_SUBJECT_LENGTH = 100  # of SNS


def post_json(url: str, document: Mapping[str, object], timeout_seconds: float) -> None:
    """Post a document; the URL is a secret and stands in no error.

    Raises:
        AlertError: the server refuses it or does not answer in time.
    """
    if not url.startswith(("https://", "http://")):
        raise AlertError("its URL is none: it must start with https://")
    request = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_seconds):
            return
    except urllib.error.HTTPError as error:
        raise AlertError(f"it answered {error.code}; check its URL") from None
    except (OSError, ValueError) as error:
        raise AlertError(f"it does not answer ({type(error).__name__})") from None


def publish(topic_arn: str, subject: str, text: str) -> None:
    """Publish to an SNS topic, in the topic's region.

    Raises:
        AlertError: SNS refuses it or does not answer.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("sns", region_name=topic_arn.split(":")[3])
        client.publish(TopicArn=topic_arn, Subject=subject[:_SUBJECT_LENGTH], Message=text)
    except (IndexError, ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise AlertError(f"SNS: {code}; check the topic's ARN and the permission sns:Publish") from None
