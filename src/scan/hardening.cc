#include "scan/hardening.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "scan/inventory/order.h"
#include "scan/inventory/support.h"

namespace hallmark::scan {
namespace {

using model::Severity;

struct Rule {
  std::string_view name;
  Severity severity;
  std::string_view title;
  std::string_view remediation;
};

// High: who has the image, or reaches a machine of it, has what is kept secret or gets in. Medium:
// it helps somebody who is in already, or belongs to one machine or person. Low: it tells more than
// it must.
constexpr Rule kRules[] = {
    {"empty-password", Severity::critical, "an account that needs no password",
     "lock it (passwd -l) or give it a password at first boot"},
    {"default-password", Severity::critical, "an account with a password that everybody tries",
     "lock it (passwd -l) or give it a password at first boot"},
    {"sshd-empty-passwords", Severity::high, "sshd lets accounts in that have no password",
     "set PermitEmptyPasswords no"},
    {"private-key", Severity::high, "a private key that every machine of this image would share",
     "remove it; make keys at first boot or fetch them from where secrets are kept"},
    {"credentials", Severity::high, "credentials of a person or a service",
     "remove the file; give machines a role, or fetch secrets when they start"},
    {"second-root", Severity::high, "a second account with the rights of root",
     "give it a user id of its own, or remove it"},
    {"password-in-passwd", Severity::high, "a password's hash that every user can read",
     "move it to /etc/shadow (pwconv)"},
    {"sshd-protocol-1", Severity::high, "sshd speaks a protocol that is broken",
     "remove the word Protocol"},
    {"ssh-host-key", Severity::medium, "a host key that every machine of this image would share",
     "remove /etc/ssh/ssh_host_*; have them made at first boot"},
    {"machine-id", Severity::medium, "an id that every machine of this image would share",
     "leave /etc/machine-id empty: systemd fills it at first boot"},
    {"password", Severity::medium, "a password that every machine of this image would share",
     "lock it (passwd -l) or set it at first boot"},
    {"weak-password-hash", Severity::medium, "a password's hash that is quickly tried out",
     "set the password anew; the system's default hash is strong"},
    {"sshd-root-login", Severity::medium, "sshd lets root in by a password",
     "set PermitRootLogin prohibit-password or no"},
    {"authorized-key", Severity::medium, "somebody's key opens every machine of this image",
     "remove it; cloud-init installs the key that a machine is launched with"},
    {"world-writable-file", Severity::medium, "a file that every user may change", "chmod o-w"},
    {"world-writable-directory", Severity::medium,
     "a directory in which every user may replace everybody's files", "chmod o-w, or chmod +t"},
    {"setuid", Severity::medium,
     "a program that runs as its owner and is not one that "
     "distributions deliver so",
     "chmod u-s, if it need not"},
    {"shell-history", Severity::medium, "what somebody typed, passwords perhaps among it",
     "remove it as the last step of the build"},
    {"user-data", Severity::medium, "what the machine was launched with that this was made from",
     "cloud-init clean as the last step of the build"},
    {"old-kernel", Severity::medium, "the kernel that is started is not the newest installed",
     "update-grub or grubby --set-default, or remove what is not to be started"},
    {"random-seed", Severity::low, "a seed of random numbers that machines would share",
     "remove it; it is made anew"},
    {"setgid", Severity::low,
     "a program that runs as its group and is not one that "
     "distributions deliver so",
     "chmod g-s, if it need not"},
    {"sshd-password-login", Severity::low, "sshd asks for passwords, which can be guessed",
     "set PasswordAuthentication no"},
    {"sshd-x11-forwarding", Severity::info, "sshd forwards X11", "set X11Forwarding no"},
    {"logs", Severity::info, "logs of other machines than the one that will run",
     "empty /var/log as the last step of the build"},
};

// Debian, Ubuntu, Fedora, RHEL, SUSE and Alpine deliver these so, in kProgramPlaces.
constexpr std::string_view kSetuid[] = {"at",
                                        "bbsuid",
                                        "bwrap",
                                        "chage",
                                        "chfn",
                                        "chsh",
                                        "cockpit-session",
                                        "crontab",
                                        "doas",
                                        "exim4",
                                        "expiry",
                                        "fusermount",
                                        "fusermount3",
                                        "gpasswd",
                                        "grub2-set-bootflag",
                                        "mount",
                                        "mount.cifs",
                                        "mount.ecryptfs_private",
                                        "mount.nfs",
                                        "mount.nfs4",
                                        "newgidmap",
                                        "newgrp",
                                        "newuidmap",
                                        "ntfs-3g",
                                        "pam_timestamp_check",
                                        "passwd",
                                        "ping",
                                        "ping6",
                                        "pkexec",
                                        "polkit-agent-helper-1",
                                        "sg",
                                        "staprun",
                                        "su",
                                        "sudo",
                                        "sudoedit",
                                        "traceroute6.iputils",
                                        "umount",
                                        "umount.nfs",
                                        "umount.nfs4",
                                        "unix2_chkpwd",
                                        "unix_chkpwd",
                                        "userhelper",
                                        "usernetctl",
                                        "vmware-user-suid-wrapper",
                                        "Xorg.wrap"};
constexpr std::string_view kSetgid[] = {
    "at",      "bsd-write",   "chage",     "crontab", "dotlockfile",
    "expiry",  "locate",      "lockfile",  "mlocate", "pam_extrausers_chkpwd",
    "plocate", "postdrop",    "postqueue", "screen",  "ssh-agent",
    "tmux",    "unix_chkpwd", "utempter",  "wall",    "write"};
constexpr std::string_view kProgramPlaces[] = {"/bin", "/sbin", "/usr/bin", "/usr/sbin",
                                               "/usr/libexec"};
// Helpers of programs, which either bit makes what they are. Elsewhere below /usr/lib anybody's
// file may have a well-known name.
constexpr std::string_view kHelpers[] = {"/lib/dbus-1.0/dbus-daemon-launch-helper",
                                         "/lib64/dbus-1/dbus-daemon-launch-helper",
                                         "/usr/lib/cockpit/cockpit-session",
                                         "/usr/lib/dbus-1.0/dbus-daemon-launch-helper",
                                         "/usr/lib/dbus-1/dbus-daemon-launch-helper",
                                         "/usr/lib/openssh/ssh-keysign",
                                         "/usr/lib/policykit-1/polkit-agent-helper-1",
                                         "/usr/lib/polkit-1/polkit-agent-helper-1",
                                         "/usr/lib/snapd/snap-confine",
                                         "/usr/lib/ssh/ssh-keysign",
                                         "/usr/lib/utempter/utempter",
                                         "/usr/lib/x86_64-linux-gnu/utempter/utempter",
                                         "/usr/lib/aarch64-linux-gnu/utempter/utempter",
                                         "/usr/lib/xorg/Xorg.wrap",
                                         "/usr/libexec/dbus-1/dbus-daemon-launch-helper",
                                         "/usr/libexec/dbus-daemon-launch-helper",
                                         "/usr/libexec/openssh/ssh-keysign",
                                         "/usr/libexec/snapd/snap-confine",
                                         "/usr/libexec/sssd/krb5_child",
                                         "/usr/libexec/sssd/ldap_child",
                                         "/usr/libexec/sssd/p11_child",
                                         "/usr/libexec/sssd/proxy_child",
                                         "/usr/libexec/sssd/selinux_child",
                                         "/usr/libexec/sssd/sssd_pam",
                                         "/usr/libexec/utempter/utempter"};

template <std::size_t n>
bool has(const std::string_view (&list)[n], std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool is_expected(const model::HardeningFact& fact) {
  const bool is_setuid = fact.rule == "setuid";
  if (!is_setuid && fact.rule != "setgid") return false;
  if (has(kHelpers, fact.path)) return true;
  const std::size_t slash = fact.path.rfind('/');
  if (slash == std::string::npos) return false;
  const std::string_view path = fact.path;
  const std::string_view name = path.substr(slash + 1);
  return has(kProgramPlaces, path.substr(0, slash)) &&
         (is_setuid ? has(kSetuid, name) : has(kSetgid, name));
}

model::Finding finding_of(const model::HardeningFact& fact) {
  model::Finding finding;
  finding.kind = model::FindingKind::compliance;
  finding.finding_id = fmt::format("hardening:{}:{}", fact.rule, fact.path);
  // One file, several accounts.
  if (fact.detail.starts_with("user ")) finding.finding_id += ":" + fact.detail.substr(5);
  finding.finding_id = model::safe_text(finding.finding_id, 1024);
  const auto* rule = std::find_if(std::begin(kRules), std::end(kRules),
                                  [&](const Rule& known) { return known.name == fact.rule; });
  // An inventory of a newer Hallmark may know more.
  const bool is_known = rule != std::end(kRules);
  finding.severity = is_known ? rule->severity : Severity::unknown;
  finding.severity_source = "hallmark";
  finding.title =
      model::safe_text(fmt::format("{}{}{}", is_known ? rule->title : std::string_view(fact.rule),
                                   fact.path.empty() ? "" : ": ", fact.path),
                       1024);
  if (is_known) finding.remediation = rule->remediation;
  finding.evidence = model::safe_text(fact.detail, 1024);
  return finding;
}

/// "6.1.0-9-cloud-amd64" is a "cloudamd": what is installed beside another flavour may well stay
/// unstarted.
std::string flavour_of(std::string_view version) {
  std::string letters;
  for (const char c : version) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) letters += c;
  }
  return letters;
}

/// The newest of the flavour that is started; empty if that is it, or nobody knows.
std::string newer_kernel(const model::Inventory& inventory) {
  std::string newest = inventory.default_kernel;
  if (newest.empty()) return "";
  for (const std::string& kernel : inventory.kernels) {
    if (flavour_of(kernel) == flavour_of(newest) && is_older(newest, kernel)) newest = kernel;
  }
  return newest == inventory.default_kernel ? "" : newest;
}

std::string name_of(const model::Distribution& distribution) {
  return model::safe_text(
      distribution.pretty_name.empty() ? distribution.id : distribution.pretty_name, 256);
}

model::Finding end_of_support_finding(const model::Distribution& distribution,
                                      const std::string& end) {
  model::Finding finding;
  finding.kind = model::FindingKind::compliance;
  finding.finding_id = "hardening:end-of-support";
  finding.severity = Severity::high;
  finding.severity_source = "hallmark";
  finding.fix = model::FixState::end_of_life;
  finding.title = model::safe_text(
      fmt::format("{} gets no security updates since {}", name_of(distribution), end), 1024);
  finding.remediation = "build on a release that is supported";
  return finding;
}

/// Of several scanners' assessments in one, each may have said it.
void add_gap(model::Assessment& assessment, model::CoverageGap gap) {
  for (const model::CoverageGap& told : assessment.gaps) {
    if (told.what == gap.what && told.reason == gap.reason) return;
  }
  assessment.gaps.push_back(std::move(gap));
  if (assessment.completeness == model::Completeness::complete) {
    assessment.completeness = model::Completeness::partial;
  }
}

}  // namespace

