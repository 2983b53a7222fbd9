"""Hallmark against moto, which others wrote from AWS's own descriptions, and read back by boto3.

`Calls`: `hallmark aws call` makes things and boto3 finds them as they were meant. `Golden`: the AWS cloud's own
operations, from a stopped machine to an image that is copied, tagged and shared.
"""

import glob
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = f"{ROOT}/.venv/bin/python"

if not os.path.exists(f"{ROOT}/.venv/peers.txt"):
    print("SKIPPED: moto is not installed (scripts/peers gets it from PyPI)")
    sys.exit(77)
sys.path[:0] = glob.glob(f"{ROOT}/.venv/lib/python3*/site-packages")
import boto3  # noqa: E402
import botocore.config  # noqa: E402

KEYS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret"}
START_LIMIT = 60


class Moto:
    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=self.log, stderr=self.log)
        until = time.monotonic() + START_LIMIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.close()
                    self.log.seek(0)
                    raise RuntimeError("moto does not start: " + self.log.read()[-2000:]) from None
                time.sleep(0.05)

    def close(self):
        self.process.terminate()
        self.process.wait()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.moto = Moto()
        cls.addClassCleanup(cls.moto.close)
        cls.home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.home.cleanup)

    def boto(self, service, region="us-east-1"):
        return boto3.client(service, region_name=region, endpoint_url=self.moto.endpoint, **KEYS,
                            config=botocore.config.Config(s3={"addressing_style": "path"}))

    def run_program(self, service, operation, given):
        environment = {"PATH": os.environ["PATH"], "HOME": self.home.name,
                       "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
                       "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
                       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        return subprocess.run(
            [os.environ["HALLMARK"], "aws", "call", service, operation, "--input", json.dumps(given), "--json",
             "--region", "us-east-1", "--endpoint-url", self.moto.endpoint],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    def call(self, service, operation, **given):
        done = self.run_program(service, operation, given)
        self.assertEqual(done.returncode, 0, f"{service} {operation}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def refused(self, exit_code, code, service, operation, **given):
        done = self.run_program(service, operation, given)
        self.assertEqual(done.returncode, exit_code, done.stdout + done.stderr)
        self.assertIn(code, done.stdout + done.stderr)

    def any_image(self):
        return self.boto("ec2").describe_images()["Images"][0]["ImageId"]


def tags_of(thing):
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}


class Calls(Case):
    def test_ec2(self):
        ec2 = self.boto("ec2")
        name = "blue & <green> \"ü\""
        machine = self.call("ec2", "RunInstances", ImageId=self.any_image(), MinCount=1, MaxCount=1,
                            InstanceType="t3.micro", UserData="#!/bin/sh\nexit 0\n",
                            TagSpecifications=[{"ResourceType": "instance",
                                                "Tags": [{"Key": "Name", "Value": name}]}])["Instances"][0]
        seen = ec2.describe_instances(InstanceIds=[machine["InstanceId"]])["Reservations"][0]["Instances"][0]
        self.assertEqual((seen["InstanceType"], tags_of(seen)), ("t3.micro", {"Name": name}))
        data = ec2.describe_instance_attribute(InstanceId=machine["InstanceId"], Attribute="userData")
        self.assertEqual(data["UserData"]["Value"], "IyEvYmluL3NoCmV4aXQgMAo=")
        image = self.call("ec2", "CreateImage", InstanceId=machine["InstanceId"], Name="image one")["ImageId"]
        self.call("ec2", "CreateTags", Resources=[image], Tags=[{"Key": f"k{n}", "Value": f"v {n}"} for n in range(12)])
        self.call("ec2", "ModifyImageAttribute", ImageId=image,
                  LaunchPermission={"Add": [{"UserId": "222233334444"}, {"UserId": "333344445555"}]})
        seen = ec2.describe_images(ImageIds=[image])["Images"][0]
        self.assertEqual((seen["Name"], tags_of(seen)["k11"]), ("image one", "v 11"))
        shares = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"]
        self.assertEqual(sorted(share["UserId"] for share in shares), ["222233334444", "333344445555"])
        copy = self.call("ec2", "CopyImage", SourceImageId=image, SourceRegion="us-east-1", Name="copy")["ImageId"]
        self.assertEqual(ec2.describe_images(ImageIds=[copy])["Images"][0]["Name"], "copy")
        # The other way: what boto3 reads is what Hallmark reads.
        ours = self.call("ec2", "DescribeImages", ImageIds=[image])["Images"][0]
        self.assertEqual((ours["ImageId"], ours["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"]),
                         (image, seen["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"]))
        self.call("ec2", "TerminateInstances", InstanceIds=[machine["InstanceId"]])
        self.refused(4, "InvalidAMIID.NotFound", "ec2", "DescribeImages", ImageIds=["ami-00000000000000000"])

    def test_ssm(self):
        self.call("ssm", "PutParameter", Name="/GoldenAMI/a/latest", Value="ami-1", Type="String")
        answer = self.call("ssm", "PutParameter", Name="/GoldenAMI/a/latest", Value="ämi-2", Type="String",
                           Overwrite=True)
        self.assertEqual(answer["Version"], 2)
        seen = self.boto("ssm").get_parameter(Name="/GoldenAMI/a/latest")["Parameter"]
        self.assertEqual((seen["Value"], seen["Version"]), ("ämi-2", 2))
        listed = self.call("ssm", "GetParametersByPath", Path="/GoldenAMI", Recursive=True)["Parameters"]
        self.assertEqual([row["Name"] for row in listed], ["/GoldenAMI/a/latest"])
        self.refused(4, "ParameterNotFound", "ssm", "GetParameter", Name="/none")

    def test_s3(self):
        s3 = self.boto("s3")
        self.call("s3", "CreateBucket", Bucket="output-a")
        key, body = "a b/ü?&=+%20/c", "first line\nsecond <line>\n"
        self.call("s3", "PutObject", Bucket="output-a", Key=key, Body=body, ContentType="text/plain",
                  Metadata={"run": "r1"})
        seen = s3.get_object(Bucket="output-a", Key=key)
        self.assertEqual((seen["Body"].read().decode(), seen["ContentType"], seen["Metadata"]),
                         (body, "text/plain", {"run": "r1"}))
        s3.put_object(Bucket="output-a", Key="bytes", Body=bytes(range(256)))
        self.assertIn("base64", self.call("s3", "GetObject", Bucket="output-a", Key="bytes")["Body"])
        listed = self.call("s3", "ListObjectsV2", Bucket="output-a", Prefix="a b/")["Contents"]
        self.assertEqual([row["Key"] for row in listed], [key])
        self.call("s3", "DeleteObjects", Bucket="output-a", Delete={"Objects": [{"Key": "bytes"}]})
        self.assertEqual([row["Key"] for row in s3.list_objects_v2(Bucket="output-a")["Contents"]], [key])
        self.refused(4, "NoSuchKey", "s3", "GetObject", Bucket="output-a", Key="none")

    def test_sts_iam_kms_sns(self):
        session = self.call("sts", "AssumeRole", RoleArn="arn:aws:iam::222233334444:role/child",
                            RoleSessionName="run", ExternalId="external")
        self.assertEqual(session["AssumedRoleUser"]["Arn"], "arn:aws:sts::222233334444:assumed-role/child/run")
        policy = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        self.call("iam", "CreateRole", RoleName="machine", AssumeRolePolicyDocument=json.dumps(policy))
        self.assertEqual(self.boto("iam").get_role(RoleName="machine")["Role"]["AssumeRolePolicyDocument"], policy)
        key = self.call("kms", "CreateKey", Description="images")["KeyMetadata"]["KeyId"]
        sealed = self.call("kms", "Encrypt", KeyId=key, Plaintext={"base64": "AP8BAg=="})["CiphertextBlob"]
        opened = self.call("kms", "Decrypt", CiphertextBlob=sealed)
        self.assertEqual((opened["Plaintext"], self.boto("kms").describe_key(KeyId=key)["KeyMetadata"]["Description"]),
                         ({"base64": "AP8BAg=="}, "images"))
        topic = self.call("sns", "CreateTopic", Name="notices", Attributes={"DisplayName": "Notices"})["TopicArn"]
        attributes = self.boto("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
        self.assertEqual(attributes["DisplayName"], "Notices")

    def test_cloudformation(self):
        template = {"Parameters": {"Name": {"Type": "String"}},
                    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}}},
                    "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}}}
        self.call("cloudformation", "CreateStack", StackName="stack", TemplateBody=json.dumps(template),
                  Parameters=[{"ParameterKey": "Name", "ParameterValue": "of-stack"}])
        stack = self.call("cloudformation", "DescribeStacks", StackName="stack")["Stacks"][0]
        self.assertEqual(stack["StackStatus"], "CREATE_COMPLETE")
        self.assertTrue(stack["Outputs"][0]["OutputValue"].endswith(":of-stack"), stack)

    def test_rest_json_and_the_rest(self):
        self.call("events", "PutRule", Name="daily", ScheduleExpression="rate(1 day)")
        self.assertEqual(self.boto("events").describe_rule(Name="daily")["ScheduleExpression"], "rate(1 day)")
        self.assertEqual(self.call("lambda", "ListFunctions")["Functions"], [])
        self.assertEqual(self.call("inspector2", "ListFindings")["findings"], [])
        portfolio = self.call("servicecatalog", "CreatePortfolio", DisplayName="Images", ProviderName="Us",
                              IdempotencyToken="t1")["PortfolioDetail"]["Id"]
        self.assertEqual(self.boto("servicecatalog").describe_portfolio(Id=portfolio)["PortfolioDetail"]["DisplayName"],
                         "Images")


class Golden(Case):
    def test_from_machine_to_shared_image(self):
        ec2, away = self.boto("ec2"), self.boto("ec2", "eu-west-1")
        # Not by the cloud: moto wants a size with every volume, also where EC2 takes the image's own, and cannot tag an
        # image's snapshots.
        machine = ec2.run_instances(ImageId=self.any_image(), MinCount=1, MaxCount=1,
                                    InstanceType="t3.micro")["Instances"][0]["InstanceId"]
        image = ec2.create_image(InstanceId=machine, Name="golden web")["ImageId"]
        done = subprocess.run([os.environ["OPERATIONS"], self.moto.endpoint, machine, image],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=150, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        made = json.loads(done.stdout)
        self.assertEqual(tags_of(ec2.describe_images(ImageIds=[image])["Images"][0]),
                         {"stage": "golden", "owner": "images & <patches>"})
        self.assertEqual(made["listed"], [image])
        shares = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"]
        self.assertEqual(shares, [{"UserId": "222233334444"}])
        self.assertEqual(made["shares"], ["222233334444"])
        copy = away.describe_images(ImageIds=[made["copy"]])["Images"][0]
        self.assertEqual((copy["Name"], copy["Description"]), ("golden web (7)", "made by a test"))
        parameter = self.boto("ssm").get_parameter(Name="/GoldenAMI/web/latest")["Parameter"]
        self.assertEqual((parameter["Value"], parameter["Version"]), (image, made["version"]))
        self.assertEqual(made["parameters"], ["/GoldenAMI/web/latest"])
        machines = [row for group in ec2.describe_instances()["Reservations"] for row in group["Instances"]]
        self.assertEqual([(row["InstanceId"], row["State"]["Name"]) for row in machines], [(machine, "terminated")])


if __name__ == "__main__":
    unittest.main()
