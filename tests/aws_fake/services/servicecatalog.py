"""Service Catalog: portfolios, products, artifacts, constraints, principals, shares.

Service Catalog Administrator Guide, "Sharing a Portfolio", "Managing Products".
"""

import json
import secrets

from .. import paging
from ..errors import Refusal
from . import operation


def _new(prefix):
    return f"{prefix}-" + secrets.token_hex(7)[:13]


def _missing(what, name):
    return Refusal("ResourceNotFoundException", f"{what} {name} not found.")


def _once(call, create):
    return call.world.once(call, call.input.get("IdempotencyToken"), create,
                           "InvalidParametersException")


def _all(call, table):
    """(place, item) of everything of a table in this region, whoever owns it."""
    for place in call.world.all_places(table):
        if place.region == call.region:
            for item in list(place[table].values()):
                yield place, item


def _portfolio(call, name, own=False):
    item = call.place["portfolios"].get(name)
    if item is not None:
        return item
    if not own:
        for _, item in _all(call, "portfolios"):
            if item["Id"] == name and call.account in item["_accepted"]:
                return item
    raise _missing("Portfolio", name)


def _product(call, name, own=False):
    item = call.place["products"].get(name)
    if item is not None:
        return item
    if not own:
        for _, item in _all(call, "products"):
            if item["_id"] == name and any(
                    call.account in portfolio["_accepted"] and name in portfolio["_products"]
                    for _, portfolio in _all(call, "portfolios")):
                return item
    raise _missing("Product", name)


def _paged(call, items, member):
    size = call.input.get("PageSize", 20) or 20
    found, token = paging.page(call, items, size, call.input.get("PageToken"),
                               "InvalidParametersException")
    return {member: found, "NextPageToken": token}


# Portfolios.

@operation("servicecatalog", "CreatePortfolio")
def create_portfolio(call):
    def create():
        given = call.input
        name = _new("port")
        item = {"Id": name, "ARN": call.arn("catalog", f"portfolio/{name}"),
                "DisplayName": given["DisplayName"], "ProviderName": given["ProviderName"],
                "Description": given.get("Description", ""), "CreatedTime": call.now,
                "_tags": given.get("Tags", []), "_products": [], "_principals": {}, "_shares": [],
                "_accepted": [], "_owner": call.account, "_tag_options": []}
        call.place["portfolios"][name] = item
        return {"PortfolioDetail": item, "Tags": item["_tags"]}
    return _once(call, create)


@operation("servicecatalog", "DescribePortfolio")
def describe_portfolio(call):
    item = _portfolio(call, call.input["Id"])
    return {"PortfolioDetail": item, "Tags": item["_tags"], "Budgets": [],
            "TagOptions": _options_of(call, item)}


@operation("servicecatalog", "ListPortfolios")
def list_portfolios(call):
    return _paged(call, list(call.place["portfolios"].values()), "PortfolioDetails")


@operation("servicecatalog", "DeletePortfolio")
def delete_portfolio(call):
    item = _portfolio(call, call.input["Id"], own=True)
    if item["_products"] or item["_principals"] or item["_shares"] or any(
            one["_portfolio"] == item["Id"] for one in call.place["constraints"].values()):
        raise Refusal("ResourceInUseException", "The portfolio still has products, principals, "
                      "constraints or shares")
    if item["_tag_options"]:
        raise Refusal("ResourceInUseException", "The portfolio still has tag options")
    del call.place["portfolios"][item["Id"]]
    return {}


# Products and artifacts.

def _artifact(call, given):
    info = given.get("Info", {})
    url = info.get("LoadTemplateFromURL")
    if not url:
        raise Refusal("InvalidParametersException", "Info has no LoadTemplateFromURL")
    template = template_at(call, url)
    try:
        document = json.loads(template)
    except ValueError:
        document = None  # YAML is taken as it is
    if document is not None and "Resources" not in document:
        raise Refusal("InvalidParametersException", "Invalid templateBody: no Resources")
    return {"Id": _new("pa"), "Name": given.get("Name", ""), "Type": given.get(
        "Type", "CLOUD_FORMATION_TEMPLATE"), "Description": given.get("Description", ""),
        "CreatedTime": call.now, "Active": True, "Guidance": "DEFAULT", "_url": url,
        "_template": template}


