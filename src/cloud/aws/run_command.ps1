# Runs one command of Hallmark; lines that set id, script (or url and sha256), environment, secrets, region, suffix and
# bytes come before this text. Systems Manager runs it as SYSTEM, once for each time the command is sent, and again after
# a reboot that the script asked for with exit code 3010.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
function Say($text) { [Console]::Out.WriteLine("hallmark: $text") }

# Sent twice, because an answer was lost: only the first one runs. The mutex says that it runs now, the key, which
# Windows forgets when it reboots, that it did.
$created = $false
$mutex = New-Object System.Threading.Mutex($true, "Global\hallmark-$id", [ref]$created)
$path = "SOFTWARE\Hallmark\$id"
if (-not $created -or [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($path)) {
  [Console]::Out.Write("hallmark: this command was sent twice`n")
  exit 0
}
$volatile = [Microsoft.Win32.RegistryOptions]::Volatile
[void][Microsoft.Win32.Registry]::LocalMachine.CreateSubKey('SOFTWARE\Hallmark', $true, $volatile)
[void][Microsoft.Win32.Registry]::LocalMachine.CreateSubKey($path, $true, $volatile)

function Get-Text($base64) { [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($base64)) }
# With AWS's own modules or client, which AWS's images of Windows have.
function Get-Secrets($name) {
  if (Get-Command -Name Get-SSMParameter -ErrorAction SilentlyContinue) {
    return (Get-SSMParameter -Region $region -Name $name -WithDecryption $true).Value
  }
  $shown = & aws ssm get-parameter --region $region --name $name --with-decryption --query Parameter.Value --output text
  if ($LASTEXITCODE -ne 0) { throw "aws ended with exit code $LASTEXITCODE" }
  return $shown.Trim()
}

# Nobody but SYSTEM and administrators may look into it.
$here = Join-Path $env:ProgramData "Hallmark\$id"
[void](New-Item -ItemType Directory -Force -Path $here)
& icacls.exe $here /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
$file = Join-Path $here 'script.ps1'
# What is fetched is kept for a reboot: the URL is good for one fetch after the command was sent.
$kept = Join-Path $here 'script'
$code = 125
try {
  if ($url) {
    if (-not (Test-Path $kept)) {
      [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
      try { Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile $kept } catch { Say $_.Exception.Message }
    }
    if (-not (Test-Path $kept) -or (Get-FileHash -Algorithm SHA256 -Path $kept).Hash -ne $sha256) {
      Say 'the script of this command could not be fetched unaltered: the machine needs a way to S3'
      exit 125
    }
    $text = [IO.File]::ReadAllText($kept)
  } else {
    $text = Get-Text $script
  }
  # Without a mark at its start, Windows PowerShell would not read it as UTF-8.
  [IO.File]::WriteAllText($file, $text, (New-Object Text.UTF8Encoding($true)))

  $start = New-Object Diagnostics.ProcessStartInfo
  $start.FileName = Join-Path $env:SystemRoot 'System32\cmd.exe'
  $start.Arguments = '/d /c "chcp 65001 >nul & powershell.exe -NoLogo -NoProfile -NonInteractive ' +
    "-ExecutionPolicy Bypass -File `"$file`" 2>&1`""
  $start.UseShellExecute = $false
  $start.RedirectStandardOutput = $true
  $start.RedirectStandardInput = $true
  $start.WorkingDirectory = "$env:SystemDrive\"
  $sets = @($environment)
  if ($secrets) {
    try { $sets += Get-Secrets $secrets } catch {
      Say ("the secrets of this command could not be read ($($_.Exception.Message)): the machine needs AWS Tools for " +
        "PowerShell or the AWS client, and its role must be allowed to read $secrets")
      exit 125
    }
  }
  # Secrets go from memory to memory: in no file, no argument.
  foreach ($set in $sets) {
    $values = ConvertFrom-Json (Get-Text $set)
    foreach ($one in $values.PSObject.Properties) { $start.EnvironmentVariables[$one.Name] = [string]$one.Value }
  }
  $process = [Diagnostics.Process]::Start($start)
  $process.StandardInput.Close()
  # What exceeds the limit is dropped without the script noticing; one byte more shows that it was exceeded.
  $left = [long]$bytes + 1
  $out = [Console]::OpenStandardOutput()
  $buffer = New-Object byte[] 65536
  while (($got = $process.StandardOutput.BaseStream.Read($buffer, 0, $buffer.Length)) -gt 0) {
    $take = [int][Math]::Min([long]$got, $left)
    if ($take -gt 0) { $out.Write($buffer, 0, $take); $out.Flush() }
    $left -= $take
  }
  $process.WaitForExit()
  $code = $process.ExitCode
} catch {
  Say "the command could not be run: $($_.Exception.Message)"
} finally {
  if ($code -eq 3010) {
    Remove-Item -Force -Path $file -ErrorAction SilentlyContinue
  } else {
    Remove-Item -Recurse -Force -Path $here -ErrorAction SilentlyContinue
  }
  $mutex.ReleaseMutex()
}
exit $code
