#include "registry/mirror.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"

namespace pinnace::registry {

namespace {

// A file from its start to its end.
class FileBody final : public net::Body {
 public:
  FileBody(int fd, std::uint64_t size) : fd_(fd), left_(size) {}
  ~FileBody() override { ::close(fd_); }
  Read read(std::span<char> buffer) override {
    if (left_ == 0) return {0, State::kEnd};
    const ssize_t n = ::read(fd_, buffer.data(), std::min<std::uint64_t>(buffer.size(), left_));
    if (n <= 0) return {0, State::kFailed};
    left_ -= static_cast<std::uint64_t>(n);
    return {static_cast<std::size_t>(n), left_ == 0 ? State::kEnd : State::kMore};
  }

 private:
  int fd_;
  std::uint64_t left_;
};

void refuse(net::Exchange& exchange, int status, std::string_view code, std::string_view message) {
  net::Headers headers;
  headers.set("content-type", "application/json");
  exchange.respond(status, std::move(headers),
                   "{\"errors\":[{\"code\":\"" + std::string(code) + "\",\"message\":\"" +
                       std::string(message) + "\"}]}");
}

void send_blob(net::Exchange& exchange, bool head_only, const std::string& path,
               const Descriptor& descriptor) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd < 0 || fstat(fd, &status) != 0) {
    if (fd >= 0) ::close(fd);
    refuse(exchange, 404, "BLOB_UNKNOWN", "blob unknown to registry");
    return;
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  net::Headers headers;
  headers.set("content-type", descriptor.media_type);
  headers.set("docker-content-digest", descriptor.digest);
  headers.set("content-length", std::to_string(size));
  auto body = std::make_unique<FileBody>(fd, head_only ? 0 : size);
  exchange.stream(200, std::move(headers), std::move(body));
}

// The value of one query parameter, or "".
std::string parameter(std::string_view query, std::string_view name) {
  for (const auto pair : split(query, '&')) {
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) == name && equals != std::string_view::npos) {
      return query_decode(pair.substr(equals + 1)).value_or("");
    }
  }
  return "";
}

}  // namespace

void Mirror::handle(net::Request request, std::shared_ptr<net::Exchange> exchange) {
  if (request.method != "GET" && request.method != "HEAD") {
    return refuse(*exchange, 405, "UNSUPPORTED", "this registry is read-only");
  }
  const bool head_only = request.method == "HEAD";
  std::string_view path = request.path;
  if (path == "/v2" || path == "/v2/") {
    net::Headers headers;
    headers.set("docker-distribution-api-version", "registry/2.0");
    return exchange->respond(200, std::move(headers), "{}");
  }
  if (!path.starts_with("/v2/")) return refuse(*exchange, 404, "NAME_UNKNOWN", "no such path");
  path.remove_prefix(4);
  const auto manifests = path.rfind("/manifests/"), blobs = path.rfind("/blobs/");
  if (blobs != std::string_view::npos) {
    const std::string digest(path.substr(blobs + 7));
    if (!is_digest(digest)) return refuse(*exchange, 400, "DIGEST_INVALID", "invalid digest");
    return send_blob(*exchange, head_only, store_.blob_path(digest),
                     {digest, "application/octet-stream", 0});
  }
  if (manifests == std::string_view::npos) {
    return refuse(*exchange, 404, "NAME_UNKNOWN", "no such path");
  }
  std::string domain = parameter(request.query, "ns");
  if (domain.empty()) domain = "docker.io";
  const std::string_view wanted = path.substr(manifests + 11);
  const auto reference = parse_reference(domain + '/' + std::string(path.substr(0, manifests)) +
                                         (is_digest(wanted) ? '@' : ':') + std::string(wanted));
  if (!reference) return refuse(*exchange, 400, "NAME_INVALID", "invalid image name");
  const auto descriptor = store_.resolve(*reference);
  if (!descriptor) return refuse(*exchange, 404, "MANIFEST_UNKNOWN", "manifest unknown");
  send_blob(*exchange, head_only, store_.blob_path(descriptor->digest), *descriptor);
}

}  // namespace pinnace::registry