def template_at(call, url):
    """The text of a template in a bucket, by any of S3's address forms."""
    rest = url.split("://", 1)[-1]
    host, _, path = rest.partition("/")
    if host.startswith(("s3.", "s3-")) or "localhost" in host or host[0].isdigit():
        bucket, _, key = path.partition("/")
    else:
        bucket, key = host.split(".s3")[0], path
    found = call.world.buckets.get(bucket)
    versions = found and found["objects"].get(key)
    if not versions or versions[-1]["marker"]:
        raise Refusal("InvalidParametersException", f"S3 error: {url} can not be read")
    return versions[-1]["data"].decode()


@operation("servicecatalog", "CreateProduct")
def create_product(call):
    def create():
        given = call.input
        name = _new("prod")
        artifact = _artifact(call, given["ProvisioningArtifactParameters"])
        summary = {"Id": "prodview-" + name[5:], "ProductId": name, "Name": given["Name"],
                   "Owner": given["Owner"], "Type": given["ProductType"],
                   "ShortDescription": given.get("Description", ""),
                   "Distributor": given.get("Distributor", ""), "HasDefaultPath": False}
        item = {"_id": name, "ProductViewSummary": summary, "Status": "AVAILABLE",
                "ProductARN": call.arn("catalog", f"product/{name}"), "CreatedTime": call.now,
                "_tags": given.get("Tags", []), "_artifacts": [artifact], "_owner": call.account}
        call.place["products"][name] = item
        return {"ProductViewDetail": item, "ProvisioningArtifactDetail": artifact,
                "Tags": item["_tags"]}
    return _once(call, create)


@operation("servicecatalog", "DescribeProductAsAdmin")
def describe_product_as_admin(call):
    given = call.input
    if "Id" in given:
        item = _product(call, given["Id"], own=True)
    else:
        item = next((one for one in call.place["products"].values()
                     if one["ProductViewSummary"]["Name"] == given.get("Name")), None)
        if item is None:
            raise _missing("Product", given.get("Name"))
    return {"ProductViewDetail": item, "Tags": item["_tags"], "TagOptions": [], "Budgets": [],
            "ProvisioningArtifactSummaries": [
                {key: one[key] for key in ("Id", "Name", "Description", "CreatedTime")}
                for one in item["_artifacts"]]}


@operation("servicecatalog", "DescribeProduct")
def describe_product(call):
    item = _product(call, call.input["Id"])
    return {"ProductViewSummary": item["ProductViewSummary"], "ProvisioningArtifacts": [
        {key: one[key] for key in ("Id", "Name", "Description", "CreatedTime", "Guidance")}
        for one in item["_artifacts"]], "Budgets": [], "LaunchPaths": []}


@operation("servicecatalog", "SearchProductsAsAdmin")
def search_products_as_admin(call):
    given = call.input
    items = list(call.place["products"].values())
    if "PortfolioId" in given:
        names = _portfolio(call, given["PortfolioId"])["_products"]
        items = [item for _, item in _all(call, "products") if item["_id"] in names]
    words = given.get("Filters", {}).get("FullTextSearch", [])
    items = [item for item in items if all(
        word.lower() in item["ProductViewSummary"]["Name"].lower() for word in words)]
    return _paged(call, items, "ProductViewDetails")


@operation("servicecatalog", "SearchProducts")
def search_products(call):
    items = [item["ProductViewSummary"] for _, item in _all(call, "products")
             if _launchable(call, item["_id"])]
    return _paged(call, items, "ProductViewSummaries")


def _launchable(call, product):
    """The portfolio through which the caller may launch the product, or None."""
    for place, portfolio in _all(call, "portfolios"):
        mine = place.account == call.account or call.account in portfolio["_accepted"]
        if mine and product in portfolio["_products"] and \
                (call.account, _principal(call)) in portfolio["_principals"]:
            return portfolio
    return None


def _principal(call):
    """The user or role that calls: of a session, its role."""
    arn = call.caller.arn
    if ":assumed-role/" not in arn:
        return arn
    return f"arn:aws:iam::{call.caller.account}:role/" + arn.split("/")[1]


