"""SSM Run Command. Scripts really run: where the stand-in is root in a machine behind the instance (machine.py),
else in a scratch directory of it.

Systems Manager User Guide, "Run commands on managed nodes", "Rebooting a managed node from
scripts" (exit code 194), "Understanding command statuses".
"""

import os
import secrets
import shutil
import signal
import subprocess
import threading
import time

from .. import machine, paging
from ..errors import Refusal
from . import operation
from .ec2 import instances

_SHOWN = 24000  # characters of output that GetCommandInvocation returns
_LISTED = 2500  # and ListCommandInvocations, for each plugin
_REBOOT = {"AWS-RunShellScript": 194, "AWS-RunPowerShellScript": 3010}  # exit code: reboot and run again

# Programs that would reach past the scratch directory: they say what they would have done.
_POWER = ("shutdown", "poweroff", "halt", "reboot")
_QUIET = ("systemctl", "yum", "dnf", "apt-get", "apt", "zypper", "rpm", "dpkg", "service",
          "cloud-init", "mount", "umount", "sync", "fstrim", "update-grub", "ldconfig")


def root_of(world, instance_id):
    """The scratch directory that stands for the instance's disk."""
    root = os.path.join(world.scratch, instance_id)
    tools = os.path.join(root, ".tools")
    if not os.path.isdir(tools):
        os.makedirs(tools)
        for name in ("tmp", "etc", "var", "home"):
            os.makedirs(os.path.join(root, name), exist_ok=True)
        for name in _POWER:
            _tool(tools, name, f'echo {name} "$@" >> "$HALLMARK_FAKE_ROOT/.power"\n')
        for name in _QUIET:
            _tool(tools, name, f'echo {name} "$@" >> "$HALLMARK_FAKE_ROOT/.tools.log"\n')
        _tool(tools, "sudo", 'while [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"\n')
    return root


def _tool(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)


def forget_root(world, instance_id):
    shutil.rmtree(os.path.join(world.scratch, instance_id), ignore_errors=True)


def _registered(call, item):
    """True when the agent on the instance has reported."""
    instances.settle(call.world, call.place, item)
    if item["State"]["Name"] != "running" or not item["_profile"]:
        return False
    if item["_tags_hold"] if "_tags_hold" in item else False:
        return False
    return call.world.is_due(item.get("_registered"), look=True)


@operation("ssm", "DescribeInstanceInformation")
def describe_instance_information(call):
    wanted = None
    for entry in call.input.get("Filters", ()):
        if entry["Key"] == "InstanceIds":
            wanted = entry["Values"]
    for entry in call.input.get("InstanceInformationFilterList", ()):
        if entry["key"] == "InstanceIds":
            wanted = entry["valueSet"]
    found = []
    for name, item in call.place["instances"].items():
        if (wanted is None or name in wanted) and _registered(call, item):
            windows = item.get("Platform") == "Windows"
            found.append({
                "InstanceId": name, "PingStatus": "Online", "LastPingDateTime": call.now,
                "AgentVersion": "3.3.0.0", "IsLatestVersion": True, "ResourceType": "EC2Instance",
                "PlatformType": "Windows" if windows else "Linux",
                "PlatformName": "Windows Server" if windows else "Linux", "PlatformVersion": "1",
                "IPAddress": item.get("PrivateIpAddress", ""), "ComputerName": name})
    items, token = paging.page(call, found, call.input.get("MaxResults", 10),
                               call.input.get("NextToken"))
    return {"InstanceInformationList": items, "NextToken": token}


