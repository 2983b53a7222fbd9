#pragma once
/// An image's evidence as a bundle that anybody can check: what goes in, who signs it, and what our
/// own record and the cloud say of one that is brought to us. Format: docs/formats/evidence.md.

#include <stop_token>
#include <string>
#include <vector>

#include "base/signing.h"
#include "evidence/bundle.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

/// The key that signed the audit log's last entry, or the next one. Throws `not_found` if nothing
/// was ever logged.
SigningKey installation_key(const Context& context);

/// Every key that it ever signed with, the newest last, as the audit log names them. Throws
/// `corrupt` if the log is not intact: then it vouches for nothing.
std::vector<PublicKey> installation_keys(const Context& context);

/// What goes beside the documents: the evidence as it was kept (record/), decisions with what
/// proves them (decisions.json), logs of the build (logs/), and the image's entries of the audit
/// log (audit.jsonl) but for looks at its evidence. A missing `log_directory` is fine.
std::vector<evidence::File> bundle_files(const Context& context, const GoldenImage& image,
                                         const Path& log_directory);

struct BundleWritten {
  std::vector<std::string> files;  ///< without the two manifests
  PublicKey key;
  std::string disk_sha256;  ///< empty: it was not read whole, and there are no statements
};

/// Writes the bundle of the image. Throws as make_subject and evidence::write_bundle do.
BundleWritten write_image_bundle(const Context& context, const GoldenImage& image,
                                 const Path& directory, const Path& log_directory);

/// What is wrong with a bundle as the evidence of this image: against the database, the evidence
/// kept here, the audit log, and the disk in the cloud, which is read whole.
std::vector<evidence::Problem> compare_with_record(const Context& context, const GoldenImage& image,
                                                   const evidence::Verified& bundle,
                                                   std::stop_token stop);

/// Nothing if the disk is the one that the bundle is about.
std::optional<evidence::Problem> compare_with_disk(const evidence::Verified& bundle,
                                                   disk::BlockReader& disk, const std::string& name,
                                                   std::stop_token stop);

/// Notes in the audit log that `who` looked at the evidence; `how`: "image report".
void note_look(const Context& context, const GoldenImage& image, const std::string& who,
               const std::string& how);

}  // namespace hallmark::pipeline