@operation("servicecatalog", "DeleteProduct")
def delete_product(call):
    item = _product(call, call.input["Id"], own=True)
    if any(item["_id"] in portfolio["_products"] for _, portfolio in _all(call, "portfolios")):
        raise Refusal("ResourceInUseException", f"Product {item['_id']} is associated with a "
                      "portfolio")
    del call.place["products"][item["_id"]]
    return {}


@operation("servicecatalog", "CreateProvisioningArtifact")
def create_provisioning_artifact(call):
    def create():
        item = _product(call, call.input["ProductId"], own=True)
        artifact = _artifact(call, call.input["Parameters"])
        item["_artifacts"].append(artifact)
        return {"ProvisioningArtifactDetail": artifact, "Status": "AVAILABLE",
                "Info": {"TemplateUrl": artifact["_url"]}}
    return _once(call, create)


def _found_artifact(item, name):
    for artifact in item["_artifacts"]:
        if artifact["Id"] == name:
            return artifact
    raise _missing("ProvisioningArtifact", name)


@operation("servicecatalog", "ListProvisioningArtifacts")
def list_provisioning_artifacts(call):
    return {"ProvisioningArtifactDetails": _product(call, call.input["ProductId"])["_artifacts"]}


@operation("servicecatalog", "DescribeProvisioningArtifact")
def describe_provisioning_artifact(call):
    given = call.input
    if "ProductId" not in given:
        raise Refusal("InvalidParametersException", "ProductId is missing")
    artifact = _found_artifact(_product(call, given["ProductId"]),
                               given.get("ProvisioningArtifactId"))
    return {"ProvisioningArtifactDetail": artifact, "Status": "AVAILABLE",
            "Info": {"TemplateUrl": artifact["_url"]}}


@operation("servicecatalog", "UpdateProvisioningArtifact")
def update_provisioning_artifact(call):
    given = call.input
    artifact = _found_artifact(_product(call, given["ProductId"], own=True),
                               given["ProvisioningArtifactId"])
    artifact.update({key: given[key] for key in ("Name", "Description", "Active", "Guidance")
                     if key in given})
    return {"ProvisioningArtifactDetail": artifact, "Status": "AVAILABLE"}


@operation("servicecatalog", "DeleteProvisioningArtifact")
def delete_provisioning_artifact(call):
    item = _product(call, call.input["ProductId"], own=True)
    artifact = _found_artifact(item, call.input["ProvisioningArtifactId"])
    if len(item["_artifacts"]) == 1:
        raise Refusal("ResourceInUseException", "Cannot delete the last provisioning artifact of "
                      "a product")
    item["_artifacts"].remove(artifact)
    return {}


# What belongs to a portfolio.

@operation("servicecatalog", "AssociateProductWithPortfolio")
def associate_product_with_portfolio(call):
    product = _product(call, call.input["ProductId"])
    portfolio = _portfolio(call, call.input["PortfolioId"], own=True)
    source = call.input.get("SourcePortfolioId")
    if source and product["_id"] not in _portfolio(call, source)["_products"]:
        raise _missing("Product", product["_id"])
    if product["_id"] not in portfolio["_products"]:
        portfolio["_products"].append(product["_id"])
    return {}


@operation("servicecatalog", "DisassociateProductFromPortfolio")
def disassociate_product_from_portfolio(call):
    portfolio = _portfolio(call, call.input["PortfolioId"], own=True)
    name = call.input["ProductId"]
    if name not in portfolio["_products"]:
        raise _missing("Product", name)
    if any(one["_portfolio"] == portfolio["Id"] and one["_product"] == name
           for one in call.place["constraints"].values()):
        raise Refusal("ResourceInUseException", "The product has a constraint in the portfolio")
    portfolio["_products"].remove(name)
    return {}


@operation("servicecatalog", "ListPortfoliosForProduct")
def list_portfolios_for_product(call):
    _product(call, call.input["ProductId"])
    return _paged(call, [item for item in call.place["portfolios"].values()
                         if call.input["ProductId"] in item["_products"]], "PortfolioDetails")


@operation("servicecatalog", "AssociatePrincipalWithPortfolio")
def associate_principal_with_portfolio(call):
    portfolio = _portfolio(call, call.input["PortfolioId"])
    portfolio["_principals"][(call.account, call.input["PrincipalARN"])] = \
        call.input["PrincipalType"]
    return {}