@operation("ssm", "SendCommand")
def send_command(call):
    given = call.input
    document = given["DocumentName"].rpartition("/")[2]
    if document not in ("AWS-RunShellScript", "AWS-RunPowerShellScript", "AWS-RunPatchBaseline"):
        raise Refusal("InvalidDocument", f"Document {document} does not exist.")
    names = list(given.get("InstanceIds", ()))
    if len(names) > 50:
        raise Refusal("ValidationException", "at most 50 instances in one call")
    for target in given.get("Targets", ()):
        for name, item in call.place["instances"].items():
            key, values = target.get("Key", ""), target.get("Values", [])
            if (key == "InstanceIds" and name in values) or (key.startswith("tag:") and any(
                    tag["Key"] == key[4:] and tag["Value"] in values for tag in item["Tags"])):
                names.append(name)
    if not names and not given.get("Targets"):
        raise Refusal("InvalidInstanceId", "Instances [[]] are missing")
    for name in names:
        item = call.place["instances"].get(name)
        if item is None or not _registered(call, item):
            raise Refusal("InvalidInstanceId", f"Instances [[{name}]] not in a valid state for "
                          f"account {call.account}")
    if document != "AWS-RunPatchBaseline" and "commands" not in given.get("Parameters", {}):
        raise Refusal("InvalidParameters", "Parameter \"commands\" is missing")
    command_id = "-".join(secrets.token_hex(size) for size in (4, 2, 2, 2, 6))
    command = {
        "CommandId": command_id, "DocumentName": document, "DocumentVersion": "$DEFAULT",
        "Comment": given.get("Comment", ""), "RequestedDateTime": call.now,
        "ExpiresAfter": call.now + given.get("TimeoutSeconds", 3600) + 3600,
        "Parameters": given.get("Parameters", {}), "InstanceIds": names, "Targets": [],
        "Status": "Pending", "StatusDetails": "Pending", "TargetCount": len(names),
        "OutputS3BucketName": given.get("OutputS3BucketName", ""),
        "OutputS3KeyPrefix": given.get("OutputS3KeyPrefix", ""),
        "MaxConcurrency": given.get("MaxConcurrency", "50"), "MaxErrors": given.get("MaxErrors", "0"),
        "CompletedCount": 0, "ErrorCount": 0, "_invocations": {}, "_account": call.account,
        "_region": call.region,
    }
    call.place["commands"][command_id] = command
    call.world.made["commands"] += 1
    lag = max(call.world.switches["lag"], call.world.switches.get("command-lag", 0))
    command["Status"] = command["StatusDetails"] = "InProgress"
    for name in names:
        invocation = {"CommandId": command_id, "InstanceId": name, "Status": "InProgress",
                      "out": b"", "err": b"", "code": -1, "start": call.now, "end": None,
                      "_lag": lag, "process": None, "cancelled": False}
        command["_invocations"][name] = invocation
        _start(call, command, invocation, call.place["instances"][name])
    return {"Command": command}


def _start(call, command, invocation, item):
    for rule in call.world.switches["command-rules"]:
        text = "\n".join(command["Parameters"].get("commands", ()))
        if rule.get("match", "") in text and rule.get("instance") in (None, item["InstanceId"]):
            due = {"at": time.time() + float(rule.get("seconds", 0))}
            thread = threading.Thread(target=_by_rule, daemon=True, args=(
                call.world, call.place, command, invocation, rule, due))
            thread.start()
            return
    if not call.world.switches["run-commands"] or \
            command["DocumentName"] != "AWS-RunShellScript":
        _finish(call.world, call.place, command, invocation, "Success", 0, b"", b"")
        return
    threading.Thread(target=_run, daemon=True,
                     args=(call.world, call.place, command, invocation, item)).start()


def _by_rule(world, place, command, invocation, rule, due):
    """`exit` may be a list: what the script ends with, run after run while it asks for reboots."""
    codes = rule.get("exit", 0)
    codes = [int(code) for code in (codes if isinstance(codes, list) else [codes])]
    asks = _REBOOT.get(command["DocumentName"])
    item = place["instances"][invocation["InstanceId"]]
    out = err = b""
    for number, code in enumerate(codes):
        while time.time() < due["at"] and not invocation["cancelled"]:
            time.sleep(0.02)
        out, err = out + rule.get("stdout", "").encode(), err + rule.get("stderr", "").encode()
        if code != asks or number + 1 == len(codes) or invocation["cancelled"]:
            break
        item["_registered"] = world.due("ssm-registration")
        while not world.is_due(item["_registered"]):
            time.sleep(0.02)
    with world.lock:
        if invocation["cancelled"]:
            return
        status = rule.get("status", "Success" if code == 0 else "Failed")
        _finish(world, place, command, invocation, status, code, out, err)


def _run(world, place, command, invocation, item):
    """Runs the script until it is done, out of time or cancelled. Exit code 194 means: reboot and
    run again."""
    parameters = command["Parameters"]
    try:
        limit = float(parameters.get("executionTimeout", ["3600"])[0])
    except ValueError:
        limit = 3600.0
    script = "\n".join(parameters["commands"]) + "\n"
    out = err = b""
    for _ in range(10):
        status, code, more_out, more_err = _execute(world, place, invocation, item, script, limit,
                                                    parameters)
        out, err = out + more_out, err + more_err
        if item["State"]["Name"] != "running":
            return  # nobody is left to report; Systems Manager goes on waiting
        if code != 194 or invocation["cancelled"]:
            break
        if machine.possible():
            machine.went_off(world, place, item)
        item["_registered"] = world.due("ssm-registration")
        while not world.is_due(item["_registered"]):
            time.sleep(0.02)
    with world.lock:
        _finish(world, place, command, invocation, status, code, out, err)
        _upload(world, command, invocation)
        if not machine.possible() and _power_file_says_off(root_of(world, item["InstanceId"])):
            instances.power_off(world, place, item)


