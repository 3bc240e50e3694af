// Reference is the name of an image: registry, repository and tag or digest.
//
// Short names are completed as container tools do it: "hello" is "docker.io/library/hello:latest",
// "pinnace/hello:1" is "docker.io/pinnace/hello:1".
// Source: distribution/reference, "Grammar".
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace pinnace::registry {

struct Reference {
  std::string domain;      // "docker.io", "localhost:5000"
  std::string repository;  // "library/hello"
  std::string tag;         // "latest"; empty when only a digest was given
  std::string digest;      // "sha256:..."; empty when only a tag was given

  // Everything but the tag and digest.
  std::string name() const { return domain + '/' + repository; }
  // The full text: "docker.io/library/hello:latest".
  std::string text() const;
  // As people write it: without "docker.io/" and "library/".
  std::string familiar() const;
  auto operator<=>(const Reference&) const = default;
};

// 400 with what is wrong for a name that the grammar does not have.
Result<Reference> parse_reference(std::string_view text);
// "sha256:" and 64 lower-case hexadecimal digits.
bool is_digest(std::string_view text);

}  // namespace pinnace::registry