@operation("servicecatalog", "DisassociatePrincipalFromPortfolio")
def disassociate_principal_from_portfolio(call):
    portfolio = _portfolio(call, call.input["PortfolioId"])
    portfolio["_principals"].pop((call.account, call.input["PrincipalARN"]), None)
    return {}


@operation("servicecatalog", "ListPrincipalsForPortfolio")
def list_principals_for_portfolio(call):
    portfolio = _portfolio(call, call.input["PortfolioId"])
    return _paged(call, [{"PrincipalARN": arn, "PrincipalType": kind}
                         for (account, arn), kind in portfolio["_principals"].items()
                         if account == call.account], "Principals")


@operation("servicecatalog", "CreateConstraint")
def create_constraint(call):
    def create():
        given = call.input
        portfolio = _portfolio(call, given["PortfolioId"])
        if given["ProductId"] not in portfolio["_products"]:
            raise _missing("Product", given["ProductId"])
        try:
            json.loads(given["Parameters"])
        except ValueError:
            raise Refusal("InvalidParametersException", "Parameters is no JSON") from None
        for one in call.place["constraints"].values():
            if (one["_portfolio"], one["_product"], one["Type"]) == (
                    portfolio["Id"], given["ProductId"], given["Type"]):
                raise Refusal("DuplicateResourceException", "there is such a constraint")
        name = _new("cons")
        item = {"ConstraintId": name, "Type": given["Type"], "Owner": call.account,
                "Description": given.get("Description", ""), "ProductId": given["ProductId"],
                "PortfolioId": portfolio["Id"], "_portfolio": portfolio["Id"],
                "_product": given["ProductId"], "_parameters": given["Parameters"]}
        call.place["constraints"][name] = item
        return {"ConstraintDetail": item, "ConstraintParameters": given["Parameters"],
                "Status": "AVAILABLE"}
    return _once(call, create)


@operation("servicecatalog", "ListConstraintsForPortfolio")
def list_constraints_for_portfolio(call):
    return _paged(call, [one for one in call.place["constraints"].values()
                         if one["_portfolio"] == call.input["PortfolioId"]
                         and call.input.get("ProductId") in (None, one["_product"])],
                  "ConstraintDetails")


@operation("servicecatalog", "DescribeConstraint")
def describe_constraint(call):
    item = call.place["constraints"].get(call.input["Id"])
    if item is None:
        raise _missing("Constraint", call.input["Id"])
    return {"ConstraintDetail": item, "ConstraintParameters": item["_parameters"],
            "Status": "AVAILABLE"}


@operation("servicecatalog", "DeleteConstraint")
def delete_constraint(call):
    if call.place["constraints"].pop(call.input["Id"], None) is None:
        raise _missing("Constraint", call.input["Id"])
    return {}


# Tag options.

def _options_of(call, item):
    """Of a portfolio: its owner's."""
    options = call.world.place(item["_owner"], call.region)["tag_options"]
    return [options[name] for name in item["_tag_options"]]


def _tag_option(call, name):
    item = call.place["tag_options"].get(name)
    if item is None:
        raise _missing("TagOption", name)
    return item


def _users(call, name):
    return [item for item in call.place["portfolios"].values() if name in item["_tag_options"]]


def _options_paged(call, items, member):
    found, token = paging.page(call, items, call.input.get("PageSize") or 20,
                               call.input.get("PageToken"), "InvalidParametersException")
    return {member: found, "PageToken": token}


@operation("servicecatalog", "CreateTagOption")
def create_tag_option(call):
    given = call.input
    if any((one["Key"], one["Value"]) == (given["Key"], given["Value"])
           for one in call.place["tag_options"].values()):
        raise Refusal("DuplicateResourceException", "there is such a tag option")
    name = _new("tag")
    item = {"Id": name, "Key": given["Key"], "Value": given["Value"], "Active": True,
            "Owner": call.account}
    call.place["tag_options"][name] = item
    return {"TagOptionDetail": item}


@operation("servicecatalog", "ListTagOptions")
def list_tag_options(call):
    wanted = call.input.get("Filters", {})
    return _options_paged(call, [one for one in call.place["tag_options"].values() if all(
        one[key] == value for key, value in wanted.items())], "TagOptionDetails")