std::vector<model::Finding> hardening_findings(const model::Inventory& inventory) {
  std::vector<model::Finding> findings;
  for (const model::HardeningFact& fact : inventory.facts) {
    if (!is_expected(fact)) findings.push_back(finding_of(fact));
  }
  if (const std::string newest = newer_kernel(inventory); !newest.empty()) {
    findings.push_back(finding_of(
        {"old-kernel", "",
         fmt::format("{} is installed, {} is started", newest, inventory.default_kernel)}));
  }
  std::sort(findings.begin(), findings.end(),
            [](const auto& a, const auto& b) { return a.finding_id < b.finding_id; });
  return findings;
}

void add_hardening(model::Assessment& assessment, const model::Inventory& inventory,
                   TimePoint now) {
  const model::Distribution& distribution = inventory.distribution;
  const std::string what = "distribution " + name_of(distribution);
  // An inventory that was stored long ago may know less of its release than is known today.
  const std::string end = end_of_support(distribution);
  // They name no package, and so come first.
  std::vector<model::Finding> findings = hardening_findings(inventory);
  if (!end.empty() && to_rfc3339(now).substr(0, 10) > end) {
    findings.insert(findings.begin(), end_of_support_finding(distribution, end));
    add_gap(assessment, {what, fmt::format("its support ended on {}: flaws found since then are in "
                                           "no advisory",
                                           end)});
  }
  if (end.empty() && has_end_of_support(distribution)) {
    add_gap(assessment, {what, "until when it gets security updates is not known here"});
  }
  assessment.findings.insert(assessment.findings.begin(), std::make_move_iterator(findings.begin()),
                             std::make_move_iterator(findings.end()));
}

}  // namespace hallmark::scan
