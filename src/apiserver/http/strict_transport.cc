#include "apiserver/http/strict_transport.h"

#include <algorithm>
#include <utility>

#include "apiserver/http/forwarded_exchange.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr char kHeader[] = "strict-transport-security";
constexpr std::string_view kMaxAge = "max-age=";

class StrictExchange final : public ForwardedExchange {
 public:
  StrictExchange(std::shared_ptr<net::Exchange> inner, std::string directives)
      : ForwardedExchange(std::move(inner)), directives_(std::move(directives)) {}

  void respond(int status, net::Headers headers, std::shared_ptr<const std::string> body) override {
    ForwardedExchange::respond(status, marked(std::move(headers)), std::move(body));
  }
  void stream(int status, net::Headers headers, std::unique_ptr<net::Body> body) override {
    ForwardedExchange::stream(status, marked(std::move(headers)), std::move(body));
  }

 private:
  // A server behind this one may have said so itself.
  net::Headers marked(net::Headers headers) const {
    if (headers.get(kHeader).empty()) headers.add(kHeader, directives_);
    return headers;
  }

  const std::string directives_;
};

}  // namespace

Result<void> check_transport_directives(const std::vector<std::string>& directives) {
  const auto is_known = [](std::string_view directive) {
    const bool is_age = directive.starts_with(kMaxAge) && std::ranges::count(directive, '=') == 1;
    return is_age || directive == "includeSubDomains" || directive == "preload";
  };
  if (std::ranges::all_of(directives, is_known)) return {};
  return errors::bad_request("takes max-age=SECONDS, includeSubDomains and preload");
}

std::shared_ptr<net::Exchange> with_strict_transport(std::shared_ptr<net::Exchange> exchange,
                                                     const std::vector<std::string>& directives) {
  if (directives.empty()) return exchange;
  return std::make_shared<StrictExchange>(std::move(exchange), join(directives, "; "));
}

}  // namespace pinnace::apiserver
