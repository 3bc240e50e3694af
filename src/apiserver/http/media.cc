#include "apiserver/http/media.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

// "a/b;x=y" into the type and, one by one, its parameters.
template <typename Visit>
std::string_view take_apart(std::string_view entry, Visit visit) {
  const auto parts = split(entry, ';');
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string_view part = trim(parts[i]);
    const auto equals = part.find('=');
    if (equals != std::string_view::npos) visit(part.substr(0, equals), part.substr(equals + 1));
  }
  return trim(parts[0]);
}

// "0.8" as thousandths; what is no such number counts as 1.
int quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 1000;
  int thousandths = text[0] == '1' ? 1000 : 0;
  if (text.size() > 1 && text[1] != '.') return 1000;
  for (std::size_t i = 2, weight = 100; i < text.size(); ++i, weight /= 10) {
    if (text[i] < '0' || text[i] > '9') return 1000;
    thousandths += (text[i] - '0') * static_cast<int>(weight);
  }
  return std::min(thousandths, 1000);
}

// What the entry asks for and how much (1 to 1000); 0 where it cannot be had.
int read_entry(std::string_view entry, bool allow_shapes, Output& out) {
  std::string_view as, group, version;
  int wanted = 1000;
  const std::string_view type =
      take_apart(entry, [&](std::string_view key, std::string_view value) {
        if (key == "as") as = value;
        if (key == "g") group = value;
        if (key == "v") version = value;
        if (key == "q") wanted = quality(value);
      });
  if (type == "*/*" || type == "application/*" || type == "application/json") {
    out.media = Media::kJson;
  } else if (type == "application/yaml" || type == "text/yaml") {
    out.media = Media::kYaml;
  } else if (type == kProtobuf) {
    out.media = Media::kProtobuf;
  } else {
    return 0;
  }
  if (as.empty()) return wanted;
  if (!allow_shapes || group != "meta.k8s.io" || (version != "v1" && version != "v1beta1")) {
    return 0;
  }
  out.shape_version = version == "v1" ? "v1" : "v1beta1";
  if (as == "Table")
    out.shape = Shape::kTable;
  else if (as == "PartialObjectMetadata")
    out.shape = Shape::kPartial;
  else if (as == "PartialObjectMetadataList")
    out.shape = Shape::kPartialList;
  else
    return 0;
  // A Table holds rows of any kind, which protobuf cannot say.
  if (out.shape == Shape::kTable && out.media == Media::kProtobuf) return 0;
  return wanted;
}

}  // namespace

Result<Output> negotiate(std::string_view accept, bool allow_shapes, bool has_protobuf) {
  if (trim(accept).empty()) return Output{};
  Output best;
  int best_quality = 0;
  for (const std::string_view entry : split(accept, ',')) {
    Output out;
    const int wanted = read_entry(trim(entry), allow_shapes, out);
    if (!has_protobuf && out.media == Media::kProtobuf && out.shape == Shape::kObject) continue;
    if (wanted > best_quality) {
      best = std::move(out);
      best_quality = wanted;
    }
  }
  if (best_quality > 0) return best;
  return errors::not_acceptable(
      "only the following media types are accepted: application/json, application/yaml" +
      std::string(has_protobuf ? ", application/vnd.kubernetes.protobuf" : ""));
}

Result<Media> body_media(std::string_view content_type) {
  const std::string type = to_lower(trim(split(content_type, ';')[0]));
  if (type.empty() || type == "application/json") return Media::kJson;
  if (type == "application/yaml" || type == "text/yaml") return Media::kYaml;
  if (type == kProtobuf) return Media::kProtobuf;
  return errors::unsupported_media_type(
      "the body of the request was in an unknown format - accepted media types include: "
      "application/json, application/yaml, application/vnd.kubernetes.protobuf");
}

std::string content_type_of(Media media, bool is_watch) {
  if (media == Media::kYaml) return "application/yaml";
  if (media == Media::kJson) return "application/json";
  return std::string(kProtobuf) + (is_watch ? ";stream=watch" : "");
}

}  // namespace pinnace::apiserver