@operation("servicecatalog", "UpdateTagOption")
def update_tag_option(call):
    item = _tag_option(call, call.input["Id"])
    item.update({key: call.input[key] for key in ("Value", "Active") if key in call.input})
    return {"TagOptionDetail": item}


@operation("servicecatalog", "DeleteTagOption")
def delete_tag_option(call):
    item = _tag_option(call, call.input["Id"])
    if _users(call, item["Id"]):
        raise Refusal("ResourceInUseException", "The tag option is in use")
    del call.place["tag_options"][item["Id"]]
    return {}


@operation("servicecatalog", "AssociateTagOptionWithResource")
def associate_tag_option_with_resource(call):
    item = _tag_option(call, call.input["TagOptionId"])
    portfolio = _portfolio(call, call.input["ResourceId"], own=True)
    if item["Id"] in portfolio["_tag_options"]:
        raise Refusal("DuplicateResourceException", "the resource has the tag option")
    portfolio["_tag_options"].append(item["Id"])
    return {}


@operation("servicecatalog", "DisassociateTagOptionFromResource")
def disassociate_tag_option_from_resource(call):
    portfolio = _portfolio(call, call.input["ResourceId"], own=True)
    if call.input["TagOptionId"] not in portfolio["_tag_options"]:
        raise _missing("TagOption", call.input["TagOptionId"])
    portfolio["_tag_options"].remove(call.input["TagOptionId"])
    return {}


@operation("servicecatalog", "ListResourcesForTagOption")
def list_resources_for_tag_option(call):
    item = _tag_option(call, call.input["TagOptionId"])
    return _options_paged(call, [
        {"Id": one["Id"], "ARN": one["ARN"], "Name": one["DisplayName"],
         "Description": one["Description"], "CreatedTime": one["CreatedTime"]}
        for one in _users(call, item["Id"])], "ResourceDetails")


# Shares.

@operation("servicecatalog", "CreatePortfolioShare")
def create_portfolio_share(call):
    given = call.input
    portfolio = _portfolio(call, given["PortfolioId"], own=True)
    node = given.get("OrganizationNode")
    if node:
        organization = call.world.organization
        if not organization or call.account != organization["management"] or \
                "servicecatalog.amazonaws.com" not in organization["enabled"]:
            raise Refusal("OperationNotSupportedException", "Sharing with an organization needs "
                          "the management account and enabled access")
        share = (node["Type"], node["Value"])
        for account, path in organization["paths"].items():
            if account != call.account and account not in portfolio["_accepted"] and \
                    node["Value"] in path.split("/"):
                portfolio["_accepted"].append(account)
    elif "AccountId" in given:
        share = ("ACCOUNT", given["AccountId"])
    else:
        raise Refusal("InvalidParametersException", "AccountId or OrganizationNode is needed")
    if share not in portfolio["_shares"]:
        portfolio["_shares"].append(share)
    if not node:
        return {}
    name = "share-" + secrets.token_hex(7)[:13]
    call.place["share_tokens"][name] = {"PortfolioId": portfolio["Id"], "node": node, "looks": 0}
    return {"PortfolioShareToken": name}


@operation("servicecatalog", "DescribePortfolioShareStatus")
def describe_portfolio_share_status(call):
    """A share with many accounts takes a look to be made."""
    name = call.input["PortfolioShareToken"]
    item = call.place["share_tokens"].get(name)
    if item is None:
        raise _missing("PortfolioShareToken", name)
    item["looks"] += 1
    return {"PortfolioShareToken": name, "PortfolioId": item["PortfolioId"],
            "OrganizationNodeValue": item["node"]["Value"],
            "Status": "COMPLETED" if item["looks"] > 1 else "IN_PROGRESS"}


@operation("servicecatalog", "DeletePortfolioShare")
def delete_portfolio_share(call):
    given = call.input
    portfolio = _portfolio(call, given["PortfolioId"], own=True)
    node = given.get("OrganizationNode")
    share = (node["Type"], node["Value"]) if node else ("ACCOUNT", given.get("AccountId"))
    if share not in portfolio["_shares"]:
        raise _missing("Share", str(share[1]))
    portfolio["_shares"].remove(share)
    portfolio["_accepted"] = [account for account in portfolio["_accepted"]
                              if _share_type(call.world, portfolio, account)]
    return {}


