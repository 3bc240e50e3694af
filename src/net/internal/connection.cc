#include "net/internal/connection.h"

#include <cstdio>
#include <ctime>

namespace pinnace::net::internal {

const std::string& http_date(WallTime now) {
  thread_local std::string text;
  thread_local std::int64_t made_for = -1;
  auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (second == made_for) return text;
  made_for = second;
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::time_t time = second;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%s, %02d %s %d %02d:%02d:%02d GMT", kDays[parts.tm_wday],
                parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour,
                parts.tm_min, parts.tm_sec);
  text = buffer;
  return text;
}

const char* reason_phrase(int status) {
  static constexpr struct {
    int status;
    const char* phrase;
  } kPhrases[] = {
      {100, "Continue"},
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {413, "Request Entity Too Large"},
      {415, "Unsupported Media Type"},
      {422, "Unprocessable Entity"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  for (const auto& entry : kPhrases)
    if (entry.status == status) return entry.phrase;
  return "Status";
}

ErrorBody make_error_body(const ServerOptions& options, int status, std::string_view message) {
  if (options.error_body) return options.error_body(status, message);
  return {"text/plain; charset=utf-8", std::string(message) + "\n"};
}

std::string too_large_body(const ServerOptions& options) {
  return "Request entity too large: limit is " + std::to_string(options.max_body_bytes);
}

}  // namespace pinnace::net::internal
