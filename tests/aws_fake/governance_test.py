"""The services around the images: catalog, stacks, organization, compliance, notices."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from aws_fake.fake_test import CHILD, PARENT, Case  # noqa: E402

NETWORK = {
    "Parameters": {"Range": {"Type": "String", "Default": "10.1.0.0/16"}},
    "Resources": {
        "Inside": {"Type": "AWS::EC2::Subnet", "Properties": {
            "VpcId": {"Ref": "Net"}, "CidrBlock": "10.1.0.0/24"}},
        "Net": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Ref": "Range"}}},
        "Wall": {"Type": "AWS::EC2::SecurityGroup", "Properties": {
            "GroupDescription": "nothing in", "VpcId": {"Ref": "Net"}}},
        "Gate": {"Type": "AWS::EC2::InternetGateway"},
        "Joint": {"Type": "AWS::EC2::VPCGatewayAttachment", "Properties": {
            "VpcId": {"Ref": "Net"}, "InternetGatewayId": {"Ref": "Gate"}}},
        "Node": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {
            "Version": "2012-10-17", "Statement": []}}},
        "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {
            "Roles": [{"Ref": "Node"}]}},
    },
    "Outputs": {"Subnet": {"Value": {"Fn::Sub": "${Inside}"}},
                "Role": {"Value": {"Fn::GetAtt": ["Node", "Arn"]}}},
}


class Stacks(Case):
    def test_a_network_is_made_changed_and_removed(self):
        cfn = self.fake.client("cloudformation")
        body = json.dumps(NETWORK)
        self.refused("InsufficientCapabilitiesException", cfn.create_stack, StackName="net",
                     TemplateBody=body)
        cfn.create_stack(StackName="net", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        stack = cfn.describe_stacks(StackName="net")["Stacks"][0]
        self.assertEqual(stack["StackStatus"], "CREATE_COMPLETE")
        outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
        self.ec2.describe_subnets(SubnetIds=[outputs["Subnet"]])
        self.assertTrue(outputs["Role"].startswith(f"arn:aws:iam::{PARENT}:role/net-Node-"))
        self.refused("ValidationError", cfn.update_stack, StackName="net", TemplateBody=body,
                     Capabilities=["CAPABILITY_IAM"])
        more = json.loads(body)
        more["Resources"]["News"] = {"Type": "AWS::SNS::Topic"}
        cfn.create_change_set(StackName="net", ChangeSetName="more", TemplateBody=json.dumps(more),
                              Capabilities=["CAPABILITY_IAM"])
        changes = cfn.describe_change_set(StackName="net", ChangeSetName="more")["Changes"]
        self.assertEqual([item["ResourceChange"]["LogicalResourceId"] for item in changes],
                         ["News"])
        cfn.execute_change_set(StackName="net", ChangeSetName="more")
        self.assertEqual(len(self.fake.client("sns").list_topics()["Topics"]), 1)
        cfn.delete_stack(StackName="net")
        self.refused("ValidationError", cfn.describe_stacks, StackName="net")
        self.assertEqual(self.fake.control("GET", "leftovers"), {})

    def test_a_stack_that_fails_leaves_nothing(self):
        cfn = self.fake.client("cloudformation")
        bad = {"Resources": {**NETWORK["Resources"], "Far": {
            "Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Net"},
                                                       "CidrBlock": "192.168.0.0/24"}}}}
        bad["Parameters"] = NETWORK["Parameters"]
        cfn.create_stack(StackName="bad", TemplateBody=json.dumps(bad),
                         Capabilities=["CAPABILITY_IAM"])
        stack = cfn.describe_stacks(StackName="bad")["Stacks"][0]
        self.assertEqual(stack["StackStatus"], "ROLLBACK_COMPLETE")
        self.assertIn("InvalidSubnet.Range", stack["StackStatusReason"])
        self.assertEqual(set(self.fake.control("GET", "leftovers")), {"stacks"})
        self.refused("ValidationError", cfn.create_stack, StackName="odd", TemplateBody=json.dumps(
            {"Resources": {"A": {"Type": "AWS::No::Such"}}}))


class Catalog(Case):
    def test_a_product_is_shared_launched_and_kept_from_losing_its_last_version(self):
        s3 = self.fake.client("s3")
        s3.create_bucket(Bucket="templates")
        s3.put_object(Bucket="templates", Key="one.json", Body=json.dumps(
            {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}).encode())
        url = "https://s3.amazonaws.com/templates/one.json"
        catalog = self.fake.client("servicecatalog")
        arguments = {"Name": "golden", "Owner": "us", "ProductType": "CLOUD_FORMATION_TEMPLATE",
                     "ProvisioningArtifactParameters": {"Name": "1", "Info": {
                         "LoadTemplateFromURL": url}}, "IdempotencyToken": "t"}
        made = catalog.create_product(**arguments)
        product = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        artifact = made["ProvisioningArtifactDetail"]["Id"]
        again = catalog.create_product(**arguments)
        self.assertEqual(again["ProvisioningArtifactDetail"]["Id"], artifact)
        portfolio = catalog.create_portfolio(DisplayName="p", ProviderName="us",
                                             IdempotencyToken="p")["PortfolioDetail"]["Id"]
        catalog.associate_product_with_portfolio(ProductId=product, PortfolioId=portfolio)
        self.refused("ResourceInUseException", catalog.delete_product, Id=product)
        self.refused("ResourceInUseException", catalog.delete_provisioning_artifact,
                     ProductId=product, ProvisioningArtifactId=artifact)
        child = self.fake.client("servicecatalog", CHILD)
        self.refused("ResourceNotFoundException", child.accept_portfolio_share,
                     PortfolioId=portfolio)
        catalog.create_portfolio_share(PortfolioId=portfolio, AccountId=CHILD)
        child.accept_portfolio_share(PortfolioId=portfolio)
        launch = {"ProductId": product, "ProvisioningArtifactId": artifact,
                  "ProvisionedProductName": "mine", "ProvisionToken": "go"}
        self.refused("ResourceNotFoundException", child.provision_product, **launch)
        child.associate_principal_with_portfolio(
            PortfolioId=portfolio, PrincipalType="IAM",
            PrincipalARN=f"arn:aws:iam::{CHILD}:user/admin")
        record = child.provision_product(**launch)["RecordDetail"]["RecordId"]
        self.assertEqual(child.describe_record(Id=record)["RecordDetail"]["Status"], "SUCCEEDED")
        found = child.search_provisioned_products(
            AccessLevelFilter={"Key": "Account", "Value": "self"})["ProvisionedProducts"]
        self.assertEqual([(one["Name"], one["Status"]) for one in found], [("mine", "AVAILABLE")])
        catalog.update_provisioning_artifact(
            ProductId=product, ProvisioningArtifactId=artifact, Active=False)
        self.refused("ResourceNotFoundException", child.provision_product,
                     **{**launch, "ProvisionedProductName": "late", "ProvisionToken": "late"})
        child.terminate_provisioned_product(ProvisionedProductName="mine", TerminateToken="end")
        self.assertEqual(self.fake.control("GET", f"leftovers?account={CHILD}"), {})

    def test_tag_options_of_a_portfolio(self):
        catalog = self.fake.client("servicecatalog")
        portfolio = catalog.create_portfolio(DisplayName="p", ProviderName="us",
                                             IdempotencyToken="p")["PortfolioDetail"]["Id"]
        option = catalog.create_tag_option(Key="Team", Value="web")["TagOptionDetail"]["Id"]
        self.refused("DuplicateResourceException", catalog.create_tag_option, Key="Team",
                     Value="web")
        both = {"ResourceId": portfolio, "TagOptionId": option}
        catalog.associate_tag_option_with_resource(**both)
        self.refused("DuplicateResourceException", catalog.associate_tag_option_with_resource,
                     **both)
        self.assertEqual([one["Value"] for one in catalog.describe_portfolio(Id=portfolio)[
            "TagOptions"]], ["web"])
        self.refused("ResourceInUseException", catalog.delete_tag_option, Id=option)
        self.refused("ResourceInUseException", catalog.delete_portfolio, Id=portfolio)
        catalog.disassociate_tag_option_from_resource(**both)
        catalog.delete_tag_option(Id=option)
        catalog.delete_portfolio(Id=portfolio)
        self.refused("ResourceNotFoundException", catalog.delete_tag_option, Id=option)


class Governance(Case):
    def test_an_organization_shares_by_unit(self):
        made = self.fake.control("POST", "organization", {"units": {"build": [CHILD]}})
        accounts = self.fake.client("organizations").list_accounts()["Accounts"]
        self.assertEqual(len(accounts), 3)
        self.refused("AccessDeniedException",
                     self.fake.client("organizations", CHILD).list_accounts)
        name = self.instance()
        image = self.ec2.create_image(InstanceId=name, Name="golden")["ImageId"]
        self.ec2.describe_images(ImageIds=[image])
        self.ec2.modify_image_attribute(ImageId=image, LaunchPermission={
            "Add": [{"OrganizationalUnitArn": made["units"]["build"]}]})
        self.fake.client("ec2", CHILD).describe_images(ImageIds=[image])
        self.refused("InvalidAMIID.NotFound",
                     self.fake.client("ec2", "333333333333").describe_images, ImageIds=[image])

    def test_compliance_notices_and_schedules(self):
        config = self.fake.client("config")
        config.put_config_rule(ConfigRule={"ConfigRuleName": "golden", "Source": {
            "Owner": "AWS", "SourceIdentifier": "APPROVED_AMIS_BY_ID"}})
        self.refused("InvalidResultTokenException", config.put_evaluations, ResultToken="x",
                     Evaluations=[])
        config.put_evaluations(ResultToken="rule:golden", Evaluations=[{
            "ComplianceResourceType": "AWS::EC2::Instance", "ComplianceResourceId": "i-1",
            "ComplianceType": "NON_COMPLIANT", "OrderingTimestamp": 1}])
        found = config.get_compliance_details_by_config_rule(ConfigRuleName="golden")
        self.assertEqual(len(found["EvaluationResults"]), 1)
        sns = self.fake.client("sns")
        topic = sns.create_topic(Name="news")["TopicArn"]
        self.assertEqual(sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@b.c")[
            "SubscriptionArn"], "pending confirmation")
        self.fake.control("POST", "confirm-subscription", {"topic": topic, "endpoint": "a@b.c"})
        listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]
        self.assertTrue(listed["SubscriptionArn"].startswith(topic))
        sns.publish(TopicArn=topic, Message="hello")
        events = self.fake.client("events")
        self.refused("ValidationException", events.put_rule, Name="r", ScheduleExpression="soon")
        events.put_rule(Name="r", ScheduleExpression="rate(1 day)")
        events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": topic}])
        self.refused("ValidationException", events.delete_rule, Name="r")
        mail = self.fake.client("sesv2")
        mail.create_email_identity(EmailIdentity="us@example.com")
        mail.send_email(FromEmailAddress="us@example.com", Destination={
            "ToAddresses": ["a@b.c"]}, Content={"Simple": {
                "Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}})


if __name__ == "__main__":
    del Case
    unittest.main()
