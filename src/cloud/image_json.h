#pragma once
/// An Image as JSON, for clouds that keep their own records of images.

#include "base/json.h"
#include "cloud/cloud.h"

namespace hallmark::cloud {

/// One member per field of Image, of the same name; created_at and deprecated_at
/// (if it is set) as RFC 3339.
Json image_to_json(const Image& image);
/// Throws `corrupt` if a member is missing or of another type; others are passed over.
Image image_from_json(const Json& json);

}  // namespace hallmark::cloud
