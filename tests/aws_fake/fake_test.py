"""The stand-in seen by botocore, which knows nothing of it."""

import base64
import hashlib
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

try:
    import botocore.exceptions
except ImportError:
    print("SKIPPED: botocore is not installed (python3-botocore)")
    sys.exit(77)

from aws_fake.running import Fake  # noqa: E402

PARENT, CHILD = "111111111111", "222222222222"
BLOCK = 524288


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fake = Fake("--speed", "1000000")

    @classmethod
    def tearDownClass(cls):
        cls.fake.close()

    def setUp(self):
        self.fake.control("POST", "reset", {})
        self.ec2 = self.fake.client("ec2")
        self.ssm = self.fake.client("ssm")
        self.image = self.fake.control("POST", "images", {
            "region": "us-east-1", "name": "base"})["image"]

    def refused(self, code, function, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            function(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response

    def profile(self):
        iam = self.fake.client("iam")
        iam.create_role(RoleName="node", AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": []}))
        iam.create_instance_profile(InstanceProfileName="node")
        iam.add_role_to_instance_profile(InstanceProfileName="node", RoleName="node")
        return {"Name": "node"}

    def instance(self, **more):
        answer = self.ec2.run_instances(ImageId=self.image, MinCount=1, MaxCount=1,
                                        InstanceType="t3.micro", **more)
        return answer["Instances"][0]["InstanceId"]

    def state(self, instance):
        answer = self.ec2.describe_instances(InstanceIds=[instance])
        return answer["Reservations"][0]["Instances"][0]["State"]["Name"]

    def finished(self, command, instance):
        for _ in range(500):
            found = self.ssm.get_command_invocation(CommandId=command, InstanceId=instance)
            if found["Status"] not in ("Pending", "InProgress"):
                return found
            time.sleep(0.02)
        self.fail("the command does not end")
        return None


class Identity(Case):
    def test_a_good_signature_says_who_calls(self):
        found = self.fake.client("sts").get_caller_identity()
        self.assertEqual(found["Account"], PARENT)
        self.assertEqual(found["Arn"], f"arn:aws:iam::{PARENT}:user/admin")

    def test_bad_signatures_are_refused_as_each_service_says_it(self):
        keys = self.fake.keys(PARENT)
        wrong = {**keys, "aws_secret_access_key": "x" * 40}
        self.refused("AuthFailure", self.fake.client("ec2", **wrong).describe_images)
        self.refused("SignatureDoesNotMatch",
                     self.fake.client("sts", **wrong).get_caller_identity)
        self.refused("InvalidSignatureException",
                     self.fake.client("ssm", **wrong).describe_parameters)
        nobody = {"aws_access_key_id": "AKIANOBODY", "aws_secret_access_key": "x"}
        self.refused("InvalidClientTokenId",
                     self.fake.client("sts", **nobody).get_caller_identity)

    def test_a_clock_that_is_wrong_is_refused(self):
        self.fake.control("POST", "clock", {"skew": 4000})
        try:
            self.refused("RequestExpired", self.ec2.describe_images, Owners=["self"])
            self.refused("InvalidSignatureException", self.ssm.describe_parameters)
        finally:
            self.fake.control("POST", "clock", {"skew": 0})

    def role(self, external=None):
        statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{PARENT}:root"},
                     "Action": "sts:AssumeRole"}
        if external:
            statement["Condition"] = {"StringEquals": {"sts:ExternalId": external}}
        role = self.fake.client("iam", CHILD).create_role(
            RoleName="cross", AssumeRolePolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [statement]}))
        return role["Role"]["Arn"]

    def test_a_role_is_assumed_by_its_trust_and_external_id(self):
        arn = self.role("secret")
        sts = self.fake.client("sts")
        self.refused("AccessDenied", sts.assume_role, RoleArn=arn, RoleSessionName="one")
        self.refused("AccessDenied", sts.assume_role, RoleArn=arn, RoleSessionName="one",
                     ExternalId="other")
        self.refused("AccessDenied", self.fake.client("sts", "333333333333").assume_role,
                     RoleArn=arn, RoleSessionName="one", ExternalId="secret")
        self.refused("ValidationError", sts.assume_role, RoleArn=arn, RoleSessionName="one",
                     ExternalId="secret", DurationSeconds=7200)
        found = sts.assume_role(RoleArn=arn, RoleSessionName="one", ExternalId="secret")
        keys = found["Credentials"]
        child = {"aws_access_key_id": keys["AccessKeyId"],
                 "aws_secret_access_key": keys["SecretAccessKey"],
                 "aws_session_token": keys["SessionToken"]}
        who = self.fake.client("sts", **child).get_caller_identity()
        self.assertEqual(who["Account"], CHILD)
        self.assertEqual(who["Arn"], f"arn:aws:sts::{CHILD}:assumed-role/cross/one")
        self.fake.control("POST", "expire-sessions", {})
        self.refused("ExpiredToken", self.fake.client("sts", **child).get_caller_identity)
        self.refused("RequestExpired", self.fake.client("ec2", **child).describe_images,
                     Owners=["self"])

    def test_enforced_policies_refuse_what_they_do_not_allow(self):
        iam = self.fake.client("iam")
        iam.create_user(UserName="small")
        iam.put_user_policy(UserName="small", PolicyName="p", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}]}))
        key = iam.create_access_key(UserName="small")["AccessKey"]
        small = {"aws_access_key_id": key["AccessKeyId"],
                 "aws_secret_access_key": key["SecretAccessKey"]}
        self.fake.control("POST", "switches", {"enforce": True})
        ec2 = self.fake.client("ec2", **small)
        ec2.describe_images(Owners=["self"])
        self.refused("UnauthorizedOperation", ec2.run_instances, ImageId=self.image, MinCount=1,
                     MaxCount=1, DryRun=True)
        self.refused("AccessDeniedException",
                     self.fake.client("ssm", **small).get_parameter, Name="/a")
        answer = iam.simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{PARENT}:user/small",
            ActionNames=["ec2:DescribeImages", "ec2:RunInstances"])
        self.assertEqual([item["EvalDecision"] for item in answer["EvaluationResults"]],
                         ["allowed", "implicitDeny"])