@operation("servicecatalog", "ListPortfolioAccess")
def list_portfolio_access(call):
    portfolio = _portfolio(call, call.input["PortfolioId"], own=True)
    found, token = paging.page(call, [value for kind, value in portfolio["_shares"]
                                      if kind == "ACCOUNT"], call.input.get("PageSize") or 20,
                               call.input.get("PageToken"))
    return {"AccountIds": found, "NextPageToken": token}


@operation("servicecatalog", "DescribePortfolioShares")
def describe_portfolio_shares(call):
    portfolio = _portfolio(call, call.input["PortfolioId"], own=True)
    kind = call.input["Type"]
    found = [{"PrincipalId": value, "Type": one, "Accepted": value in portfolio["_accepted"],
              "ShareTagOptions": False} for one, value in portfolio["_shares"] if one == kind]
    return _paged(call, found, "PortfolioShareDetails")


def _share_type(world, portfolio, account):
    """How the portfolio is shared with the account: IMPORTED, AWS_ORGANIZATIONS or not at all."""
    if ("ACCOUNT", account) in portfolio["_shares"]:
        return "IMPORTED"
    path = world.organization.get("paths", {}).get(account, "").split("/")
    if any(value in path for kind, value in portfolio["_shares"] if kind != "ACCOUNT"):
        return "AWS_ORGANIZATIONS"
    return None


@operation("servicecatalog", "AcceptPortfolioShare")
def accept_portfolio_share(call):
    for _, portfolio in _all(call, "portfolios"):
        if portfolio["Id"] == call.input["PortfolioId"] and \
                _share_type(call.world, portfolio, call.account) == call.input.get("PortfolioShareType", "IMPORTED"):
            if call.account not in portfolio["_accepted"]:
                portfolio["_accepted"].append(call.account)
            return {}
    raise _missing("Portfolio", call.input["PortfolioId"])


@operation("servicecatalog", "RejectPortfolioShare")
def reject_portfolio_share(call):
    portfolio = _portfolio(call, call.input["PortfolioId"])
    if call.account in portfolio["_accepted"]:
        portfolio["_accepted"].remove(call.account)
    return {}


@operation("servicecatalog", "ListAcceptedPortfolioShares")
def list_accepted_portfolio_shares(call):
    kind = call.input.get("PortfolioShareType", "IMPORTED")
    return _paged(call, [item for _, item in _all(call, "portfolios")
                         if call.account in item["_accepted"] and
                         _share_type(call.world, item, call.account) == kind], "PortfolioDetails")


# Provisioning.

@operation("servicecatalog", "ListLaunchPaths")
def list_launch_paths(call):
    portfolio = _launchable(call, call.input["ProductId"])
    return {"LaunchPathSummaries": [] if portfolio is None else [
        {"Id": "lpv2-" + portfolio["Id"][5:], "Name": portfolio["DisplayName"],
         "ConstraintSummaries": [], "Tags": portfolio["_tags"]}]}


@operation("servicecatalog", "ProvisionProduct")
def provision_product(call):
    def create():
        from . import cloudformation
        given = call.input
        product = _product(call, given.get("ProductId", ""))
        artifact = _found_artifact(product, given.get("ProvisioningArtifactId"))
        if _launchable(call, product["_id"]) is None:
            raise Refusal("ResourceNotFoundException", "No launch paths found for resource: "
                          f"{product['_id']}")
        if not artifact["Active"]:
            raise Refusal("ResourceNotFoundException", f"ProvisioningArtifact {artifact['Id']} is "
                          "not active")
        if any(item["Name"] == given["ProvisionedProductName"]
               for item in call.place["provisioned"].values()):
            raise Refusal("DuplicateResourceException", "the name is in use")
        name = _new("pp")
        stack = cloudformation.deploy(
            call, f"SC-{call.account}-{name}", artifact["_template"],
            {entry.get("Key"): entry.get("Value", "")
             for entry in given.get("ProvisioningParameters", ())}, given.get("Tags", []))
        record = _record(call, name, given["ProvisionedProductName"], product, artifact,
                         "PROVISION_PRODUCT")
        record["RecordTags"] = given.get("Tags", [])
        call.place["provisioned"][name] = {
            "Id": name, "Name": given["ProvisionedProductName"], "_stack": stack["StackName"],
            "Arn": call.arn("servicecatalog", f"stack/{given['ProvisionedProductName']}/{name}"),
            "Type": "CFN_STACK", "CreatedTime": call.now, "ProductId": product["_id"],
            "ProvisioningArtifactId": artifact["Id"], "LastRecordId": record["RecordId"],
            "_tags": given.get("Tags", [])}
        return {"RecordDetail": record}
    return call.world.once(call, call.input.get("ProvisionToken"), create,
                           "InvalidParametersException")


