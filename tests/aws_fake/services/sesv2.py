"""SES: mails that are kept, from addresses that were verified."""

import uuid

from ..errors import Refusal
from . import operation


@operation("sesv2", "CreateEmailIdentity")
def create_email_identity(call):
    call.place["identities"][call.input["EmailIdentity"]] = True
    return {"IdentityType": "EMAIL_ADDRESS" if "@" in call.input["EmailIdentity"] else "DOMAIN",
            "VerifiedForSendingStatus": True}


@operation("sesv2", "GetEmailIdentity")
def get_email_identity(call):
    if call.input["EmailIdentity"] not in call.place["identities"]:
        raise Refusal("NotFoundException", "Email identity does not exist.", 404)
    return {"IdentityType": "EMAIL_ADDRESS", "VerifiedForSendingStatus": True}


@operation("sesv2", "SendEmail")
def send_email(call):
    sender = call.input.get("FromEmailAddress", "")
    known = call.place["identities"]
    if sender not in known and sender.rpartition("@")[2] not in known:
        raise Refusal("MessageRejected", f"Email address is not verified: {sender}")
    name = str(uuid.uuid4())
    call.place["mails"][name] = dict(call.input)
    return {"MessageId": name}


@operation("sesv2", "GetAccount")
def get_account(call):
    return {"SendingEnabled": True, "ProductionAccessEnabled": False,
            "SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours":
                          float(len(call.place["mails"]))}}
