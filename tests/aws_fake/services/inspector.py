"""Inspector: findings that the control endpoint gave."""

from ..paging import page
from . import operation


@operation("inspector2", "ListFindings")
def list_findings(call):
    items = call.place.settings.get("findings", [])
    found, token = page(call, items, call.input.get("maxResults", 100),
                        call.input.get("nextToken"))
    return {"findings": found, "nextToken": token}


@operation("inspector2", "BatchGetAccountStatus")
def batch_get_account_status(call):
    state = {"status": "ENABLED", "errorCode": "ALREADY_ENABLED", "errorMessage": ""}
    return {"accounts": [{"accountId": name, "state": state,
                          "resourceState": {"ec2": state, "ecr": state}}
                         for name in call.input.get("accountIds", [call.account])]}


@operation("inspector-scan", "ScanSbom")
def scan_sbom(call):
    return {"sbom": {"bomFormat": "CycloneDX", "specVersion": "1.5",
                     "vulnerabilities": call.place.settings.get("findings", [])}}
