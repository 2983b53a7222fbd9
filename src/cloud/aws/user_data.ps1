<powershell>
# Runs at each boot. Switches the machine off at its deadline, even if nobody ever comes back for it: it was launched so
# that switching itself off ends it, disk and all. The process belongs to WMI, so that it outlives whoever runs this, and
# nothing of it stays in the image.
$end = '@END@'
if ($end) {
  $wait = "while ([DateTimeOffset]::UtcNow.ToUnixTimeSeconds() -lt $end) { Start-Sleep -Seconds 5 }"
  $line = "powershell.exe -NoProfile -NonInteractive -Command `"$wait; shutdown.exe /s /f /t 0`""
  Invoke-CimMethod -ClassName Win32_Process -MethodName Create -Arguments @{ CommandLine = $line } | Out-Null
}
# Brings the agent of AWS Systems Manager into images that do not have it. AWS Systems Manager User Guide, "Manually
# installing and uninstalling SSM Agent on EC2 instances for Windows Server".
$region = '@REGION@'
$agent = Get-Service -Name AmazonSSMAgent -ErrorAction SilentlyContinue
if (-not $agent) {
  $suffix = if ($region.StartsWith('cn-')) { 'amazonaws.com.cn' } else { 'amazonaws.com' }
  $setup = Join-Path $env:TEMP 'AmazonSSMAgentSetup.exe'
  [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
  $ProgressPreference = 'SilentlyContinue'
  foreach ($attempt in 1..3) {
    try {
      $url = "https://s3.$region.$suffix/amazon-ssm-$region/latest/windows_amd64/AmazonSSMAgentSetup.exe"
      Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile $setup
      Start-Process -FilePath $setup -ArgumentList '/S' -Wait
      break
    } catch { Start-Sleep -Seconds ($attempt * 5) }
  }
  Remove-Item -Path $setup -Force -ErrorAction SilentlyContinue
}
Set-Service -Name AmazonSSMAgent -StartupType Automatic -ErrorAction SilentlyContinue
Start-Service -Name AmazonSSMAgent -ErrorAction SilentlyContinue
</powershell>
<persist>true</persist>
