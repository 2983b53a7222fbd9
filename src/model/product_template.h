#pragma once
/// The template of a catalog product: a CloudFormation template, JSON or YAML, in which a
/// placeholder stands for the image.

#include <string>
#include <string_view>
#include <vector>

#include "model/yaml_document.h"

namespace hallmark::model {

/// Stands for the name of the parameter, such as /GoldenAMI/Debian-12/web-1/1.0, that holds the
/// image's id wherever a version is launched.
inline constexpr std::string_view kImagePlaceholder = "AMI_ID_TO_REPLACE";
/// The type of a template's parameter that takes such a name and gives an image's id.
inline constexpr std::string_view kImageParameterType =
    "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>";

struct ProductTemplate {
  std::string text;
  std::vector<std::string> image_parameters;  ///< those whose default is the placeholder
  std::string machine_size;                   ///< default of the parameter InstanceType
};

/// Adds a problem for everything that would keep a version made from the text from launching its
/// image: no template, no parameter with the placeholder, one of the wrong type, one that no
/// resource refers to.
ProductTemplate read_product_template(std::string_view text, std::vector<Problem>& problems);

/// The text with the name in place of each placeholder. Throws `usage` if it is no parameter name.
std::string with_image(const ProductTemplate& product_template, const std::string& image_parameter);

}  // namespace hallmark::model
