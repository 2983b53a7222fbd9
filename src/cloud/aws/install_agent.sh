#!/bin/sh
# Brings the agent of AWS Systems Manager into images that do not have it. AWS Systems Manager User Guide,
# "Manually installing SSM Agent on EC2 instances for Linux".
region='@REGION@'
running() {
  for unit in amazon-ssm-agent snap.amazon-ssm-agent.amazon-ssm-agent; do
    systemctl start "$unit" >/dev/null 2>&1 && return 0
  done
  return 1
}
fetch() {
  if command -v curl >/dev/null; then curl -fsSL -o "$2" "$1"; else wget -q -O "$2" "$1"; fi
}
running && exit 0
case $(uname -m) in
  aarch64) machine=arm64 ;;
  *) machine=amd64 ;;
esac
suffix=amazonaws.com
case $region in cn-*) suffix=amazonaws.com.cn ;; esac
if command -v dpkg >/dev/null; then kind=debian file=amazon-ssm-agent.deb; else kind=linux file=amazon-ssm-agent.rpm; fi
where=$(mktemp -d)
for attempt in 1 2 3; do
  fetch "https://s3.$region.$suffix/amazon-ssm-$region/latest/${kind}_$machine/$file" "$where/$file" && break
  sleep $((attempt * 5))
done
if [ $kind = debian ]; then dpkg -i "$where/$file"; else rpm -U "$where/$file"; fi
rm -rf "$where"
systemctl enable amazon-ssm-agent >/dev/null 2>&1
running
