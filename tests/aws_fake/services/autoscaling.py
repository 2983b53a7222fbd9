"""Auto Scaling groups and launch configurations, as far as they say what would be launched. No
group here ever launches anything."""

from ..errors import Refusal
from ..paging import page
from . import operation


def _name_taken(what):
    return Refusal("AlreadyExists", f"{what} by this name already exists")


@operation("autoscaling", "CreateLaunchConfiguration")
def create_launch_configuration(call):
    given, table = call.input, call.place["launch_configurations"]
    name = given["LaunchConfigurationName"]
    if name in table:
        raise _name_taken("Launch Configuration")
    table[name] = {"CreatedTime": call.now, **given}
    return {}


@operation("autoscaling", "DescribeLaunchConfigurations")
def describe_launch_configurations(call):
    given = call.input
    names = given.get("LaunchConfigurationNames")
    items = [item for name, item in call.place["launch_configurations"].items()
             if not names or name in names]
    found, token = page(call, items, given.get("MaxRecords", 50), given.get("NextToken"))
    return {"LaunchConfigurations": found, "NextToken": token}


@operation("autoscaling", "CreateAutoScalingGroup")
def create_auto_scaling_group(call):
    given, table = call.input, call.place["auto_scaling_groups"]
    name = given["AutoScalingGroupName"]
    if name in table:
        raise _name_taken("AutoScalingGroup")
    sources = ("LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy", "InstanceId")
    if sum(source in given for source in sources) != 1:
        raise Refusal("ValidationError", "Valid requests must contain either LaunchTemplate, "
                      "LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.")
    table[name] = {"CreatedTime": call.now, "DefaultCooldown": 300, "HealthCheckType": "EC2",
                   "AvailabilityZones": [f"{call.place.region}a"],
                   "DesiredCapacity": given["MinSize"], **given}
    return {}


@operation("autoscaling", "DescribeAutoScalingGroups")
def describe_auto_scaling_groups(call):
    given = call.input
    names = given.get("AutoScalingGroupNames")
    items = [item for name, item in call.place["auto_scaling_groups"].items()
             if not names or name in names]
    found, token = page(call, items, given.get("MaxRecords", 50), given.get("NextToken"))
    return {"AutoScalingGroups": found, "NextToken": token}
