#include "kubeproxy/ruleset.h"

#include <optional>

namespace pinnace::kubeproxy {
namespace {

template <typename Map, typename Key>
auto value_at(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? std::optional<typename Map::mapped_type>()
                            : std::optional<typename Map::mapped_type>(found->second);
}

std::string hex(std::uint32_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[value & 0xf]);
    value >>= 4;
  } while (value != 0);
  return "0x" + text;
}

std::string set_declaration(const std::string& name, std::int32_t seconds) {
  return name + " { type ipv4_addr; flags dynamic,timeout; timeout " + std::to_string(seconds) +
         "s; }\n";
}

std::string element_text(const std::pair<std::string, std::string>& id, const std::string& value) {
  return id.second + (value.empty() ? "" : " : " + value);
}

}  // namespace

void Ruleset::erase(const std::string& owner) {
  const auto old = fragments_.find(owner);
  if (old == fragments_.end()) return;
  for (const auto& [name, rules] : old->second.chains) {
    touched_chains_.try_emplace(name, rules);
    wanted_.chains.erase(name);
  }
  for (const auto& [name, seconds] : old->second.affinity_sets) {
    touched_sets_.try_emplace(name, seconds);
    wanted_.affinity_sets.erase(name);
  }
  for (const auto& [id, value] : old->second.elements) {
    touched_elements_.try_emplace(id, value_at(wanted_.elements, id));
    auto& claims = claims_[id];
    claims.erase(owner);
    if (claims.empty()) {
      claims_.erase(id);
      wanted_.elements.erase(id);
    } else {
      wanted_.elements[id] = claims.begin()->second;
    }
  }
  for (const auto& target : old->second.udp_targets) {
    if (--udp_counts_[target] > 0) continue;
    udp_counts_.erase(target);
    wanted_.udp_targets.erase(target);
  }
  fragments_.erase(old);
}

void Ruleset::set(const std::string& owner, Fragment fragment) {
  erase(owner);
  for (const auto& [name, rules] : fragment.chains) {
    touched_chains_.try_emplace(name, std::nullopt);
    wanted_.chains[name] = rules;
  }
  for (const auto& [name, seconds] : fragment.affinity_sets) {
    touched_sets_.try_emplace(name, std::nullopt);
    wanted_.affinity_sets[name] = seconds;
  }
  for (const auto& [id, value] : fragment.elements) {
    touched_elements_.try_emplace(id, value_at(wanted_.elements, id));
    auto& claims = claims_[id];
    claims[owner] = value;
    wanted_.elements[id] = claims.begin()->second;
  }
  for (const auto& target : fragment.udp_targets) {
    if (++udp_counts_[target] == 1) wanted_.udp_targets.insert(target);
  }
  if (!(fragment == Fragment{})) fragments_[owner] = std::move(fragment);
}

void Ruleset::applied() {
  touched_elements_.clear();
  touched_chains_.clear();
  touched_sets_.clear();
}

// Order within the transaction: nothing may be removed while something refers to it, nor be
// referred to before it is there.
std::string Ruleset::changes() const {
  const std::string table = " ip " + facts_.table + ' ';
  std::string gone, sets, chains, rules, added, unused_chains, unused_sets;
  for (const auto& [id, before] : touched_elements_) {
    const auto now = value_at(wanted_.elements, id);
    if (now == before) continue;
    if (before) {
      gone += "delete element" + table + id.first + " { " + element_text(id, *before) + " }\n";
    }
    if (now) added += "add element" + table + id.first + " { " + element_text(id, *now) + " }\n";
  }
  for (const auto& [name, before] : touched_sets_) {
    const auto now = value_at(wanted_.affinity_sets, name);
    if (now == before) continue;
    // A set's timeout cannot be changed: its clients are forgotten once, with the set.
    if (before) unused_sets += "delete set" + table + name + '\n';
    if (now && !before) sets += "add set" + table + set_declaration(name, *now);
    if (now && before) unused_sets += "add set" + table + set_declaration(name, *now);
  }
  std::string rebuilt;  // Rules that can only be added once their sets were replaced.
  for (const auto& [name, before] : touched_chains_) {
    const auto now = value_at(wanted_.chains, name);
    if (now == before && unused_sets.empty()) continue;
    if (before) (now ? chains : unused_chains) += "flush chain" + table + name + '\n';
    if (!now) continue;
    if (!before) chains += "add chain" + table + name + '\n';
    for (const auto& rule : *now) {
      (unused_sets.empty() ? rules : rebuilt) += "add rule" + table + name + ' ' + rule + '\n';
    }
  }
  for (const auto& [name, before] : touched_chains_) {
    if (before && !wanted_.chains.contains(name)) {
      unused_chains += "delete chain" + table + name + '\n';
    }
  }
  return gone + sets + chains + rules + (unused_sets.empty() ? added : std::string()) +
         unused_chains + unused_sets + rebuilt + (unused_sets.empty() ? std::string() : added);
}