def _record(call, name, label, product, artifact, kind):
    record = {"RecordId": _new("rec"), "ProvisionedProductName": label, "Status": "CREATED",
              "CreatedTime": call.now, "UpdatedTime": call.now, "RecordType": kind,
              "ProvisionedProductId": name, "ProvisionedProductType": "CFN_STACK",
              "ProductId": product["_id"], "ProvisioningArtifactId": artifact["Id"],
              "RecordErrors": [], "RecordTags": [], "_due": call.world.due("provision"),
              "_failure": call.world.failure("provision", call)}
    call.place["records"][record["RecordId"]] = record
    return record


def _settle_record(call, record):
    if record["Status"] == "CREATED" and call.world.is_due(record["_due"], look=True):
        from . import cloudformation
        item = call.place["provisioned"].get(record["ProvisionedProductId"])
        reason = record["_failure"]
        if item is not None:
            stack = call.place["stacks"].get(item["_stack"])
            cloudformation.settle(call, stack)
            if stack["StackStatus"].startswith("ROLLBACK"):
                reason = stack["StackStatusReason"]
        record["Status"] = "FAILED" if reason else "SUCCEEDED"
        if reason:
            record["RecordErrors"] = [{"Code": "ResourceCreationFailure", "Description": reason}]


@operation("servicecatalog", "DescribeRecord")
def describe_record(call):
    record = call.place["records"].get(call.input["Id"])
    if record is None:
        raise _missing("Record", call.input["Id"])
    _settle_record(call, record)
    item = call.place["provisioned"].get(record["ProvisionedProductId"])
    outputs = []
    if item is not None:
        stack = call.place["stacks"][item["_stack"]]
        outputs = [{"OutputKey": one["OutputKey"], "OutputValue": one["OutputValue"]}
                   for one in stack["Outputs"]]
    return {"RecordDetail": record, "RecordOutputs": outputs}


def _provisioned(call):
    for item in call.place["provisioned"].values():
        if call.input.get("ProvisionedProductId", call.input.get("Id")) == item["Id"] or \
                call.input.get("ProvisionedProductName", call.input.get("Name")) == item["Name"]:
            return item
    raise _missing("ProvisionedProduct", "of that id or name")


@operation("servicecatalog", "DescribeProvisionedProduct")
def describe_provisioned_product(call):
    item = _provisioned(call)
    return {"ProvisionedProductDetail": {**item, **_status(call, item)}}


def _status(call, item):
    record = call.place["records"][item["LastRecordId"]]
    _settle_record(call, record)
    status = {"CREATED": "UNDER_CHANGE", "SUCCEEDED": "AVAILABLE", "FAILED": "ERROR"}
    found = {"Status": status[record["Status"]]}
    if record["RecordErrors"]:
        found["StatusMessage"] = record["RecordErrors"][0]["Description"]
    return found


@operation("servicecatalog", "SearchProvisionedProducts")
def search_provisioned_products(call):
    found = [{**item, **_status(call, item), "Tags": item["_tags"]}
             for item in list(call.place["provisioned"].values())]
    answer = _paged(call, found, "ProvisionedProducts")
    return {**answer, "TotalResultsCount": len(found)}


@operation("servicecatalog", "TerminateProvisionedProduct")
def terminate_provisioned_product(call):
    from . import cloudformation
    item = _provisioned(call)
    cloudformation.remove(call, call.place["stacks"].get(item["_stack"]))
    del call.place["provisioned"][item["Id"]]
    record = _record(call, item["Id"], item["Name"], {"_id": item["ProductId"]},
                     {"Id": item["ProvisioningArtifactId"]}, "TERMINATE_PROVISIONED_PRODUCT")
    return {"RecordDetail": record}
