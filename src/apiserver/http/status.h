// Turns an Error into the metav1.Status that clients read; the only place that does.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/http/media.h"
#include "base/error.h"

namespace pinnace::apiserver {

// `next`: where a client may go on with a list that it cannot have as it wanted.
std::string status_json(const Error& error, std::string_view next = {});
// "Status": "Success" for something that was deleted.
std::string success_json(std::string_view group, std::string_view resource, std::string_view name,
                         std::string_view uid);
// The same of something that was done and has left nothing to show.
inline std::string created_json() {
  return R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201})"
         "\n";
}

// A Status's JSON in the media that was asked for.
struct EncodedStatus {
  std::string content_type, bytes;
};
EncodedStatus encode_status(std::string json, const Output& output);

}  // namespace pinnace::apiserver
