"""What still exists, so that a test can say that nothing was left behind."""


def everything(world, query=None):
    """{kind: [{id, account, region, ...}]}, kinds without entries left out."""
    found = {}
    only = {name: values[0] for name, values in (query or {}).items()}

    def add(kind, account, region, name, /, **more):
        entry = {"id": name, "account": account, "region": region, **more}
        if all(str(entry.get(key)) == value for key, value in only.items()):
            found.setdefault(kind, []).append(entry)

    from .services.ec2 import instances, images, snapshots
    for place in list(world.places.values()):
        account, region = place.account, place.region
        for item in list(place["instances"].values()):
            instances.settle(world, place, item)
            if item["State"]["Name"] != "terminated":
                add("instances", account, region, item["InstanceId"],
                    state=item["State"]["Name"], tags=_tags(item))
        for item in list(place["volumes"].values()):
            add("volumes", account, region, item["VolumeId"], state=item["State"],
                tags=_tags(item))
        for name in ("launch_templates", "key_pairs", "vpcs", "subnets", "security_groups",
                     "nat_gateways", "addresses", "network_interfaces", "vpc_endpoints"):
            for key, item in place[name].items():
                if not item.get("_seed"):
                    add(name, account, region, key, tags=_tags(item))
        for name in place["parameters"]:
            add("parameters", account, region, name)
        for name, command in place["commands"].items():
            if command["Status"] in ("Pending", "InProgress", "Cancelling"):
                add("commands", account, region, name)
        for table in ("auto_scaling_groups", "launch_configurations", "products", "portfolios", "provisioned", "tag_options", "stacks", "config_rules", "rules",
                      "topics", "functions", "roles", "instance_profiles", "policies"):
            for key, item in place[table].items():
                if isinstance(item, dict) and not item.get("_seed"):
                    add(table, account, region, key)
    for item in list(world.images.values()):
        images.settle(world, item)
        if not item.get("_seed") and item["State"] != "deregistered":
            add("images", item["OwnerId"], item["_region"], item["ImageId"],
                state=item["State"], name=item["Name"], tags=_tags(item))
    for item in list(world.snapshots.values()):
        snapshots.settle(world, item)
        if not item.get("_seed"):
            add("snapshots", item["OwnerId"], item["_region"], item["SnapshotId"],
                state=item["State"], tags=_tags(item))
    for item in world.keys.values():
        if not item.get("_managed") and item["KeyState"] != "PendingDeletion":
            add("keys", item["AWSAccountId"], item["_region"], item["KeyId"])
    for name, bucket in world.buckets.items():
        add("buckets", bucket["account"], bucket["region"], name,
            objects=sum(1 for versions in bucket["objects"].values() if versions))
    return found


def _tags(item):
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}
