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

constexpr std::string_view kAccepted =
    "application/json, application/yaml, application/vnd.kubernetes.protobuf";
constexpr std::string_view kAcceptedOfLists =
    ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

struct Entry {
  Output output;
  int wanted = 0;  // 1 to 1000; 0: it cannot be had.
  int wildcards = 0;
};

bool read_type(std::string_view type, Entry& entry) {
  Media& media = entry.output.media;
  if (type == "*/*" || type == "application/*") {
    entry.wildcards = type == "*/*" ? 2 : 1;
  } else if (type == "application/yaml") {
    media = Media::kYaml;
  } else if (type == kProtobuf) {
    media = Media::kProtobuf;
  } else if (type != "application/json") {
    return false;
  }
  return true;
}

bool read_shape(std::string_view as, Output& out) {
  if (as == "Table")
    out.shape = Shape::kTable;
  else if (as == "PartialObjectMetadata")
    out.shape = Shape::kPartial;
  else if (as == "PartialObjectMetadataList")
    out.shape = Shape::kPartialList;
  // A Table holds rows of any kind, which protobuf cannot say.
  return out.shape != Shape::kObject &&
         !(out.shape == Shape::kTable && out.media == Media::kProtobuf);
}

Entry read_entry(std::string_view text, const Offer& offer) {
  Entry entry;
  Output& out = entry.output;
  std::string_view as, group, version;
  int wanted = 1000;
  const std::string_view type = take_apart(text, [&](std::string_view key, std::string_view value) {
    if (key == "as") as = value;
    if (key == "g") group = value;
    if (key == "v") version = value;
    if (key == "q") wanted = quality(value);
    if (key == "pretty") out.pretty = value == "1";
  });
  if (!read_type(type, entry)) return entry;
  const bool is_plain = as.empty() && group.empty() && version.empty();
  if (is_plain) {
    if (offer.protobuf || out.media != Media::kProtobuf) entry.wanted = wanted;
    return entry;
  }
  if (!offer.shapes || group != "meta.k8s.io" || (version != "v1" && version != "v1beta1") ||
      !read_shape(as, out)) {
    return entry;
  }
  out.shape_version = version == "v1" ? "v1" : "v1beta1";
  entry.wanted = wanted;
  return entry;
}

// Whether Kubernetes' router lets the entries pass: it looks at no parameters, and knows no
// "application/*".
bool passes_router(std::string_view accept) {
  for (const std::string_view text : split(accept, ',')) {
    const std::string_view type = trim(split(text, ';')[0]);
    Entry entry;
    if (type != "application/*" && read_type(type, entry)) return true;
  }
  return false;
}

}  // namespace

Result<Output> negotiate(std::string_view accept, const Offer& offer) {
  if (trim(accept).empty()) return Output{};
  if (offer.is_built_in && !passes_router(accept)) {
    return errors::unrouted(
        406, "406: Not Acceptable\n\nAvailable representations: " + std::string(kAccepted) +
                 std::string(offer.is_list ? kAcceptedOfLists : ""));
  }
  Entry best;
  for (const std::string_view text : split(accept, ',')) {
    Entry entry = read_entry(trim(text), offer);
    const bool is_better =
        entry.wanted > best.wanted ||
        (entry.wanted != 0 && entry.wanted == best.wanted && entry.wildcards < best.wildcards);
    if (is_better) best = std::move(entry);
  }
  if (best.wanted > 0) return best.output;
  return errors::not_acceptable("only the following media types are accepted: " +
                                std::string(kAccepted));
}

bool is_laid_out(const Query& query, std::string_view user_agent) {
  static constexpr std::string_view kYes[] = {"1", "t", "T", "true", "TRUE", "True"};
  if (const std::string_view said = query.get("pretty"); !said.empty()) {
    return std::ranges::find(kYes, said) != std::end(kYes);
  }
  return user_agent.starts_with("curl") || user_agent.starts_with("Wget") ||
         user_agent.starts_with("Mozilla/5.0");
}

bool is_media_type(std::string_view content_type, std::string_view media_type) {
  return equal_ignoring_case(trim(content_type.substr(0, content_type.find(';'))), media_type);
}

Result<Media> body_media(std::string_view content_type) {
  const auto is = [content_type](std::string_view type) {
    return is_media_type(content_type, type);
  };
  if (is("") || is("application/json")) return Media::kJson;
  if (is("application/yaml")) return Media::kYaml;
  if (is(kProtobuf)) return Media::kProtobuf;
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
