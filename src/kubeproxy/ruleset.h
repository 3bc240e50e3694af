// Ruleset is the wanted content of our nftables table, and writes the commands that get there.
//
//   ruleset.set("service/default/web", plan_service(...));
//   nft.run(ruleset.changes()) ? ruleset.applied() : nft.run(ruleset.whole())
//
// Why: changes cost what changed; the whole is for the start and after any doubt.
// Threads: one at a time; no effects.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "kubeproxy/plan.h"

namespace pinnace::kubeproxy {

class Ruleset {
 public:
  explicit Ruleset(Facts facts) : facts_(std::move(facts)) {}

  // What `owner` needs from now on; an empty fragment: nothing any more.
  void set(const std::string& owner, Fragment fragment);

  // One transaction from what was last applied to what is wanted; empty: nothing to do.
  std::string changes() const;
  // One transaction from whatever there is to what is wanted.
  std::string whole() const;
  // The last text was carried out.
  void applied();

  // Removes the table; harmless when it is not there.
  static std::string removal(const std::string& table);

  std::map<LocalPort, io::InetAddress> local_ports() const;
  const std::set<UdpTarget>& udp_targets() const { return wanted_.udp_targets; }

 private:
  using ElementId = std::pair<std::string, std::string>;
  void erase(const std::string& owner);
  static std::string base(const Facts& facts);

  Facts facts_;
  std::map<std::string, Fragment> fragments_;
  // When two owners want one element, such as the same externalIP, the first in name order has it.
  std::map<ElementId, std::map<std::string, std::string>> claims_;
  std::map<UdpTarget, int> udp_counts_;
  Fragment wanted_;  // All fragments together.
  // What differs from the applied state, with the applied value; no value: it was not there.
  std::map<ElementId, std::optional<std::string>> touched_elements_;
  std::map<std::string, std::optional<std::vector<std::string>>> touched_chains_;
  std::map<std::string, std::optional<std::int32_t>> touched_sets_;
};

}  // namespace pinnace::kubeproxy
