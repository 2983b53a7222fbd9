#pragma once
/// What somebody says does not affect an image, though a version says it would: VEX.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/assessment.h"
#include "scan/advisory/purl.h"

namespace hallmark::scan {

enum class VexStatus { not_affected, fixed, affected, under_investigation };

/// From a document in OpenVEX or CycloneDX: one flaw in one package.
struct VexStatement {
  std::vector<std::string> flaws;  ///< the vulnerability's id and other names
  PackageUrl package;
  /// The package as a part of this alone: a package URL, another id, a BOM's serial number. Empty:
  /// wherever it is.
  std::string product;
  VexStatus status = VexStatus::not_affected;
  std::optional<TimePoint> said_at;
  std::string why;  ///< justification, or what is said instead
  std::string author;
};

/// All of them: which one counts is told when they are applied. Throws `corrupt`, with the way out,
/// for what is neither.
std::vector<VexStatement> read_vex(std::string_view text, std::string_view origin);

/// A finding all of whose flaws (or whose advisory) the newest statements of its very package call
/// not affected, or fixed in its version, becomes `suppressed`, with the reason as evidence: it is
/// shown, and gates say that it was. Of statements made at one time the one that suppresses nothing
/// counts, and so it does of those that do not say when. A package URL speaks of packages of its
/// own type, distribution, and where it names them version and architecture; of all binaries of a
/// source only if it says that it names a source. A statement on a part of a product counts only if
/// the product is one of `products`, the names of what was assessed.
void apply_vex(model::Assessment& assessment, const std::vector<VexStatement>& statements,
               const model::Inventory& inventory, const std::vector<std::string>& products = {});

}  // namespace hallmark::scan
