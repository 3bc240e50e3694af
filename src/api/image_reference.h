// Names of container images: "registry/path:tag@digest".
//
// Source: github.com/distribution/reference.
#pragma once

#include <optional>
#include <string_view>

namespace pinnace::api {

// The tag that is meant: "latest" where the image names neither a tag nor a digest, "" where it
// names a digest alone. Nothing where it is no name of an image.
std::optional<std::string_view> image_tag(std::string_view image);

}  // namespace pinnace::api
