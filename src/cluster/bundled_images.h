// The images that come with the program: brought into a cluster's store when they are new or have
// changed.
#pragma once

#include "cluster/command_line.h"
#include "cluster/settings.h"

namespace pinnace::cluster {

// `--images DIR`, for the commands that start a node.
Option images_option();

// Loads DIR/*.tar, by default of images/ beside the program; what was loaded already costs a look
// at its time. 400 where there are none and the cluster has no pause image either. Does nothing for
// a cluster whose runtime is another's.
Result<void> load_bundled_images(const Settings& settings, const Arguments& arguments);

}  // namespace pinnace::cluster