class Instances(Case):
    def test_an_instance_lives_from_pending_to_terminated(self):
        self.fake.control("POST", "delays", {"instance-start": {"looks": 1},
                                             "instance-stop": {"looks": 1},
                                             "instance-terminate": {"looks": 1}})
        name = self.instance(ClientToken="t", TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "run", "Value": "1"}]}])
        self.assertEqual(self.state(name), "pending")
        self.assertEqual(self.state(name), "running")
        self.ec2.stop_instances(InstanceIds=[name])
        self.assertEqual(self.state(name), "stopping")
        self.assertEqual(self.state(name), "stopped")
        self.ec2.terminate_instances(InstanceIds=[name])
        self.assertEqual(self.state(name), "shutting-down")
        self.assertEqual(self.state(name), "terminated")
        self.ec2.terminate_instances(InstanceIds=[name])
        found = self.ec2.describe_instances(Filters=[{"Name": "tag:run", "Values": ["1"]}])
        self.assertEqual(len(found["Reservations"]), 1)
        self.assertEqual(self.fake.control("GET", "leftovers"), {})

    def test_a_client_token_makes_one_instance(self):
        first = self.instance(ClientToken="same")
        self.assertEqual(self.instance(ClientToken="same"), first)
        self.refused("IdempotentParameterMismatch", self.ec2.run_instances, ImageId=self.image,
                     MinCount=1, MaxCount=2, InstanceType="t3.micro", ClientToken="same")

    def test_dry_run_capacity_and_product_codes(self):
        self.refused("DryRunOperation", self.ec2.run_instances, ImageId=self.image, MinCount=1,
                     MaxCount=1, InstanceType="t3.micro", DryRun=True)
        self.fake.control("POST", "switches", {"capacity": [{"type": "t3.micro", "count": 1}]})
        self.refused("InsufficientInstanceCapacity", self.ec2.run_instances, ImageId=self.image,
                     MinCount=1, MaxCount=1, InstanceType="t3.micro")
        self.instance()
        paid = self.fake.control("POST", "images", {
            "region": "us-east-1", "name": "paid", "product_codes": ["abc"]})["image"]
        self.refused("OptInRequired", self.ec2.run_instances, ImageId=paid, MinCount=1, MaxCount=1,
                     InstanceType="t3.micro", DryRun=True)
        self.fake.control("POST", "switches", {"marketplace": [[PARENT, "abc"]]})
        self.refused("DryRunOperation", self.ec2.run_instances, ImageId=paid, MinCount=1,
                     MaxCount=1, InstanceType="t3.micro", DryRun=True)

    def test_what_does_not_exist_and_what_can_not(self):
        self.refused("InvalidInstanceID.NotFound", self.ec2.describe_instances,
                     InstanceIds=["i-0123456789abcdef0"])
        self.refused("InvalidInstanceID.Malformed", self.ec2.describe_instances,
                     InstanceIds=["i-zz"])
        self.refused("InvalidAMIID.Malformed", self.ec2.describe_images, ImageIds=["ami-zz"])
        self.refused("InvalidAMIID.NotFound", self.ec2.describe_images,
                     ImageIds=["ami-0123456789abcdef0", self.image])
        self.refused("InvalidParameterValue", self.ec2.describe_images,
                     Filters=[{"Name": "nonsense", "Values": ["x"]}])

    def test_a_new_instance_is_not_seen_at_once(self):
        self.fake.control("POST", "switches", {"lag": 2})
        name = self.instance()
        self.refused("InvalidInstanceID.NotFound", self.ec2.describe_instances, InstanceIds=[name])
        self.refused("InvalidInstanceID.NotFound", self.ec2.describe_instances, InstanceIds=[name])
        self.assertEqual(self.state(name), "running")

    def test_pages_hold_all(self):
        for _ in range(12):
            self.instance()
        pages = self.ec2.get_paginator("describe_instances").paginate(
            PaginationConfig={"PageSize": 5})
        self.assertEqual(sum(len(page["Reservations"]) for page in pages), 12)