std::string Ruleset::removal(const std::string& table) {
  return "add table ip " + table + "\ndelete table ip " + table + '\n';
}

std::string Ruleset::base(const Facts& facts) {
  const std::string mark = hex(facts.masquerade_mark);
  const std::string pods = facts.pod_cidr.text();
  const std::string services = facts.service_cidr.text();
  return R"(
  map services { type ipv4_addr . inet_proto . inet_service : verdict; }
  map node-ports { type inet_proto . inet_service : verdict; }
  set refused { type ipv4_addr . inet_proto . inet_service; }
  set refused-node-ports { type inet_proto . inet_service; }
  set hairpin { type ipv4_addr . ipv4_addr; }
  chain mark-masquerade { meta mark set meta mark or )" +
         mark + R"(; }
  chain look-up {
    ip daddr )" +
         services + " ip saddr != " + pods + R"( jump mark-masquerade
    ip daddr . meta l4proto . th dport vmap @services
    ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @node-ports
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump look-up
  }
  chain output {
    type nat hook output priority -100; policy accept;
    jump look-up
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & )" +
         mark + " == " + mark + R"( masquerade
    ct status dnat ip saddr . ip daddr @hairpin masquerade
    ip saddr )" +
         pods + " ip daddr != { " + pods + R"(, 224.0.0.0/4 } masquerade
  }
  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject
  }
  chain check-services {
    ct state established,related return
    ip daddr . meta l4proto . th dport @refused goto refuse
    ip daddr )" +
         services + R"( fib daddr type != local goto refuse
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    jump check-services
  }
  chain filter-output {
    type filter hook output priority filter; policy accept;
    jump check-services
  }
  chain input {
    type filter hook input priority filter; policy accept;
    ct state new fib daddr type local meta l4proto . th dport @refused-node-ports goto refuse
    ct state new ip daddr . meta l4proto . th dport @refused goto refuse
  }
)";
}

std::string Ruleset::whole() const {
  std::string text = removal(facts_.table) + "table ip " + facts_.table + " {" + base(facts_);
  for (const auto& [name, seconds] : wanted_.affinity_sets) {
    text += "  set " + set_declaration(name, seconds);
  }
  // All chains before the first rule that goes to one.
  for (const auto& [name, rules] : wanted_.chains) text += "  chain " + name + " { }\n";
  text += "}\n";
  if (!wanted_.chains.empty()) {
    text += "table ip " + facts_.table + " {\n";
    for (const auto& [name, rules] : wanted_.chains) {
      text += "  chain " + name + " {\n";
      for (const auto& rule : rules) text += "    " + rule + '\n';
      text += "  }\n";
    }
    text += "}\n";
  }
  std::map<std::string, std::string> elements;  // by set
  for (const auto& [id, value] : wanted_.elements) {
    auto& list = elements[id.first];
    list += (list.empty() ? "" : ", ") + element_text(id, value);
  }
  for (const auto& [set_name, list] : elements) {
    text += "add element ip " + facts_.table + ' ' + set_name + " { " + list + " }\n";
  }
  return text;
}

std::map<LocalPort, io::InetAddress> Ruleset::local_ports() const {
  std::map<LocalPort, io::InetAddress> all;
  for (const auto& [owner, fragment] : fragments_) {
    all.insert(fragment.local_ports.begin(), fragment.local_ports.end());
  }
  return all;
}

}  // namespace pinnace::kubeproxy