def _power_file_says_off(root):
    power = os.path.join(root, ".power")
    if not os.path.exists(power):
        return False
    with open(power, encoding="ascii", errors="replace") as file:
        words = file.read()
    os.unlink(power)
    return "reboot" not in words and " -r" not in words


def _start_script(world, place, invocation, item, script, parameters):
    """Where this may: in a machine of the instance's own, else as nobody in a directory."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    names = {"INSTANCE_ID": invocation["InstanceId"], "AWS_SSM_INSTANCE_ID": invocation["InstanceId"]}
    if machine.possible():
        home = machine.of(world, place, item)
        return home.popen(script, {**home.environment(), **names}, **streams)
    root = root_of(world, item["InstanceId"])
    environment = {
        "PATH": f"{root}/.tools:/usr/local/bin:/usr/bin:/bin", "HALLMARK_FAKE_ROOT": root,
        "HOME": f"{root}/home", "TMPDIR": f"{root}/tmp", "LANG": "C.UTF-8", **names}
    directory = parameters.get("workingDirectory", [""])[0]
    inside = os.path.join(root, directory.lstrip("/")) if directory else root
    if not os.path.isdir(inside):
        inside = root
    path = os.path.join(root, f".script-{invocation['CommandId']}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    os.chmod(path, 0o755)
    arguments = [path] if script.startswith("#!") else ["/bin/sh", path]
    return subprocess.Popen(arguments, cwd=inside, env=environment, stdin=subprocess.DEVNULL,
                            start_new_session=True, **streams)


def _execute(world, place, invocation, item, script, limit, parameters):
    try:
        process = _start_script(world, place, invocation, item, script, parameters)
    except (OSError, RuntimeError) as error:
        return "Failed", 127, b"", str(error).encode()
    invocation["process"] = world.running[process.pid] = process
    if invocation["cancelled"]:
        kill(process)
    try:
        out, err = process.communicate(timeout=limit)
        code = process.returncode
        status = "Success" if code == 0 else "Failed"
    except subprocess.TimeoutExpired:
        kill(process)
        out, err = process.communicate()
        code, status = 137, "TimedOut"
    finally:
        invocation["process"] = None
        world.running.pop(process.pid, None)
        kill(process)
    if invocation["cancelled"]:
        status = "Cancelled"
    if code < 0:
        code = 128 - code
    return status, code, out, err


def kill(process):
    """Ends the script and everything that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def stop_on(place, instance_id):
    """The machine is gone: what runs on it ends with it."""
    for command in place["commands"].values():
        one = command["_invocations"].get(instance_id)
        if one is not None and one["process"] is not None:
            kill(one["process"])


def _finish(world, place, command, invocation, status, code, out, err):
    """`out` and `err` are bytes."""
    invocation.update(Status=status, code=code, out=out, err=err, end=world.clock.now())
    running = [one for one in command["_invocations"].values() if one["end"] is None]
    command["CompletedCount"] += 1
    if status != "Success":
        command["ErrorCount"] += 1
    if not running:
        states = {one["Status"] for one in command["_invocations"].values()}
        state = "Success" if states == {"Success"} else \
            next(name for name in ("Cancelled", "TimedOut", "Failed", "Success") if name in states)
        command["Status"] = state
        command["StatusDetails"] = "ExecutionTimedOut" if state == "TimedOut" else state


def _upload(world, command, invocation):
    bucket = world.buckets.get(command["OutputS3BucketName"])
    if bucket is None:
        return
    from . import s3
    base = "/".join(part for part in (command["OutputS3KeyPrefix"].strip("/"),
                                      command["CommandId"], invocation["InstanceId"],
                                      "awsrunShellScript", "0.awsrunShellScript") if part)
    for name in ("stdout", "stderr"):
        text = invocation["out" if name == "stdout" else "err"]
        if text:
            s3.store(world, bucket, f"{base}/{name}", text)


