"""Makes the source image that all integration tests share, once: make_source.py WORK_DIRECTORY IMAGE

IMAGE is then a link to it. Where it cannot be made there is none, and tests that want it are skipped, unless they
must run.
"""

import json
import os
import pathlib
import subprocess
import sys


def main():
    work, image = map(pathlib.Path, sys.argv[1:])
    image.unlink(missing_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    made = subprocess.run([os.environ["HALLMARK"], "source", "create", "--name", "life-source", "--json", "--state",
                           str(work / "shared")], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode == 0:
        record = json.loads(made.stdout.splitlines()[-1])["image"]
        image.symlink_to(work / "shared/cloud/regions" / record["region"] / "images" / f"{record['image_id']}.qcow2")
        return
    print(made.stdout.splitlines()[-1] if made.stdout else "no answer")
    if "integration" in os.environ.get("HALLMARK_MUST_RUN", ""):
        raise SystemExit("no source image, but HALLMARK_MUST_RUN says that integration tests must run")


main()
