#!/usr/bin/env bash
# Read by ./demo --cloud aws-fake: the AWS stand-in of tests/aws_fake as a process that ends with this one, three accounts
# in it, and what `hallmark aws setup` and the role in the child accounts would have brought.

# start_stand_in ACCOUNT..: the first is ours. Sets stand_in to its endpoint and keeps $HALLMARK_STATE/stand_in.json.
start_stand_in() {
  local accounts
  accounts=$(IFS=,; echo "$*")
  coproc STAND_IN { exec python3 tests/aws_fake --accounts "$accounts" --no-log; }
  # Dropped by bash as soon as the process ends, so kept.
  stand_in_pid=$STAND_IN_PID
  local hello
  read -r -t 60 hello <&"${STAND_IN[0]}" || return 1
  echo "$hello" >"$HALLMARK_STATE/stand_in.json"
  stand_in=$(jq -er .endpoint <<<"$hello")
}

# as_account ACCOUNT COMMAND..: with that account's keys.
as_account() {
  local account=$1 keys
  shift
  keys=$(jq -er --arg account "$account" '.accounts[] | select(.account == $account) |
    "AWS_ACCESS_KEY_ID=\(.access_key_id) AWS_SECRET_ACCESS_KEY=\(.secret_access_key)"' "$HALLMARK_STATE/stand_in.json")
  # shellcheck disable=SC2086 # two words
  env $keys AWS_ENDPOINT_URL="$stand_in" AWS_CONFIG_FILE=/dev/null "$@"
}

# furnish_stand_in HOME CHILD..: buckets, keys that the children may use (the default key cannot be shared), instance
# profiles, the role that Hallmark takes in the children; and config.yaml, which says all that.
furnish_stand_in() {
  local home=$1 account region trust may_use key places=
  may_use=$(jq -cn '{Version: "2012-10-17", Statement: [{Effect: "Allow", Action: "kms:*", Resource: "*",
    Principal: {AWS: ($ARGS.positional | map("arn:aws:iam::\(.):root"))}}]}' --args "$@")
  for region in us-east-1 us-east-2 us-west-2; do
    as_account "$home" build/release/hallmark aws call s3 CreateBucket --region "$region" --input \
      "$(jq -cn --arg region "$region" '{Bucket: "hallmark-\($region)"} +
        (if $region == "us-east-1" then {} else {CreateBucketConfiguration: {LocationConstraint: $region}} end)')" >/dev/null
    key=$(as_account "$home" build/release/hallmark aws call kms CreateKey --region "$region" --input \
      "$(jq -cn --arg policy "$may_use" '{Policy: $policy, Description: "golden images"}')" | jq -er .KeyMetadata.Arn)
    places+="      $region: {bucket: hallmark-$region, kms_key: \"$key\"}"$'\n'
  done
  trust=$(jq -cn --arg home "$home" '{Version: "2012-10-17", Statement: [{Effect: "Allow",
    Principal: {AWS: "arn:aws:iam::\($home):root"}, Action: "sts:AssumeRole"}]}')
  for account in "$@"; do
    as_account "$account" build/release/hallmark aws call iam CreateInstanceProfile --region us-east-1 \
      --input '{"InstanceProfileName": "hallmark-machine"}' >/dev/null
    [ "$account" != "$home" ] || continue
    as_account "$account" build/release/hallmark aws call iam CreateRole --region us-east-1 --input "$(jq -cn \
      --arg trust "$trust" '{RoleName: "goldenAMICrossAccountRole", AssumeRolePolicyDocument: $trust}')" >/dev/null
    as_account "$account" build/release/hallmark aws call iam PutRolePolicy --region us-east-1 --input "$(jq -cn \
      '{RoleName: "goldenAMICrossAccountRole", PolicyName: "all",
        PolicyDocument: ({Version: "2012-10-17", Statement: [{Effect: "Allow", Action: "*", Resource: "*"}]} | tojson)}')" >/dev/null
  done
  cat >"$HALLMARK_STATE/config.yaml" <<EOF
cloud:
  kind: aws
  account_id: "$home"
  regions: [us-east-1, us-east-2, us-west-2]
  aws:
    endpoint_url: $stand_in
    instance_profile: hallmark-machine
    regions:
$places
EOF
}

# What the stand-in still has of images, machines, snapshots and golden parameters.
stand_in_leftovers() {
  curl -fsS "$stand_in/_fake/leftovers" |
    jq -r 'to_entries[] | select(.key | test("^(instances|images|snapshots|volumes|parameters)$")) | .key as $kind |
      .value[] | "\($kind) \(.id) in \(.account)/\(.region)"'
}
