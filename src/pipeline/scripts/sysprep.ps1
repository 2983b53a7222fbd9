# The last script of every build of a Windows image: takes out of the image what belongs to one machine only.
# Amazon EC2 User Guide, "Use Windows Sysprep with EC2Launch v2". The machine is stopped from outside afterwards: one
# that switches itself off is removed with its disk.
$ErrorActionPreference = 'Stop'
function Say($text) { Write-Output "sysprep: $text" }
function Die($text) { Write-Output "sysprep: error: $text"; exit 1 }

$launch = Join-Path $env:ProgramFiles 'Amazon\EC2Launch\EC2Launch.exe'
if (-not (Test-Path $launch)) {
  Die "there is no EC2Launch v2 in the image: install it in a script, or set build.sysprep to false"
}
Get-ChildItem -Path (Join-Path $env:SystemRoot 'Temp'), $env:TEMP -Force -ErrorAction SilentlyContinue |
  Remove-Item -Recurse -Force -ErrorAction SilentlyContinue
# User data, host name and password are to be set again on each machine of the image.
& $launch reset --clean --block
if ($LASTEXITCODE -ne 0) { Die "EC2Launch reset ended with exit code $LASTEXITCODE" }
& $launch sysprep --clean --block
if ($LASTEXITCODE -ne 0) { Die "EC2Launch sysprep ended with exit code $LASTEXITCODE" }
# Sysprep says what it came to here only; Microsoft, "Windows Setup States".
$key = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State'
$state = ''
for ($i = 0; $i -lt 120; $i++) {
  $state = (Get-ItemProperty -Path $key).ImageState
  if ($state -eq 'IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE') { Say 'done'; exit 0 }
  Start-Sleep -Seconds 5
}
Die "Windows is in state $state, not generalized: see $env:SystemRoot\System32\Sysprep\Panther\setuperr.log"
