#pragma once
/// A server's certificate and key, looked at before they are used.

#include <string>

#include "base/clock.h"
#include "base/files.h"

namespace hallmark {

struct CertificateFacts {
  std::string subject;
  TimePoint not_after;
};

/// The first certificate of the file. Throws `usage` if there is none in it, if `key` holds no
/// private key, or one of another certificate.
CertificateFacts read_certificate(const Path& certificate, const Path& key);

}  // namespace hallmark
