# Updates the Windows of the image under construction through Windows Update.
# HALLMARK_INCLUDE: "all", or KB numbers separated by spaces; HALLMARK_EXCLUDE: KB numbers never installed;
# HALLMARK_CATEGORIES and HALLMARK_SEVERITIES: names separated by semicolons, empty for any.
# Exit code 3010 asks for a reboot, after which this runs again: updates may bring further updates.
$ErrorActionPreference = 'Stop'
function Say($text) { Write-Output "update-packages: $text" }
function Die($text) { Write-Output "update-packages: error: $text"; exit 1 }
function Split-List($text, $separator) { @("$text".Split($separator) | ForEach-Object { $_.Trim() } | Where-Object { $_ }) }

$include = Split-List $env:HALLMARK_INCLUDE ' '
$exclude = Split-List $env:HALLMARK_EXCLUDE ' '
$categories = Split-List $env:HALLMARK_CATEGORIES ';'
$severities = Split-List $env:HALLMARK_SEVERITIES ';'
$all = ($include.Count -eq 1) -and ($include[0] -eq 'all')

function Get-Kbs($update) { @($update.KBArticleIDs | ForEach-Object { "KB$_" }) }
function Test-Wanted($update) {
  $kbs = Get-Kbs $update
  if (@($kbs | Where-Object { $exclude -contains $_ }).Count) { return $false }
  if (-not $all -and -not @($kbs | Where-Object { $include -contains $_ }).Count) { return $false }
  if ($categories.Count -and -not @($update.Categories | Where-Object { $categories -contains $_.Name }).Count) {
    return $false
  }
  # Updates without a rating have an empty one.
  if ($severities.Count -and -not ($severities -contains $update.MsrcSeverity)) { return $false }
  # Nobody is there to answer.
  return -not $update.InstallationBehavior.CanRequestUserInput
}

$system = New-Object -ComObject Microsoft.Update.SystemInfo
if ($system.RebootRequired) { Say 'rebooting before anything is installed'; exit 3010 }

Say 'searching'
$session = New-Object -ComObject Microsoft.Update.Session
$session.ClientApplicationID = 'Hallmark'
try {
  $found = $session.CreateUpdateSearcher().Search("IsInstalled=0 and IsHidden=0 and Type='Software'").Updates
} catch {
  Die "the search failed: $($_.Exception.Message): is Windows Update, or the WSUS server, reachable from the machine?"
}
$wanted = New-Object -ComObject Microsoft.Update.UpdateColl
foreach ($update in $found) {
  if (Test-Wanted $update) {
    if (-not $update.EulaAccepted) { $update.AcceptEula() }
    [void]$wanted.Add($update)
    Say "to install: $($update.Title)"
  } else {
    Say "left out: $($update.Title)"
  }
}
if ($wanted.Count -eq 0) {
  if (-not $all) {
    $history = @(Get-HotFix | ForEach-Object { $_.HotFixID })
    foreach ($kb in $include) {
      if (-not ($history -contains $kb)) { Die "$kb of updates.include is neither offered nor installed" }
    }
  }
  Say 'done'
  exit 0
}

# IUpdateInstaller, OperationResultCode: 2 is success; 3 success with errors, 4 failure, 5 abortion.
Say "downloading $($wanted.Count)"
$downloader = $session.CreateUpdateDownloader()
$downloader.Updates = $wanted
$result = $downloader.Download()
if ($result.ResultCode -ne 2) { Die ('the download ended with result {0}, 0x{1:X8}' -f $result.ResultCode, $result.HResult) }
Say "installing $($wanted.Count)"
$installer = $session.CreateUpdateInstaller()
$installer.Updates = $wanted
$result = $installer.Install()
$failed = 0
for ($i = 0; $i -lt $wanted.Count; $i++) {
  $one = $result.GetUpdateResult($i)
  if ($one.ResultCode -ne 2) {
    $failed++
    Say ('failed with result {0}, 0x{1:X8}: {2}' -f $one.ResultCode, $one.HResult, $wanted.Item($i).Title)
  }
}
if ($failed) { Die "$failed of $($wanted.Count) updates could not be installed" }
Say 'installed; rebooting, and looking again afterwards'
exit 3010
