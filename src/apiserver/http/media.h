// What form an answer takes, read from Accept; and what form a body has, from Content-Type.
//
// Source: kubernetes.io/docs/reference/using-api/api-concepts, "Alternate representations".
#pragma once

#include <string>
#include <string_view>

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

// The acceptable entry of an Accept header that is wanted most, the first of several; 406 when
// there is none. `allow_shapes`: Table and partial metadata may be had here; `has_protobuf`: whole
// objects in protobuf, too.
Result<Output> negotiate(std::string_view accept, bool allow_shapes, bool has_protobuf = true);

// 415 for what is no object's form. An empty type is JSON.
Result<Media> body_media(std::string_view content_type);

std::string content_type_of(Media media, bool is_watch);

}  // namespace pinnace::apiserver
