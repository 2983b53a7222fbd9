/// How fast an audit log is verified, from the database and from an exported file, beside the bare
/// minimum: reading the rows, and hashing and verifying the same bytes with OpenSSL alone.
/// JSON lines on stdout, a table on stderr. Usage: bench_audit [entries, default 1000000
/// [directory]]

#include <fmt/format.h>
#include <openssl/evp.h>

#include <fstream>
#include <memory>

#include "audit/verify.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "measure.h"

namespace hallmark::bench {
namespace {

/// As often as the verifier checks a signature.
constexpr std::size_t kSignatureInterval = 1024;
constexpr std::size_t kPage = 10'000;

struct Place {
  Path directory;
  std::string url() const {
    return "sqlite://" + (directory / "state.db").string() + "?synchronous=off";
  }
  Path keys() const { return directory / "audit"; }
  Path exported() const { return directory / "audit.jsonl"; }
};

/// The log that so many appended events make, but written in one transaction. All are signed.
std::vector<Result> prepare(const Place& place, std::int64_t entries) {
  const auto start = ProcessorTime::now();
  SystemClock clock;
  auto database = db::Database::open(place.url());
  audit::Log log(*database, place.keys(), clock);
  auto tell = [&](const char* token) {
    log.append({.token = token,
                .actor = "alice",
                .action = "image.active",
                .subject = "web/debian-12/1.4.0",
                .detail = {}});
  };
  tell("first");
  const SigningKey key = SigningKey::read(place.keys() / audit::kSigningKeyFile);
  const std::string key_id = key.public_key().id();
  audit::Entry last = log.read(1, 1).at(0);
  database->transaction([&](db::Connection& connection) {
    for (std::int64_t sequence = 3; sequence < entries; ++sequence) {
      const Json entry = {{"sequence", sequence},
                          {"at", "2026-11-22T10:00:00.000Z"},
                          {"actor", "arn:aws:iam::123456789012:user/alice"},
                          {"action", "decision.approve"},
                          {"subject", fmt::format("web/debian-12/1.{}", sequence)},
                          {"detail",
                           {{"comment", "looked at the findings"},
                            {"evidence_digest", last.digest},
                            {"run_id", fmt::format("run-{:017x}", sequence)}}},
                          {"previous", last.digest},
                          {"key_id", key_id}};
      last.text = compact(entry);
      last.digest = sha256_hex(last.text);
      connection.execute(
          "insert into audit_log (sequence, token, entry, digest, key_id, signature) "
          "values (:sequence, :token, :entry, :digest, :key_id, :signature)",
          {{"sequence", sequence},
           {"token", fmt::format("token-{}", sequence)},
           {"entry", last.text},
           {"digest", last.digest},
           {"key_id", key_id},
           {"signature", base64_encode(key.sign(audit::entry_message(last.digest)))}});
    }
    connection.execute("update audit_head set sequence = :sequence, digest = :digest where id = 1",
                       {{"sequence", entries - 1}, {"digest", last.digest}});
  });
  tell("last");
  std::ofstream out(place.exported());
  audit::export_log(log, out);
  return {{"make the log", seconds_since(start), "s"},
          {"  size of the exported file",
           static_cast<double>(std::filesystem::file_size(place.exported())) / (1 << 20), "MiB"}};
}

std::vector<Result> result(const char* name, std::int64_t entries, std::chrono::nanoseconds start,
                           const audit::VerifyReport& report) {
  const double taken = seconds_since(start);
  if (!report.intact() || report.entries != entries) {
    throw Error(ErrorKind::failed, "{} entries: {}", report.entries, join(report.problems, "; "));
  }
  return {{name, taken, "s"}, {"  peak memory", own_status("VmHWM") / 1024, "MiB"}};
}

std::vector<Result> verify_database(const Place& place, std::int64_t entries) {
  SystemClock clock;
  auto database = db::Database::open(place.url());
  audit::Log log(*database, place.keys(), clock);
  const auto start = ProcessorTime::now();
  return result("verify the database", entries, start,
                audit::verify_log(log, audit::first_key(place.keys())));
}

std::vector<Result> verify_file(const Place& place, std::int64_t entries) {
  std::ifstream in(place.exported());
  const auto start = ProcessorTime::now();
  return result("verify the exported file", entries, start,
                audit::verify_export(in, audit::first_key(place.keys()), "export"));
}

std::vector<Result> bare(const Place& place) {
  SystemClock clock;
  auto database = db::Database::open(place.url());
  audit::Log log(*database, place.keys(), clock);
  const PublicKey key = audit::first_key(place.keys());
  double reading = 0, computing = 0, parsing = 0;
  std::size_t count = 0;
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> public_key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                  reinterpret_cast<const unsigned char*>(key.bytes.data()),
                                  key.bytes.size()),
      EVP_PKEY_free);
  auto bytes = [](const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  for (std::int64_t after = 0;;) {
    auto start = ProcessorTime::now();
    const std::vector<audit::Entry> page = log.read(after, kPage);
    reading += seconds_since(start);
    if (page.empty()) break;
    after = page.back().sequence;
    start = ProcessorTime::now();
    for (const audit::Entry& entry : page) {
      unsigned char digest[32];
      EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
      EVP_DigestUpdate(context.get(), entry.text.data(), entry.text.size());
      EVP_DigestFinal_ex(context.get(), digest, nullptr);
      if (++count % kSignatureInterval != 0) continue;
      const std::string message = audit::entry_message(entry.digest);
      const std::string signature = base64_decode(entry.signature);
      std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> verifier(EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free);
      EVP_DigestVerifyInit(verifier.get(), nullptr, nullptr, nullptr, public_key.get());
      if (EVP_DigestVerify(verifier.get(), bytes(signature), signature.size(), bytes(message),
                           message.size()) != 1) {
        throw Error(ErrorKind::failed, "the signature of entry {} does not hold", entry.sequence);
      }
    }
    computing += seconds_since(start);
    start = ProcessorTime::now();
    std::size_t members = 0;
    for (const audit::Entry& entry : page) members += Json::parse(entry.text).size();
    if (members == 0) throw Error(ErrorKind::failed, "a page has no entries");
    parsing += seconds_since(start);
  }
  return {{"bare: hash and verify with OpenSSL", computing, "s"},
          {"bare: nlohmann::json::parse of the entries", parsing, "s"},
          {"bare: read the rows of the database", reading, "s"}};
}

}  // namespace
}  // namespace hallmark::bench

int main(int argc, char** argv) {
  using namespace hallmark::bench;
  const std::int64_t entries = argc > 1 ? std::stoll(argv[1]) : 1'000'000;
  hallmark::TempDir directory(argc > 2 ? hallmark::Path(argv[2]) : hallmark::Path());
  const Place place{directory.path()};
  return report(
      "audit", fmt::format("audit log of {} entries", entries),
      {[&] { return prepare(place, entries); }, [&] { return verify_database(place, entries); },
       [&] { return verify_file(place, entries); }, [&] { return bare(place); }});
}
