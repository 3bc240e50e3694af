#include "registry/layout.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "api/json.h"
#include "api/value.h"
#include "registry/digest.h"

namespace pinnace::registry {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxManifestBytes = 4 << 20;
constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kOciConfig = "application/vnd.oci.image.config.v1+json";
constexpr std::string_view kOciLayer = "application/vnd.oci.image.layer.v1.tar";
constexpr std::string_view kOciGzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip";

Result<std::string> read_small_file(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return errors::bad_request("cannot read " + path.string() + ": " + error.message());
  if (size > kMaxManifestBytes) {
    return errors::bad_request(path.string() + " is larger than 4 MiB, which no manifest is");
  }
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Descriptor to_descriptor(const api::Value& value) {
  return {std::string(value.string_at("digest")), std::string(value.string_at("mediaType")),
          static_cast<std::uint64_t>(value.int_at("size"))};
}

// The name that `docker save`, `ctr export` or a build left on an index entry; "" for none.
std::string entry_name(const api::Value& entry) {
  const api::Value* annotations = entry.find("annotations");
  if (!annotations) return "";
  const auto full = annotations->string_at("io.containerd.image.name");
  if (!full.empty()) return std::string(full);
  const auto name = annotations->string_at("org.opencontainers.image.ref.name");
  return name.find('/') == std::string_view::npos && name.find(':') == std::string_view::npos
             ? ""
             : std::string(name);
}

Result<Layout> read_oci(const fs::path& directory, const api::Value& index) {
  Layout layout;
  const api::Value* manifests = index.find("manifests");
  if (!manifests || !manifests->is_array()) {
    return errors::bad_request("index.json has no list \"manifests\"");
  }
  for (const auto& entry : manifests->items()) {
    const std::string name = entry_name(entry);
    if (name.empty()) continue;
    auto reference = parse_reference(name);
    if (!reference) return std::unexpected(std::move(reference.error()));
    layout.images.emplace_back(std::move(*reference), to_descriptor(entry));
  }
  std::error_code error;
  for (const auto& file : fs::directory_iterator(directory / "blobs" / "sha256", error)) {
    auto digest = digest_of_file(file.path());
    if (!digest) return std::unexpected(std::move(digest.error()));
    if (digest->digest != "sha256:" + file.path().filename().string()) {
      return errors::bad_request("blob " + file.path().filename().string() +
                                 " does not have the digest that its name says");
    }
    layout.blobs.push_back({digest->digest, file.path(), ""});
  }
  if (error) return errors::bad_request("the layout has no blobs/sha256: " + error.message());
  return layout;
}

bool is_gzip(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return file.get() == 0x1f && file.get() == 0x8b;
}

// Adds a file of a docker archive as a blob and gives the descriptor for it as JSON.
Result<api::Value> add_file(api::Arena& arena, Layout& layout, const fs::path& path,
                            std::string_view media_type) {
  auto digest = digest_of_file(path);
  if (!digest) return std::unexpected(std::move(digest.error()));
  api::Value value = api::Value::object();
  value.set(arena, "mediaType", api::Value::string(arena, media_type));
  value.set(arena, "digest", api::Value::string(arena, digest->digest));
  value.set(arena, "size", api::Value::integer(static_cast<std::int64_t>(digest->size_bytes)));
  layout.blobs.push_back({digest->digest, path, ""});
  return value;
}

// A docker archive has no manifest of the registry's kind: it is made from the list of its files.
Result<void> read_docker_image(const fs::path& directory, const api::Value& image, Layout& layout) {
  const auto inside = [&](std::string_view name) -> Result<fs::path> {
    const fs::path plain = fs::path(name).lexically_normal();
    if (plain.is_absolute() || plain.native().starts_with("..")) {
      return errors::bad_request("manifest.json names a file outside of the archive");
    }
    return directory / plain;
  };
  api::Arena arena;
  auto config_path = inside(image.string_at("Config"));
  if (!config_path) return std::unexpected(std::move(config_path.error()));
  auto config = add_file(arena, layout, *config_path, kOciConfig);
  if (!config) return std::unexpected(std::move(config.error()));
  api::Value layers = api::Value::array();
  const api::Value* names = image.find("Layers");
  if (!names || !names->is_array()) {
    return errors::bad_request("manifest.json has an image without \"Layers\"");
  }
  for (const auto& name : names->items()) {
    auto path = inside(name.is_string() ? name.as_string() : "");
    if (!path) return std::unexpected(std::move(path.error()));
    auto layer = add_file(arena, layout, *path, is_gzip(*path) ? kOciGzipLayer : kOciLayer);
    if (!layer) return std::unexpected(std::move(layer.error()));
    layers.append(arena, *layer);
  }
  api::Value manifest = api::Value::object();
  manifest.set(arena, "schemaVersion", api::Value::integer(2));
  manifest.set(arena, "mediaType", api::Value::string_ref(kOciManifest));
  manifest.set(arena, "config", *config);
  manifest.set(arena, "layers", layers);
  BlobSource blob{"", "", api::to_json_text(manifest)};
  blob.digest = digest_of(blob.contents);
  const Descriptor descriptor{blob.digest, std::string(kOciManifest), blob.contents.size()};
  layout.blobs.push_back(std::move(blob));
  if (const api::Value* tags = image.find("RepoTags"); tags && tags->is_array()) {
    for (const auto& tag : tags->items()) {
      auto reference = parse_reference(tag.is_string() ? tag.as_string() : "");
      if (!reference) return std::unexpected(std::move(reference.error()));
      layout.images.emplace_back(std::move(*reference), descriptor);
    }
  }
  return {};
}

}  // namespace

bool is_manifest_type(std::string_view media_type) {
  return media_type == kOciManifest || media_type == "application/vnd.oci.image.index.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.v2+json" ||
         media_type == "application/vnd.docker.distribution.manifest.list.v2+json";
}

Result<std::vector<Descriptor>> manifest_references(std::string_view json) {
  api::Arena arena;
  auto manifest = api::parse_json(arena, json);
  if (!manifest) return std::unexpected(std::move(manifest.error()));
  std::vector<Descriptor> found;
  if (const api::Value* config = manifest->find("config")) found.push_back(to_descriptor(*config));
  for (const std::string_view list : {"layers", "manifests"}) {
    const api::Value* entries = manifest->find(list);
    if (!entries || !entries->is_array()) continue;
    for (const auto& entry : entries->items()) found.push_back(to_descriptor(entry));
  }
  return found;
}

Result<Layout> read_layout(const std::string& directory) {
  const fs::path root(directory);
  std::error_code error;
  const bool is_oci = fs::exists(root / "index.json", error);
  if (!is_oci && !fs::exists(root / "manifest.json", error)) {
    return errors::bad_request(
        "neither index.json (OCI) nor manifest.json (docker) is there: not an image");
  }
  auto text = read_small_file(root / (is_oci ? "index.json" : "manifest.json"));
  if (!text) return std::unexpected(std::move(text.error()));
  api::Arena arena;
  auto parsed = api::parse_json(arena, *text);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  Layout layout;
  if (is_oci) {
    auto oci = read_oci(root, *parsed);
    if (!oci) return oci;
    layout = std::move(*oci);
  } else {
    if (!parsed->is_array()) return errors::bad_request("manifest.json is not a list");
    for (const auto& image : parsed->items()) {
      auto read = read_docker_image(root, image, layout);
      if (!read) return std::unexpected(std::move(read.error()));
    }
  }
  if (layout.images.empty()) {
    return errors::bad_request("no image in it has a name: tag it before you save it");
  }
  return layout;
}

}  // namespace pinnace::registry
