#include "apiserver/registry/list_options.h"

#include "apiserver/registry/object_meta.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr const char* kMatch = "resourceVersionMatch";

void check_list(const Query& query, std::vector<Cause>& causes) {
  const std::string_view match = query.get(kMatch);
  const std::string_view revision = query.get("resourceVersion");
  if (!match.empty()) {
    if (revision.empty()) {
      causes.push_back(cause::forbidden(
          kMatch, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    }
    if (!query.get("continue").empty()) {
      causes.push_back(
          cause::forbidden(kMatch, "resourceVersionMatch is forbidden when continue is provided"));
    }
    if (match != "Exact" && match != "NotOlderThan") {
      causes.push_back(cause::not_supported(kMatch, quoted(match), {"Exact", "NotOlderThan", ""}));
    }
    if (match == "Exact" && revision == "0") {
      causes.push_back(cause::forbidden(
          kMatch, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
    }
  }
  if (query.has("sendInitialEvents")) {
    causes.push_back(
        cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  }
}

void check_watch(const Query& query, std::vector<Cause>& causes) {
  const std::string_view match = query.get(kMatch);
  const bool says_initial = query.has("sendInitialEvents");
  if (says_initial && match != "NotOlderThan") {
    causes.push_back(cause::forbidden(
        kMatch, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (match.empty()) return;
  if (!says_initial) {
    causes.push_back(cause::forbidden(
        kMatch,
        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
  }
  if (match != "NotOlderThan") {
    causes.push_back(cause::not_supported(kMatch, quoted(match), {"NotOlderThan"}));
  }
  if (!query.get("continue").empty()) {
    causes.push_back(
        cause::forbidden(kMatch, "resourceVersionMatch is forbidden when continue is provided"));
  }
}

// A request that names an object, in its path or in its selector, selects nothing else.
Result<void> check_name(const Call& call, const Selection& selection) {
  if (call.info.name.empty() || call.query.get("fieldSelector").empty() ||
      selection.only_name() == call.info.name) {
    return {};
  }
  return errors::bad_request("fieldSelector metadata.name doesn't match requested name");
}

}  // namespace

Result<ListOptions> read_list_options(const Call& call) {
  const Query& query = call.query;
  ListOptions options;
  const auto number = [&](const char* name) { return query_integer(query, name); };
  const auto seconds = number("timeoutSeconds");
  if (!seconds) return std::unexpected(seconds.error());
  const auto limit = number("limit");
  if (!limit) return std::unexpected(limit.error());
  options.timeout_seconds = *seconds;
  options.limit = limit->value_or(0);
  auto selection = Selection::parse(query);
  if (!selection) return std::unexpected(std::move(selection.error()));
  std::vector<Cause> causes;
  if (call.info.verb == "watch")
    check_watch(query, causes);
  else
    check_list(query, causes);
  if (!causes.empty()) return errors::invalid("ListOptions.meta.k8s.io", "", std::move(causes));
  if (auto ok = selection->check_fields(*call.resource); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  if (auto ok = check_name(call, *selection); !ok) return std::unexpected(std::move(ok.error()));
  options.selection = std::move(*selection);
  return options;
}

}  // namespace pinnace::apiserver
