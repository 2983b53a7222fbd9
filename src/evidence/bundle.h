#pragma once
/// The evidence of one image as a directory that proves itself offline. Format:
/// docs/formats/evidence.md.

#include <string>
#include <vector>

#include "base/files.h"
#include "base/signing.h"
#include "evidence/subject.h"

namespace hallmark::evidence {

inline constexpr const char* kManifest = "manifest.json";
/// The manifest's bytes in a signed envelope.
inline constexpr const char* kSignedManifest = "manifest.dsse.json";
inline constexpr const char* kManifestType = "application/vnd.hallmark.evidence-manifest+json";

/// `name` is a relative path with "/".
struct File {
  std::string name;
  std::string content;
};

/// All documents and signed statements of the subject, ready to be written. Without a digest of a
/// disk there are no statements.
std::vector<File> documents(const Subject& subject, const SigningKey& key);

/// Writes `files` and last of all the manifest and its envelope, so that a bundle cut short has
/// none. Throws `usage` on a name that leaves the directory, is the manifest's or is there twice,
/// and `conflict` if the directory holds something already.
void write_bundle(const Path& directory, const Subject& subject, const std::vector<File>& files,
                  const SigningKey& key);

struct Problem {
  std::string file;  ///< empty: the bundle as a whole
  std::string what;  ///< "it is missing"
};

/// What a bundle says it is about: worth something only without problems.
struct Verified {
  std::vector<Problem> problems;
  std::string image_key;
  std::string image_id;
  std::string disk_sha256;
  std::string disk_digest_of;
  std::string evidence_digest;
  std::string made_at;
  std::size_t file_count = 0;
};

/// The id of the key that the bundle says it was signed with, to find the key by; proves nothing.
/// Empty if it says none.
std::string signer(const Path& directory);

/// Reads the directory and nothing else. Everything that is wrong is a problem: a file that is
/// missing, extra, changed, not to be read or no ordinary file, a signature that does not fit,
/// another key's signature, a statement on another image. Throws `not_found` if there is no such
/// directory.
Verified verify_bundle(const Path& directory, const PublicKey& trusted);

}  // namespace hallmark::evidence
