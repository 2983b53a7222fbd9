#pragma once
/// Launch templates that get a version with a golden image. Touched are only those that a target
/// names, or that we touched before; a version is ours by what it is described as.

#include <string>
#include <vector>

#include "model/pipeline.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

/// On templates that got a version from us: "product/os". One template is for one of them.
inline constexpr const char* kTemplateTag = "hallmark:launch-template";

/// Names, sorted.
std::vector<std::string> names_of(const std::vector<model::TemplateUse>& uses);

/// What the template lacks, one sentence each. Throws what the cloud throws.
std::vector<std::string> template_problems(const Context& context, const GoldenImage& image,
                                           const cloud::Place& place, const std::string& image_id,
                                           const model::TemplateUse& use);

/// Adds the version if it is missing, and makes it the default if that is wished and no newer
/// version of the product is active there. `token`: of the step. Throws `not_found` without such a
/// template, `conflict` if it is another product's.
void bring_template(const Context& context, const GoldenImage& image, const cloud::Place& place,
                    const std::string& image_id, const model::TemplateUse& use,
                    const std::string& token);

/// Removes the image's versions. A default among them goes back to the newest other version of the
/// product that is active, else to the newest that is not ours. Fine if there is no such template;
/// throws `conflict` if nothing is left to be the default.
void withdraw_template(const Context& context, const cloud::Place& place, const std::string& name,
                       const std::string& image_key);

}  // namespace hallmark::pipeline