def _invocation(call):
    command = call.place["commands"].get(call.input["CommandId"])
    found = command and command["_invocations"].get(call.input["InstanceId"])
    if not found:
        raise Refusal("InvocationDoesNotExist", "")
    if found["_lag"] > 0:
        found["_lag"] -= 1
        raise Refusal("InvocationDoesNotExist", "")
    return command, found


def _url(call, command, found, name):
    if not command["OutputS3BucketName"] or not found["out" if name == "stdout" else "err"]:
        return ""
    base = "/".join(part for part in (command["OutputS3KeyPrefix"].strip("/"),
                                      command["CommandId"], found["InstanceId"],
                                      "awsrunShellScript", "0.awsrunShellScript") if part)
    return f"https://s3.{call.region}.amazonaws.com/{command['OutputS3BucketName']}/{base}/{name}"


def _text(output):
    return output.decode("utf-8", "replace")


def _cut(text, size):
    if len(text) <= size:
        return text
    note = "\n---Output truncated---"
    return text[:size - len(note)] + note


def _details(status):
    return "Execution Timed Out" if status == "TimedOut" else status


def _stamp(seconds):
    if seconds is None:
        return ""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


@operation("ssm", "GetCommandInvocation")
def get_command_invocation(call):
    command, found = _invocation(call)
    done = found["end"] is not None
    return {
        "CommandId": command["CommandId"], "InstanceId": found["InstanceId"],
        "Comment": command["Comment"], "DocumentName": command["DocumentName"],
        "DocumentVersion": "$DEFAULT", "PluginName": call.input.get("PluginName",
                                                                    "aws:runShellScript"),
        "ResponseCode": found["code"], "ExecutionStartDateTime": _stamp(found["start"]),
        "ExecutionElapsedTime": f"PT{(found['end'] - found['start']):.3f}S" if done else "",
        "ExecutionEndDateTime": _stamp(found["end"]), "Status": found["Status"],
        "StatusDetails": _details(found["Status"]),
        "StandardOutputContent": _cut(_text(found["out"]), _SHOWN),
        "StandardOutputUrl": _url(call, command, found, "stdout"),
        "StandardErrorContent": _cut(_text(found["err"]), _SHOWN),
        "StandardErrorUrl": _url(call, command, found, "stderr"),
    }


@operation("ssm", "ListCommandInvocations")
def list_command_invocations(call):
    found = []
    for command in call.place["commands"].values():
        if call.input.get("CommandId") not in (None, command["CommandId"]):
            continue
        for one in command["_invocations"].values():
            if call.input.get("InstanceId") not in (None, one["InstanceId"]) or one["_lag"] > 0:
                continue
            entry = {"CommandId": command["CommandId"], "InstanceId": one["InstanceId"],
                     "Comment": command["Comment"], "DocumentName": command["DocumentName"],
                     "RequestedDateTime": command["RequestedDateTime"], "Status": one["Status"],
                     "StatusDetails": _details(one["Status"]), "CommandPlugins": []}
            if call.input.get("Details"):
                entry["CommandPlugins"] = [{
                    "Name": "aws:runShellScript", "Status": one["Status"], "ResponseCode":
                    one["code"], "StatusDetails": _details(one["Status"]),
                    "Output": _cut(_text(one["out"]), _LISTED)}]
            found.append(entry)
    items, token = paging.page(call, found, call.input.get("MaxResults", 50),
                               call.input.get("NextToken"))
    return {"CommandInvocations": items, "NextToken": token}


@operation("ssm", "ListCommands")
def list_commands(call):
    found = [command for command in call.place["commands"].values()
             if call.input.get("CommandId") in (None, command["CommandId"])
             and (call.input.get("InstanceId") is None
                  or call.input["InstanceId"] in command["InstanceIds"])]
    items, token = paging.page(call, found, call.input.get("MaxResults", 50),
                               call.input.get("NextToken"))
    return {"Commands": items, "NextToken": token}


@operation("ssm", "CancelCommand")
def cancel_command(call):
    command = call.place["commands"].get(call.input["CommandId"])
    if command is None:
        raise Refusal("InvalidCommandId", "")
    for one in command["_invocations"].values():
        if one["end"] is None and call.input.get("InstanceIds", [one["InstanceId"]]):
            one["cancelled"] = True
            if one["process"] is not None:
                kill(one["process"])
            else:
                _finish(call.world, call.place, command, one, "Cancelled", -1, b"", b"")
    return {}
