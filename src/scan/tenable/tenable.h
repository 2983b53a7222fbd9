#pragma once
/// Tenable Vulnerability Management, and Nessus where its API is allowed to scan.

#include <memory>
#include <string>

#include "base/clock.h"
#include "scan/scanner.h"

namespace hallmark::scan {

struct TenableConfig {
  std::string url = "https://cloud.tenable.com";
  std::string access_key;
  std::string secret_key;
  std::string template_title = "Basic Network Scan";
  std::string scanner_name;  ///< empty: the service chooses
  std::string folder;        ///< name; empty: the service's own
  /// A credential that is kept on the service. Preferred: nothing is uploaded then.
  std::string credential_id;
  /// Otherwise a key that is uploaded for the scan. The service has no call that removes a file, so
  /// only a key under a passphrase is taken: the passphrase goes with the scan, and the file that
  /// stays opens nothing.
  std::string ssh_user;
  std::string ssh_private_key;  ///< PEM or OpenSSH
  std::string ssh_passphrase;
  std::string elevate_with = "Nothing";  ///< "sudo"; as Tenable calls it
  std::string ca_file;                   ///< of a Nessus with its own certificate
  Duration poll_interval = std::chrono::seconds(30);
  Duration export_limit = std::chrono::minutes(20);  ///< until the report is ready
  Duration stop_limit = std::chrono::minutes(3);     ///< until a scan that is stopped has ended
};

/// Throws `usage` for a configuration that can never work. The clock must live longer.
/// A scan's id is "<number>/<uuid of the run>".
std::unique_ptr<OutsideScanner> make_tenable_scanner(TenableConfig config, Clock& clock);

}  // namespace hallmark::scan