class Images(Case):
    def build(self, **more):
        name = self.instance()
        self.ec2.stop_instances(InstanceIds=[name])
        return self.ec2.create_image(InstanceId=name, Name="golden", **more)["ImageId"]

    def test_an_image_comes_and_goes(self):
        self.fake.control("POST", "delays", {"image": {"looks": 1}})
        image = self.build(TagSpecifications=[
            {"ResourceType": "image", "Tags": [{"Key": "a", "Value": "b"}]},
            {"ResourceType": "snapshot", "Tags": [{"Key": "a", "Value": "b"}]}])
        look = self.ec2.describe_images(ImageIds=[image])["Images"][0]
        self.assertEqual(look["State"], "pending")
        look = self.ec2.describe_images(ImageIds=[image])["Images"][0]
        self.assertEqual(look["State"], "available")
        self.assertEqual(look["Tags"], [{"Key": "a", "Value": "b"}])
        snapshot = look["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        self.refused("InvalidSnapshot.InUse", self.ec2.delete_snapshot, SnapshotId=snapshot)
        self.refused("InvalidAMIName.Duplicate", self.ec2.create_image, Name="golden",
                     InstanceId=self.instance())
        self.ec2.deregister_image(ImageId=image)
        self.refused("InvalidAMIID.Unavailable", self.ec2.deregister_image, ImageId=image)
        self.ec2.delete_snapshot(SnapshotId=snapshot)
        self.refused("InvalidSnapshot.NotFound", self.ec2.delete_snapshot, SnapshotId=snapshot)

    def test_an_image_fails_with_its_reason(self):
        self.fake.control("POST", "failures", {"kind": "image", "reason": "disk on fire"})
        look = self.ec2.describe_images(ImageIds=[self.build()])["Images"][0]
        self.assertEqual(look["State"], "failed")
        self.assertEqual(look["StateReason"]["Message"], "disk on fire")

    def test_sharing_shows_the_image_and_no_tags(self):
        image = self.build(TagSpecifications=[
            {"ResourceType": "image", "Tags": [{"Key": "a", "Value": "b"}]}])
        self.ec2.describe_images(ImageIds=[image])
        child = self.fake.client("ec2", CHILD)
        self.refused("InvalidAMIID.NotFound", child.describe_images, ImageIds=[image])
        self.ec2.modify_image_attribute(ImageId=image, LaunchPermission={
            "Add": [{"UserId": CHILD}]})
        found = child.describe_images(ExecutableUsers=["self"])["Images"]
        self.assertEqual([item["ImageId"] for item in found], [image])
        self.assertNotIn("Tags", found[0]) if "Tags" not in found[0] else \
            self.assertEqual(found[0]["Tags"], [])
        self.refused("InvalidAMIAttributeItemValue", self.ec2.modify_image_attribute,
                     ImageId=image, LaunchPermission={"Add": [{"UserId": "12"}]})
        self.refused("InvalidRequest", child.copy_image, Name="mine", SourceImageId=image,
                     SourceRegion="us-east-1")
        self.ec2.modify_image_attribute(ImageId=image, LaunchPermission={
            "Remove": [{"UserId": CHILD}]})
        self.refused("InvalidAMIID.NotFound", child.describe_images, ImageIds=[image])

    def test_copies_are_limited_and_keys_checked_late(self):
        image = self.build()
        self.ec2.describe_images(ImageIds=[image])
        west = self.fake.client("ec2", region="us-west-2")
        self.fake.control("POST", "switches", {"copy-limit": 1})
        self.fake.control("POST", "delays", {"image-copy": {"looks": 3}})
        copy = west.copy_image(Name="copy", SourceImageId=image, SourceRegion="us-east-1",
                               ClientToken="c")["ImageId"]
        self.assertEqual(west.copy_image(Name="copy", SourceImageId=image, ClientToken="c",
                                         SourceRegion="us-east-1")["ImageId"], copy)
        self.refused("ResourceLimitExceeded", west.copy_image, Name="other", SourceImageId=image,
                     SourceRegion="us-east-1")
        self.fake.control("POST", "switches", {"copy-limit": 100})
        bad = west.copy_image(Name="bad", SourceImageId=image, SourceRegion="us-east-1",
                              Encrypted=True, KmsKeyId="alias/none")["ImageId"]
        for _ in range(5):
            look = west.describe_images(ImageIds=[bad])["Images"][0]
        self.assertEqual(look["State"], "failed")
        self.assertIn("not accessible", look["StateReason"]["Message"])

    def test_an_encrypted_image_needs_a_key_that_can_be_shared(self):
        image = self.build()
        self.ec2.describe_images(ImageIds=[image])
        default = self.ec2.copy_image(Name="default", SourceImageId=image, SourceRegion="us-east-1",
                                      Encrypted=True)["ImageId"]
        self.ec2.describe_images(ImageIds=[default])
        self.refused("InvalidParameter", self.ec2.modify_image_attribute, ImageId=default,
                     LaunchPermission={"Add": [{"UserId": CHILD}]})
        kms = self.fake.client("kms")
        key = kms.create_key()["KeyMetadata"]["Arn"]
        own = self.ec2.copy_image(Name="owned", SourceImageId=image, SourceRegion="us-east-1",
                                  Encrypted=True, KmsKeyId=key)["ImageId"]
        self.ec2.describe_images(ImageIds=[own])
        self.ec2.modify_image_attribute(ImageId=own,
                                        LaunchPermission={"Add": [{"UserId": CHILD}]})
        child = self.fake.client("ec2", CHILD)

        def launch():
            name = child.run_instances(ImageId=own, MinCount=1, MaxCount=1,
                                       InstanceType="t3.micro")["Instances"][0]["InstanceId"]
            look = child.describe_instances(InstanceIds=[name])
            return look["Reservations"][0]["Instances"][0]

        look = launch()
        self.assertEqual(look["State"]["Name"], "terminated")
        self.assertIn("InvalidKMSKey", look["StateReason"]["Message"])
        policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        policy["Statement"].append({
            "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{CHILD}:root"},
            "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*", "kms:ReEncrypt*",
                       "kms:CreateGrant"], "Resource": "*"})
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
        self.assertEqual(launch()["State"]["Name"], "running")


