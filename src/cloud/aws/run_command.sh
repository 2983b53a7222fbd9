# Runs one command of Hallmark; lines that set id, script (or url and sha256), environment, secrets, region, suffix and
# bytes come before this text. Systems Manager runs it as root, once for each time the command is sent, and again after a reboot that
# the script asked for.
set -u
umask 077
here=/run/hallmark/$id
kept=/var/tmp/hallmark-$id
mkdir -p /run/hallmark
# Sent twice, because an answer was lost: only the first one runs. /run is empty again after a reboot.
if ! mkdir "$here" 2>/dev/null; then
  echo "hallmark: this command was sent twice"
  exit 0
fi

# Prints the value of the parameter: with AWS's own client if the machine has it, else with curl, the
# machine's credentials and curl's signature.
fetch_secrets() {
  if command -v aws >/dev/null 2>&1; then
    aws ssm get-parameter --region "$region" --name "$1" --with-decryption --query Parameter.Value --output text
    return
  fi
  service=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest
  pass=$(curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$service/api/token") || return 1
  role=$(curl -fsS -H "X-aws-ec2-metadata-token: $pass" "$service/meta-data/iam/security-credentials/") || return 1
  keys=$(curl -fsS -H "X-aws-ec2-metadata-token: $pass" "$service/meta-data/iam/security-credentials/$role") || return 1
  field() { printf '%s' "$keys" | tr -d '\n' | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }
  # Through stdin: arguments can be seen by everybody on the machine.
  printf 'user = "%s:%s"\nheader = "X-Amz-Security-Token: %s"\n' \
    "$(field AccessKeyId)" "$(field SecretAccessKey)" "$(field Token)" |
    curl -fsS -K - --aws-sigv4 "aws:amz:$region:ssm" -H 'Content-Type: application/x-amz-json-1.1' \
      -H 'X-Amz-Target: AmazonSSM.GetParameter' -d "{\"Name\":\"$1\",\"WithDecryption\":true}" \
      "${AWS_ENDPOINT_URL_SSM:-https://ssm.$region.$suffix}/" |
    sed -n 's/.*"Value" *: *"\([^"]*\)".*/\1/p'
}

if [ -z "$url" ]; then
  printf '%s' "$script" | base64 -d >"$here/script"
else
  # The URL is good for one fetch after the command was sent: what a reboot may need again is kept.
  if [ -f "$kept" ]; then
    mv "$kept" "$here/script"
  elif command -v curl >/dev/null 2>&1; then
    curl -fsS --retry 3 -o "$here/script" "$url"
  else
    wget -q -O "$here/script" "$url"
  fi
  if [ "$(sha256sum <"$here/script" | cut -d ' ' -f 1)" != "$sha256" ]; then
    echo "hallmark: the script of this command could not be fetched unaltered: the machine needs curl or wget, and a" \
      "way to S3"
    rm -rf "$here"
    exit 125
  fi
fi
printf '%s' "$environment" | base64 -d >"$here/environment"
if [ -n "$secrets" ]; then
  fetch_secrets "$secrets" >"$here/secrets"
  if [ ! -s "$here/secrets" ]; then
    echo "hallmark: the secrets of this command could not be read: the machine needs curl 7.75 or the AWS client, and" \
      "its role must be allowed to read $secrets"
    rm -rf "$here"
    exit 125
  fi
  base64 -d <"$here/secrets" >>"$here/environment"
  rm -f "$here/secrets"
fi
chmod 700 "$here/script"
IFS= read -r first <"$here/script" || :
case ${first-} in
  '#!'*) set -- "$here/script" ;;
  *) set -- /bin/sh "$here/script" ;;
esac
# What exceeds the limit is dropped without the script noticing; one byte more shows that it was exceeded.
mkfifo "$here/output"
unbuffered=
command -v stdbuf >/dev/null 2>&1 && unbuffered='stdbuf -o0'
{ $unbuffered head -c $((bytes + 1)); exec cat >/dev/null; } <"$here/output" &
writer=$!
(
  . "$here/environment"
  rm -f "$here/environment"
  umask 022
  cd /
  exec "$@"
) >"$here/output" 2>&1 </dev/null
code=$?
# What the script left running may hold the pipe; its own output is through long before that.
tries=0
while kill -0 "$writer" 2>/dev/null && [ "$tries" -lt 20 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
# After a reboot that the script asks for, it is run again.
if [ -n "$url" ] && [ "$code" = 194 ]; then mv "$here/script" "$kept"; fi
rm -f "$here/script" "$here/output"
exit "$code"
