#include <cstddef>
#include <cstdint>

#include "base/files.h"
#include "base/ids.h"
#include "evidence/bundle.h"
#include "evidence/dsse.h"
#include "fuzz/only_errors.h"
#include "fuzz/signing_key.h"

namespace evidence = hallmark::evidence;
using hallmark::Path;

namespace {

constexpr const char* kStatement = "a.intoto.dsse.json";

}  // namespace

/// The first byte says what the rest stands for: a signed manifest, a signed statement that the
/// manifest names, or an envelope's own bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const hallmark::SigningKey kKey = hallmark::well_known_key();
  static const hallmark::PublicKey kPublic = kKey.public_key();
  // One bundle for the whole run, of which each input replaces files.
  static const hallmark::TempDir kDirectory(hallmark::quick_directory());
  const Path& bundle = kDirectory.path();
  const auto [choice, text] = hallmark::chosen(data, size);
  std::string manifest(text);
  std::string statement = evidence::seal(evidence::kInTotoType, text, kKey);
  if (choice % 4 == 1) {
    manifest = hallmark::compact(
        {{"format", "hallmark-evidence-v1"},
         {"image_key", "p/o/v"},
         {"image_id", "ami-1"},
         {"disk_sha256", "d"},
         {"disk_digest_of", "raw disk"},
         {"evidence_digest", "e"},
         {"made_at", "2026-11-22T17:05:01Z"},
         {"files", hallmark::Json::array({{{"name", kStatement},
                                           {"size_bytes", statement.size()},
                                           {"sha256", hallmark::sha256_hex(statement)}}})}});
  }
  const bool is_envelope = choice % 4 == 2;
  hallmark::write_file(bundle / evidence::kManifest, manifest);
  hallmark::write_file(bundle / kStatement, statement);
  hallmark::write_file(
      bundle / evidence::kSignedManifest,
      is_envelope ? std::string(text) : evidence::seal(evidence::kManifestType, manifest, kKey));
  // Neither throws for what the files say.
  evidence::signer(bundle);
  const evidence::Verified verified = evidence::verify_bundle(bundle, kPublic);
  if (verified.problems.empty() && verified.file_count != 1) __builtin_trap();
  if (is_envelope && verified.problems.empty()) __builtin_trap();
  hallmark::only_errors([&, &input = text] {
    evidence::open_sealed(input, evidence::kInTotoType, kPublic, "envelope");
  });
  return 0;
}