class Blocks(Case):
    def test_a_snapshot_is_written_registered_and_read_back(self):
        ebs = self.fake.client("ebs")
        name = ebs.start_snapshot(VolumeSize=1, ClientToken="s", Tags=[
            {"Key": "a", "Value": "b"}])["SnapshotId"]
        blocks = {0: os.urandom(BLOCK), 7: os.urandom(BLOCK), 2047: b"\1" * BLOCK}
        for index, data in blocks.items():
            checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
            ebs.put_snapshot_block(SnapshotId=name, BlockIndex=index, BlockData=data,
                                   DataLength=BLOCK, Checksum=checksum, ChecksumAlgorithm="SHA256")
        self.refused("ValidationException", ebs.put_snapshot_block, SnapshotId=name, BlockIndex=1,
                     BlockData=b"\2" * BLOCK, DataLength=BLOCK, Checksum=checksum,
                     ChecksumAlgorithm="SHA256")
        self.refused("ValidationException", ebs.put_snapshot_block, SnapshotId=name,
                     BlockIndex=2048, BlockData=data, DataLength=BLOCK, Checksum=checksum,
                     ChecksumAlgorithm="SHA256")
        self.refused("ValidationException", ebs.list_snapshot_blocks, SnapshotId=name)
        self.refused("ValidationException", ebs.complete_snapshot, SnapshotId=name,
                     ChangedBlocksCount=2)
        ebs.complete_snapshot(SnapshotId=name, ChangedBlocksCount=3)
        self.assertEqual(self.ec2.describe_snapshots(SnapshotIds=[name])["Snapshots"][0]["State"],
                         "completed")
        image = self.ec2.register_image(
            Name="own", Architecture="x86_64", RootDeviceName="/dev/xvda", VirtualizationType="hvm",
            EnaSupport=True, BlockDeviceMappings=[
                {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": name}}])["ImageId"]
        self.assertEqual(self.ec2.describe_images(ImageIds=[image])["Images"][0]["State"],
                         "available")
        listed = ebs.list_snapshot_blocks(SnapshotId=name)
        self.assertEqual([block["BlockIndex"] for block in listed["Blocks"]], [0, 7, 2047])
        for block in listed["Blocks"]:
            got = ebs.get_snapshot_block(SnapshotId=name, **block)
            self.assertEqual(got["BlockData"].read(), blocks[block["BlockIndex"]])
        self.refused("ValidationException", ebs.get_snapshot_block, SnapshotId=name, BlockIndex=7,
                     BlockToken=listed["Blocks"][0]["BlockToken"])

    def test_changed_blocks_and_a_parent(self):
        ebs = self.fake.client("ebs")

        def write(parent, blocks):
            more = {"ParentSnapshotId": parent} if parent else {}
            name = ebs.start_snapshot(VolumeSize=1, **more)["SnapshotId"]
            for index, data in blocks.items():
                checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
                ebs.put_snapshot_block(SnapshotId=name, BlockIndex=index, BlockData=data,
                                       DataLength=BLOCK, Checksum=checksum,
                                       ChecksumAlgorithm="SHA256")
            ebs.complete_snapshot(SnapshotId=name, ChangedBlocksCount=len(blocks))
            return name

        first = write(None, {0: b"a" * BLOCK, 1: b"b" * BLOCK})
        second = write(first, {1: b"c" * BLOCK, 5: b"d" * BLOCK})
        changed = ebs.list_changed_blocks(FirstSnapshotId=first, SecondSnapshotId=second)
        self.assertEqual([block["BlockIndex"] for block in changed["ChangedBlocks"]], [1, 5])
        listed = ebs.list_snapshot_blocks(SnapshotId=second)
        self.assertEqual([block["BlockIndex"] for block in listed["Blocks"]], [0, 1, 5])


class Commands(Case):
    def send(self, instance, text, **more):
        parameters = {"commands": [text], **more.pop("parameters", {})}
        return self.ssm.send_command(InstanceIds=[instance], DocumentName="AWS-RunShellScript",
                                     Parameters=parameters, **more)["Command"]["CommandId"]

    def running(self):
        name = self.instance(IamInstanceProfile=self.profile(),
                             InstanceInitiatedShutdownBehavior="terminate")
        for _ in range(200):
            if self.ssm.describe_instance_information()["InstanceInformationList"]:
                return name
            time.sleep(0.02)
        self.fail("the instance does not register")
        return name

    def test_scripts_really_run_and_say_how_they_ended(self):
        name = self.running()
        found = self.finished(self.send(name, "echo out; echo err >&2; exit 3"), name)
        self.assertEqual((found["Status"], found["ResponseCode"]), ("Failed", 3))
        self.assertEqual(found["StandardOutputContent"], "out\n")
        self.assertEqual(found["StandardErrorContent"], "err\n")
        self.finished(self.send(name, "echo kept > etc/file"), name)
        found = self.finished(self.send(name, "cat etc/file; id -u"), name)
        self.assertTrue(found["StandardOutputContent"].startswith("kept\n"))
        if os.geteuid() == 0:
            self.assertEqual(found["StandardOutputContent"], "kept\n0\n")

    def test_timeouts_cancels_and_reboots(self):
        name = self.running()
        found = self.finished(self.send(name, "sleep 20 & sleep 20", parameters={
            "executionTimeout": ["1"]}), name)
        self.assertEqual((found["Status"], found["StatusDetails"]),
                         ("TimedOut", "Execution Timed Out"))
        command = self.send(name, "sleep 20")
        time.sleep(0.1)
        self.ssm.cancel_command(CommandId=command)
        self.assertEqual(self.finished(command, name)["Status"], "Cancelled")
        found = self.finished(self.send(
            name, "if [ -e etc/again ]; then echo second; else touch etc/again; exit 194; fi"),
            name)
        self.assertEqual(found["StandardOutputContent"], "second\n")

    def test_long_output_is_cut_here_and_whole_in_s3(self):
        s3 = self.fake.client("s3")
        s3.create_bucket(Bucket="outputs")
        name = self.running()
        command = self.send(name, "head -c 30000 /dev/zero | tr '\\0' x",
                            OutputS3BucketName="outputs", OutputS3KeyPrefix="runs")
        found = self.finished(command, name)
        self.assertEqual(len(found["StandardOutputContent"]), 24000)
        key = s3.list_objects_v2(Bucket="outputs", Prefix="runs/")["Contents"][0]["Key"]
        self.assertEqual(len(s3.get_object(Bucket="outputs", Key=key)["Body"].read()), 30000)
        self.assertIn(key, found["StandardOutputUrl"])

    def test_a_shutdown_in_the_guest_ends_the_instance(self):
        name = self.running()
        self.finished(self.send(name, "shutdown -h now"), name)
        for _ in range(100):
            if self.state(name) == "terminated":
                break
            time.sleep(0.02)
        self.assertEqual(self.state(name), "terminated")
        self.refused("InvalidInstanceId", self.ssm.send_command, InstanceIds=[name],
                     DocumentName="AWS-RunShellScript", Parameters={"commands": ["true"]})

    def test_rules_answer_in_place_of_running(self):
        name = self.running()
        self.fake.control("POST", "switches", {"lag": 1,
                                               "command-rules": [
            {"match": "dnf", "exit": 100, "stdout": "updates\n"}]})
        command = self.send(name, "dnf check-update")
        self.refused("InvocationDoesNotExist", self.ssm.get_command_invocation, CommandId=command,
                     InstanceId=name)
        found = self.finished(command, name)
        self.assertEqual((found["ResponseCode"], found["StandardOutputContent"]),
                         (100, "updates\n"))


class Parameters(Case):
    def test_versions_overwrite_and_limits(self):
        put = self.ssm.put_parameter
        self.assertEqual(put(Name="/a/b", Value="1", Type="String")["Version"], 1)
        self.refused("ParameterAlreadyExists", put, Name="/a/b", Value="2", Type="String")
        self.assertEqual(put(Name="/a/b", Value="2", Type="String", Overwrite=True)["Version"], 2)
        self.assertEqual(self.ssm.get_parameter(Name="/a/b:1")["Parameter"]["Value"], "1")
        self.refused("ValidationException", put, Name="/a/c", Value="x" * 4097, Type="String")
        put(Name="/a/c", Value="x" * 4097, Type="String", Tier="Advanced")
        self.refused("ParameterNotFound", self.ssm.get_parameter, Name="/none")
        self.refused("ParameterNotFound", self.ssm.delete_parameter, Name="/none")
        for number in range(25):
            put(Name=f"/many/{number}", Value="v", Type="String")
        pages = self.ssm.get_paginator("get_parameters_by_path").paginate(Path="/many")
        self.assertEqual(sum(len(page["Parameters"]) for page in pages), 25)

    def test_a_bad_image_never_becomes_a_version(self):
        self.ssm.put_parameter(Name="/ami", Value=self.image, Type="String",
                               DataType="aws:ec2:image")
        self.ssm.put_parameter(Name="/ami", Value="ami-0123456789abcdef0", Type="String",
                               DataType="aws:ec2:image", Overwrite=True)
        time.sleep(0.01)
        self.assertEqual(self.ssm.get_parameter(Name="/ami")["Parameter"]["Value"], self.image)


class Secrets(Case):
    def put(self, **given):
        return self.fake.control("POST", "secrets", {
            "account": PARENT, "region": "us-east-1", "name": "scanner/login", **given})

    def test_a_secret_is_read_by_its_name_and_arn(self):
        get = self.fake.client("secretsmanager").get_secret_value
        self.refused("ResourceNotFoundException", get, SecretId="scanner/login")
        first = self.put(value="old")
        second = self.put(value='{"password": "\u00e4"}')
        for name in ("scanner/login", second["arn"], second["arn"][:-7]):
            found = get(SecretId=name)
            self.assertEqual(json.loads(found["SecretString"]), {"password": "\u00e4"})
            self.assertEqual((found["VersionId"], found["VersionStages"]),
                             (second["version"], ["AWSCURRENT"]))
        self.assertEqual(get(SecretId="scanner/login", VersionStage="AWSPREVIOUS")["VersionId"],
                         first["version"])
        self.assertEqual(get(SecretId="scanner/login", VersionId=first["version"])
                         ["SecretString"], "old")
        self.refused("ResourceNotFoundException", get, SecretId="scanner/login",
                     VersionStage="none")
        self.put(name="key", binary="\0raw")
        self.assertEqual(get(SecretId="key")["SecretBinary"], b"\0raw")

    def test_a_secret_is_of_its_account_and_region(self):
        self.put(value="here")
        for client in (self.fake.client("secretsmanager", account=CHILD),
                       self.fake.client("secretsmanager", region="eu-central-1")):
            self.refused("ResourceNotFoundException", client.get_secret_value,
                         SecretId="scanner/login")

    def test_a_secure_parameter_is_read_only_when_asked_to_decrypt(self):
        self.ssm.put_parameter(Name="/login", Value="hidden", Type="SecureString")
        get = self.ssm.get_parameter
        self.assertNotIn("hidden", get(Name="/login")["Parameter"]["Value"])
        self.assertEqual(get(Name="/login", WithDecryption=True)["Parameter"]["Value"], "hidden")


class Faults(Case):
    def test_answers_are_lost_before_and_after(self):
        self.fake.control("POST", "faults", {"service": "ec2", "operation": "RunInstances",
                                             "kind": "drop-after"})
        with self.assertRaises(botocore.exceptions.HTTPClientError):
            self.instance()
        self.assertEqual(len(self.fake.control("GET", "leftovers")["instances"]), 1)
        self.fake.control("POST", "faults", {"service": "ec2", "operation": "RunInstances",
                                             "kind": "reset-before"})
        with self.assertRaises(botocore.exceptions.HTTPClientError):
            self.instance()
        self.assertEqual(len(self.fake.control("GET", "leftovers")["instances"]), 1)

    def test_throttles_html_and_cuts(self):
        self.fake.control("POST", "faults", {"operation": "DescribeImages", "nth": 2,
                                             "kind": "throttle"})
        self.ec2.describe_images(Owners=["self"])
        found = self.refused("RequestLimitExceeded", self.ec2.describe_images, Owners=["self"])
        self.assertEqual(found["ResponseMetadata"]["HTTPStatusCode"], 503)
        self.fake.control("POST", "faults", {"operation": "DescribeImages", "kind": "cut"})
        with self.assertRaises(Exception):
            self.ec2.describe_images(Owners=["self"])
        self.fake.control("POST", "faults", {"operation": "DescribeImages", "kind": "html-500"})
        with self.assertRaises(Exception):
            self.ec2.describe_images(Owners=["self"])
        self.ec2.describe_images(Owners=["self"])
        calls = self.fake.control("GET", "calls?operation=DescribeImages")["calls"]
        self.assertEqual([call["outcome"] for call in calls],
                         ["ok", "RequestLimitExceeded", "ok", "html-500", "ok"])

    def test_buckets_run_empty_when_switched_on(self):
        self.fake.control("POST", "switches", {"throttle": True})
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            for _ in range(20):
                self.instance()
        self.assertEqual(caught.exception.response["Error"]["Code"], "RequestLimitExceeded")
        self.fake.control("POST", "clock", {"advance": 10})
        self.instance()

    def test_a_dead_world_hears_nothing_until_it_is_cleared(self):
        self.fake.control("POST", "faults", {"operation": "CreateTags", "kind": "die-after",
                                             "mutating": True})
        name = self.instance()
        with self.assertRaises(botocore.exceptions.HTTPClientError):
            self.ec2.create_tags(Resources=[name], Tags=[{"Key": "a", "Value": "b"}])
        with self.assertRaises(botocore.exceptions.HTTPClientError):
            self.ec2.describe_images(Owners=["self"])
        self.fake.control("DELETE", "faults")
        found = self.ec2.describe_tags(Filters=[{"Name": "key", "Values": ["a"]}])
        self.assertEqual(found["Tags"][0]["ResourceId"], name)

    def test_a_wrong_fault_is_refused(self):
        with self.assertRaises(ValueError):
            self.fake.control("POST", "faults", {"kind": "gremlin"})


class Objects(Case):
    def test_versions_and_conditional_writes(self):
        s3 = self.fake.client("s3")
        s3.create_bucket(Bucket="things")
        s3.put_bucket_versioning(Bucket="things", VersioningConfiguration={"Status": "Enabled"})
        first = s3.put_object(Bucket="things", Key="a b/é", Body=b"one")["VersionId"]
        s3.put_object(Bucket="things", Key="a b/é", Body=b"two")
        self.assertEqual(s3.get_object(Bucket="things", Key="a b/é")["Body"].read(), b"two")
        self.assertEqual(s3.get_object(Bucket="things", Key="a b/é", VersionId=first)[
            "Body"].read(), b"one")
        s3.delete_object(Bucket="things", Key="a b/é")
        self.refused("NoSuchKey", s3.get_object, Bucket="things", Key="a b/é")
        self.refused("404", s3.head_object, Bucket="things", Key="a b/é")
        self.refused("BucketNotEmpty", s3.delete_bucket, Bucket="things")
        if "IfNoneMatch" in s3.meta.service_model.operation_model("PutObject").input_shape.members:
            s3.put_object(Bucket="things", Key="c", Body=b"1", IfNoneMatch="*")
            self.refused("PreconditionFailed", s3.put_object, Bucket="things", Key="c", Body=b"1",
                         IfNoneMatch="*")


if __name__ == "__main__":
    unittest.main()
