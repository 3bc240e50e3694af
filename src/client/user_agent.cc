#include "client/user_agent.h"

namespace pinnace::client {
namespace {

constexpr std::string_view kSystem = "system:";
constexpr std::string_view kNode = "node:";

}  // namespace

std::string user_agent_of(std::string_view user) {
  if (!user.starts_with(kSystem)) return "pinnace";
  const std::string_view name = user.substr(kSystem.size());
  return std::string(name.starts_with(kNode) ? "kubelet" : name) + "/pinnace";
}

}  // namespace pinnace::client
