#include "base/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "base/error.h"

namespace hallmark {

namespace {

std::shared_ptr<BIO> in_memory(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

/// A password callback that knows none, so that OpenSSL never asks at the terminal.
int knows_none(char*, int, int, void*) { return -1; }

std::string subject_of(const X509* certificate) {
  std::shared_ptr<BIO> out(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

TimePoint end_of(const X509* certificate) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &fields) != 1) return {};
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::seconds(::timegm(&fields))));
}

}  // namespace

CertificateFacts read_certificate(const Path& certificate, const Path& key) {
  const std::string text = read_file(certificate);
  std::shared_ptr<X509> read(PEM_read_bio_X509(in_memory(text).get(), nullptr, knows_none, nullptr),
                             X509_free);
  if (!read) throw Error(ErrorKind::usage, "there is no certificate in {}", certificate.string());
  const std::string key_text = read_file(key);
  std::shared_ptr<EVP_PKEY> secret(
      PEM_read_bio_PrivateKey(in_memory(key_text).get(), nullptr, knows_none, nullptr),
      EVP_PKEY_free);
  if (!secret) {
    throw Error(ErrorKind::usage, "there is no private key in {}", key.string())
        .hint("PEM, without a password");
  }
  if (X509_check_private_key(read.get(), secret.get()) != 1) {
    throw Error(ErrorKind::usage, "{} is not the private key of {}", key.string(),
                certificate.string());
  }
  return {subject_of(read.get()), end_of(read.get())};
}

}  // namespace hallmark
