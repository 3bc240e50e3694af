// Reads what an unpacked archive or an OCI layout directory holds.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "registry/image_store.h"

namespace pinnace::registry {

// A file that becomes a blob; `contents` is used when `path` is empty.
struct BlobSource {
  std::string digest;
  std::string path;
  std::string contents;
};

struct Layout {
  std::vector<BlobSource> blobs;
  std::vector<std::pair<Reference, Descriptor>> images;
};

// An OCI layout (index.json), else a docker archive (manifest.json). Images without a name are left
// out; having none with a name is an error. Every digest has been checked.
Result<Layout> read_layout(const std::string& directory);

// The digests that a manifest or index names, with their media types.
Result<std::vector<Descriptor>> manifest_references(std::string_view json);

// Media types of manifests and indexes, OCI's and docker's.
bool is_manifest_type(std::string_view media_type);

}  // namespace pinnace::registry
