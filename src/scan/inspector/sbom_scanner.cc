/// Inspector's scan of a list of packages in the shape of an outside scanner.

#include "base/error.h"
#include "scan/inspector/sbom.h"

namespace hallmark::scan {
namespace {

/// It is over as soon as it is asked, so there is nothing to launch, to look at or to remove.
class SbomScanner final : public OutsideScanner {
 public:
  SbomScanner(InspectorPlace place, InspectorAccess access, Clock& clock)
      : place_(std::move(place)), access_(std::move(access)), clock_(clock) {}

  std::string name() const override { return "inspector-sbom"; }
  bool needs_machine() const override { return false; }
  Duration poll_interval() const override { return std::chrono::seconds(1); }

  void check(std::stop_token stop) override {
    // Whether these credentials may ask at all shows with any package.
    const Json document = {{"bomFormat", "CycloneDX"},
                           {"specVersion", "1.6"},
                           {"components",
                            {{{"type", "library"},
                              {"name", "base-files"},
                              {"version", "12.4"},
                              {"purl", "pkg:deb/debian/base-files@12.4?distro=debian-12"}}}}};
    auto keep_nothing = [](const std::string& name, const std::string& type, std::string_view) {
      return model::RawResult{.name = name, .media_type = type};
    };
    scan_sbom(access_, place_, document, keep_nothing, clock_, std::move(stop));
  }

  std::string launch(const ScanTarget& target, std::stop_token) override {
    if (!target.sbom) throw Error(ErrorKind::usage, "the image has no list of packages to scan");
    return target.title;
  }

  ScanProgress look(const ScanTarget&, const std::string&, std::stop_token) override {
    return {.ended = true, .state = "ready"};
  }

  model::Assessment collect(const ScanTarget& target, const std::string&, const KeepRaw& keep_raw,
                            std::stop_token stop) override {
    return scan_sbom(access_, place_, target.sbom(), keep_raw, clock_, std::move(stop));
  }

  void clean_up(const ScanTarget&, const std::string&, std::stop_token) override {}

 private:
  InspectorPlace place_;
  InspectorAccess access_;
  Clock& clock_;
};

}  // namespace

std::unique_ptr<OutsideScanner> make_inspector_sbom_scanner(InspectorPlace place,
                                                            InspectorAccess access, Clock& clock) {
  return std::make_unique<SbomScanner>(std::move(place), std::move(access), clock);
}

}  // namespace hallmark::scan
