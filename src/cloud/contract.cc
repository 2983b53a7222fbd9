#include "cloud/contract.h"

#include <fmt/format.h>

namespace hallmark::cloud {

// An implementation may instantiate the suite under a label of its own, in a binary of its own.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CloudContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CloudMachineContract);

void CloudContractBase::SetUp() {
  const ContractFactory& factory = GetParam();
  if (std::string why = factory.why_not ? factory.why_not() : ""; !why.empty()) GTEST_SKIP() << why;
  setup_ = factory.make();
  cloud_ = setup_.open();
}

CloudContractBase::~CloudContractBase() {
  cloud_.reset();
  setup_.open = nullptr;
}

bool CloudContractBase::eventually(const std::function<bool()>& condition) {
  for (int look = 0; look < setup_.looks; ++look) {
    if (condition()) return true;
    setup_.settle();
  }
  return false;
}

void CloudContractBase::insist(const std::function<void()>& call) {
  for (int look = 1;; ++look) {
    try {
      return call();
    } catch (const Error& error) {
      bool later = error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::unavailable ||
                   error.kind() == ErrorKind::throttled;
      if (!later || look >= setup_.looks) throw;
    }
    setup_.settle();
  }
}

Image CloudContractBase::wait_available(const Place& place, const std::string& image_id) {
  std::optional<Image> image;
  bool good = eventually([&] {
    image = cloud_->find_image(place, image_id);
    if (image && image->state == ImageState::failed) {
      throw Error(ErrorKind::failed, "image {} failed: {}", image_id, image->state_reason);
    }
    return image && image->state == ImageState::available;
  });
  if (!good) {
    throw Error(ErrorKind::timeout, "image {} in {} is not available after {} looks", image_id,
                to_string(place), setup_.looks);
  }
  return *image;
}

std::string CloudContractBase::available_image(const Place& place, const std::string& name,
                                               Tags tags) {
  std::string image_id =
      cloud_->import_image(place, setup_.disk_file, spec(name, std::move(tags)), token(), stop_);
  wait_available(place, image_id);
  return image_id;
}

std::string CloudContractBase::token() { return fmt::format("contract-token-{}", ++tokens_); }

ImageSpec CloudContractBase::spec(const std::string& name, Tags tags) {
  return {.name = name, .description = "made by the contract suite", .tags = std::move(tags)};
}

std::optional<ErrorKind> error_kind_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  return std::nullopt;
}

}  // namespace hallmark::cloud
