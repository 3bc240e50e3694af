// ImageStore keeps the images that were loaded on this machine: blobs by digest, and names for
// them.
//
// Shape: DIRECTORY/blobs/sha256/HEX and DIRECTORY/names.json. A blob is written whole, checked
//   against its digest and renamed into place, so that a crash leaves no half of one.
// Threads: any. One process at a time changes the directory (a lock file sees to that); `resolve`
//   reads names.json anew when it has changed, so a mirror sees what another process loaded.
// Errors: 400 for an archive or name that is wrong, 404 for an image that is not there.
// Bounds: 4 MiB for a manifest or index, 10,000 files in an archive.
// Source: OCI image layout and image manifest specifications; `docker save`'s manifest.json.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "registry/reference.h"

namespace pinnace::registry {

// What a name stands for.
struct Descriptor {
  std::string digest;
  std::string media_type;
  std::uint64_t size_bytes = 0;
};

struct Image {
  Reference reference;
  Descriptor manifest;
  std::uint64_t size_bytes = 0;  // Manifest, configuration and layers together.
};

class ImageStore {
 public:
  // Makes the directory when it is not there.
  static Result<std::unique_ptr<ImageStore>> open(std::string directory);

  // Brings in an OCI archive, an OCI layout directory or a docker archive; the names it gave.
  Result<std::vector<Reference>> load(const std::string& path);
  Result<void> tag(const Reference& source, const Reference& target);
  // Takes the name away, and the blobs that no other name needs.
  Result<void> remove(const Reference& reference);
  Result<std::vector<Image>> list();

  // By tag or by digest.
  Result<Descriptor> resolve(const Reference& reference);
  std::string blob_path(std::string_view digest) const;

 private:
  using Names = std::map<std::string, Descriptor>;  // By Reference::text().
  explicit ImageStore(std::string directory) : directory_(std::move(directory)) {}
  Result<Names> read_names() const;
  Result<void> write_names(const Names& names) const;
  Result<void> sweep(const Names& names) const;
  // All digests that a manifest or index reaches, itself included.
  Result<void> reach(const Descriptor& descriptor, std::map<std::string, std::uint64_t>& found,
                     int depth = 0) const;

  const std::string directory_;
  std::mutex mutex_;
};

}  // namespace pinnace::registry
