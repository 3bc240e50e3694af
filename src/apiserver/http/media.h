// What form an answer takes, read from Accept; and what form a body has, from Content-Type.
//
// Source: kubernetes.io/docs/reference/using-api/api-concepts, "Alternate representations".
#pragma once

#include <string>
#include <string_view>

#include "apiserver/http/query.h"
#include "base/clock.h"
#include "base/error.h"

namespace pinnace::apiserver {

enum class Media { kJson, kYaml, kProtobuf };
enum class Shape { kObject, kTable, kPartial, kPartialList };
// What stands in `object` of a Table's row.
enum class RowObject { kMetadata, kObject, kNone };

struct Output {
  Media media = Media::kJson;
  Shape shape = Shape::kObject;
  std::string_view shape_version = "v1";  // of meta.k8s.io, for Table and partial metadata; static
  bool pretty = false;
  RowObject row_object = RowObject::kMetadata;
  const Clock* clock = nullptr;  // What a Table's ages are reckoned by; set with shape kTable.
};

// What may be had at some place.
struct Offer {
  bool shapes = false;       // Table and partial metadata.
  bool protobuf = true;      // Whole objects in protobuf.
  bool is_built_in = false;  // Then Kubernetes' router looks at the media types first, and refuses
                             // in its own words what names none of them.
  bool is_list = false;      // The router names the media of watches, too.
};

// The acceptable entry of an Accept header that is wanted most: of several the most definite, and
// of these the first. 406 when there is none.
Result<Output> negotiate(std::string_view accept, const Offer& offer);

// Whether answers are laid out for people: who says so in the query, and who reads by a browser or
// a tool for the command line.
bool is_laid_out(const Query& query, std::string_view user_agent);

// Whether a Content-Type is this media type, whatever its parameters.
bool is_media_type(std::string_view content_type, std::string_view media_type);

// 415 for what is no object's form. An empty type is JSON.
Result<Media> body_media(std::string_view content_type);

std::string content_type_of(Media media, bool is_watch);

}  // namespace pinnace::apiserver
