// User is who sent a request, once that is proven.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinnace::apiserver {

struct User {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
  // What there is to say of the credentials: annotations for the audit log, and a warning for the
  // client; empty: none.
  std::vector<std::pair<std::string, std::string>> notes;
  std::string warning;

  bool in_group(std::string_view group) const {
    for (const auto& own : groups) {
      if (own == group) return true;
    }
    return false;
  }
};

inline constexpr char kMasters[] = "system:masters";
inline constexpr char kAuthenticated[] = "system:authenticated";
inline constexpr char kUnauthenticated[] = "system:unauthenticated";
inline constexpr char kAnonymous[] = "system:anonymous";
inline constexpr char kServiceAccountPrefix[] = "system:serviceaccount:";

}  // namespace pinnace::apiserver
