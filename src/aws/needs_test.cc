#include "aws/needs.h"

#include <gtest/gtest.h>

#include <array>

#include "aws/codec_fixture.h"
#include "base/error.h"

namespace hallmark::aws {
namespace {

std::string complaint(std::span<const Need> needs) {
  // In the place of ec2's own: a model that knows less, as Debian's does.
  ModelLibrary models;
  models.put(fixture::model("ec2", R"("input": {"shape": "In"})",
                            R"("In": {"type": "structure", "members": {"Old": {"shape": "S"}}})",
                            "ec2"));
  try {
    require(models, needs);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.message() + "; " + error.hint();
  }
}

TEST(Needs, WhatIsThereIsNoComplaint) {
  constexpr std::array<Need, 2> kNeeds = {{{"ec2", "Act", "Old"}, {"ec2", "Act", ""}}};
  EXPECT_EQ(complaint(kNeeds), "");
}

TEST(Needs, AllThatIsMissingIsNamedWithTheWayOut) {
  constexpr std::array<Need, 4> kNeeds = {{{"ec2", "Act", "New"},
                                           {"ec2", "Act", "Old"},
                                           {"ec2", "DisableImage", ""},
                                           {"no-such-service", "Scan", "Sbom"}}};
  std::string text = complaint(kNeeds);
  EXPECT_NE(text.find("no ec2 Act.New, ec2 DisableImage, no-such-service Scan.Sbom;"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(kModelsVariable), std::string::npos) << text;
}

}  // namespace
}  // namespace hallmark::aws
