#pragma once
/// Archives of the embedded cloud: a bucket is a directory, an archived image a compressed qcow2
/// that leans on nothing and a JSON sidecar beside it, which is written last.

#include <memory>

#include "cloud/image_services.h"
#include "cloud/libvirt/libvirt_cloud.h"

namespace hallmark::cloud {

/// Of the same images as make_libvirt_cloud(). Of image services it has archives alone. A bucket is
/// an absolute path; it is made if missing.
std::shared_ptr<ImageServices> make_libvirt_image_services(const LibvirtCloudConfig& config,
                                                           Clock& clock);

}  // namespace hallmark::cloud
