"""Images that exist before anything was built: Amazon's and the marketplace's."""

from . import images, snapshots


class _Owner:
    """Enough of a call to make things in somebody's name."""

    def __init__(self, world, account, region):
        self.world = world
        self.account = account
        self.region = region
        self.place = world.place(account, region)
        self.input = {}

    @property
    def now(self):
        return self.world.clock.now()


def public_image(world, given):
    """Makes an available image. given: region, name, owner, alias, architecture, size,
    product_codes, public, users, encrypted, root_device_type, platform, blocks {index: text}."""
    owner = _Owner(world, given.get("owner", "137112412989"), given["region"])
    store = snapshots.Store(world)
    for index, text in given.get("blocks", {}).items():
        store.put(int(index), text.encode("latin-1").ljust(snapshots.BLOCK, b"\0"))
    size = int(given.get("size", 8))
    snapshot = snapshots.make(owner, store, size, "", [])
    snapshot.update(State="completed", Progress="100%", _seed=True)
    root = given.get("root_device", "/dev/xvda")
    item = images.make(
        owner, given["name"], given.get("description", ""),
        [{"DeviceName": root, "Ebs": {"SnapshotId": snapshot["SnapshotId"], "VolumeSize": size,
                                      "VolumeType": "gp3", "DeleteOnTermination": True,
                                      "Encrypted": False}}], [],
        Architecture=given.get("architecture", "x86_64"), RootDeviceName=root,
        RootDeviceType=given.get("root_device_type", "ebs"), Platform="Windows" if given.get("platform") == "windows" else None,
        ImageOwnerAlias=given.get("alias", "amazon"),
        ProductCodes=[{"ProductCodeId": code, "ProductCodeType": "marketplace"}
                      for code in given.get("product_codes", ())])
    world.made["images"] -= 1  # it was there already
    public = given.get("public", True)
    item.update(State="available", Public=public, _seed=True,
                _permissions=([{"Group": "all"}] if public else []) +
                [{"UserId": user} for user in given.get("users", ())])
    if item["Platform"] if "Platform" in item else False:
        item["PlatformDetails"] = "Windows"
    return {"image": item["ImageId"], "snapshot": snapshot["SnapshotId"]}
