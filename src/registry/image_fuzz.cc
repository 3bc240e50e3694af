// Images of anybody: their names and manifests, and archives, of which nothing may leave the
// directory that they are unpacked into.
// Input: a byte that chooses, then the text or the archive.
#include <stdlib.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/assert.h"
#include "io/files.h"
#include "registry/archive.h"
#include "registry/layout.h"
#include "registry/reference.h"

namespace {

using namespace pinnace;
using namespace pinnace::registry;

// Made for one run, and gone with it.
class Scratch {
 public:
  Scratch() { PINNACE_ASSERT(mkdtemp(path_.data()) != nullptr); }
  ~Scratch() { (void)io::remove_tree(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / "image-fuzz-XXXXXX";
};

void fuzz_archive(std::string_view bytes) {
  static const Scratch made;
  const std::string& scratch = made.path();
  const std::string archive = scratch + "/archive.tar", target = scratch + "/target";
  PINNACE_ASSERT(io::write_file(archive, bytes).has_value());
  PINNACE_ASSERT(io::make_directories(target).has_value());
  if (unpack(archive, target)) (void)read_layout(target);
  PINNACE_ASSERT(io::remove_tree(target).has_value());
  PINNACE_ASSERT(io::list_directory(scratch)->size() == 1);
  PINNACE_ASSERT(io::remove_tree(archive).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      if (const auto name = parse_reference(bytes)) {
        const auto again = parse_reference(name->text());
        PINNACE_ASSERT(again && *again == *name);
        const auto familiar = parse_reference(name->familiar());
        PINNACE_ASSERT(familiar && *familiar == *name);
      }
      break;
    case 1:
      (void)manifest_references(bytes);
      break;
    default:
      fuzz_archive(bytes);
  }
  return 0;
}
