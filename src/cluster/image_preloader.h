// Gives the runtime every image that was loaded, so that pull policies Never and IfNotPresent find
// it.
#pragma once

#include <string>

#include "kubelet/cri/runtime.h"
#include "registry/image_store.h"

namespace pinnace::cluster {

// Pulls through the mirror what the runtime lacks, `first` before all others. Errors are logged: a
// pod that needs the image will pull it, or say why it cannot.
void preload_images(registry::ImageStore& images, kubelet::cri::Runtime& runtime,
                    const std::string& first);

}  // namespace pinnace::cluster
