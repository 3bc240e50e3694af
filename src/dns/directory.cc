#include "dns/directory.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::dns {
namespace {

using api::core_v1::Service;
using api::discovery_v1::EndpointSlice;

// Cluster addresses hardly ever change; pods come and go, and a name that is missing now may be
// created in a moment.
constexpr std::uint32_t kServiceTtl = 30;
constexpr std::uint32_t kEndpointTtl = 5;
constexpr std::uint32_t kNegativeTtl = 5;
constexpr std::size_t kMaxAnswers = 256;
constexpr int kMaxAliases = 8;
constexpr std::string_view kReverseZone = "in-addr.arpa";
constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

bool is_headless(const Service& service) { return service.spec.cluster_ip == "None"; }

std::string service_key(const EndpointSlice& slice) {
  const auto label = slice.metadata.labels.find(kServiceNameLabel);
  if (label == slice.metadata.labels.end()) return {};
  return slice.metadata.namespace_ + '/' + label->second;
}

std::string key_of(const Service& service) {
  return service.metadata.namespace_ + '/' + service.metadata.name;
}

Record record(std::string name, Type type, std::uint32_t ttl) {
  Record made;
  made.name = std::move(name);
  made.type = type;
  made.ttl = ttl;
  return made;
}

Record address_record(std::string name, std::uint32_t ttl, io::Ipv4 address) {
  Record made = record(std::move(name), Type::kA, ttl);
  made.address = address;
  return made;
}

bool wants(const Question& question, Type type) {
  return question.type == type || question.type == Type::kAny;
}

// "_http" matches a port named "http"; "_tcp" its protocol "TCP"; "" matches all.
bool matches_label(std::string_view label, std::string_view value) {
  return label.empty() || equal_ignoring_case(label.substr(1), value);
}

std::vector<io::Ipv4> cluster_addresses(const Service& service) {
  std::vector<io::Ipv4> found;
  for (const auto& text : service.spec.cluster_ips) {
    if (const auto address = io::Ipv4::parse(text)) found.push_back(*address);
  }
  if (found.empty()) {
    if (const auto address = io::Ipv4::parse(service.spec.cluster_ip)) found.push_back(*address);
  }
  return found;
}

template <typename Each>
void each_address(const EndpointSlice& slice, Each each) {
  if (slice.address_type != "IPv4") return;
  for (const auto& endpoint : slice.endpoints) {
    for (const auto& text : endpoint.addresses) {
      if (const auto address = io::Ipv4::parse(text)) each(endpoint, *address);
    }
  }
}

template <typename Endpoint>
std::string endpoint_label(const Endpoint& endpoint, io::Ipv4 address) {
  return endpoint.hostname && !endpoint.hostname->empty() ? *endpoint.hostname : address.dashed();
}

}  // namespace

void Directory::set_service(const std::string& key, ServiceRef service) {
  ++serial_;
  if (const auto old = services_.find(key); old != services_.end()) {
    for (const auto address : cluster_addresses(*old->second)) by_cluster_ip_.erase(address.value);
    const auto count = namespaces_.find(old->second->metadata.namespace_);
    if (--count->second == 0) namespaces_.erase(count);
    services_.erase(old);
  }
  if (!service) return;
  for (const auto address : cluster_addresses(*service)) by_cluster_ip_[address.value] = key;
  ++namespaces_[service->metadata.namespace_];
  services_[key] = std::move(service);
}

void Directory::set_slice(const std::string& key, SliceRef slice) {
  ++serial_;
  if (const auto old = slices_.find(key); old != slices_.end()) {
    each_address(*old->second, [&](const auto&, io::Ipv4 address) {
      const auto users = slices_by_address_.find(address.value);
      if (users == slices_by_address_.end()) return;
      users->second.erase(key);
      if (users->second.empty()) slices_by_address_.erase(users);
    });
    const auto owner = slices_of_.find(service_key(*old->second));
    if (owner != slices_of_.end()) {
      owner->second.erase(key);
      if (owner->second.empty()) slices_of_.erase(owner);
    }
    slices_.erase(old);
  }
  if (!slice || service_key(*slice).empty()) return;
  each_address(*slice, [&](const auto&, io::Ipv4 address) {
    slices_by_address_[address.value].insert(key);
  });
  slices_of_[service_key(*slice)][key] = slice;
  slices_[key] = std::move(slice);
}

Answer Directory::resolve(const Question& question, std::size_t rotation) const {
  const std::string name = to_lower(question.name);
  if (name == zone_) return in_zone({}, question, rotation);
  if (name.ends_with('.' + zone_)) {
    const auto inside = std::string_view(name).substr(0, name.size() - zone_.size() - 1);
    return in_zone(split(inside, '.'), question, rotation);
  }
  if (name.ends_with(kReverseZone)) return reverse(name, question);
  Answer answer;
  answer.forward = true;
  return answer;
}

Answer Directory::in_zone(const Names& parts, const Question& question,
                          std::size_t rotation) const {
  if (parts.empty()) {
    if (question.type != Type::kSoa && question.type != Type::kNs) return no_data();
    Answer answer;
    answer.answers.push_back(soa());
    if (question.type == Type::kNs) {
      answer.answers.back() = record(zone_, Type::kNs, kNegativeTtl);
      answer.answers.back().target = "ns.dns." + zone_;
    }
    return answer;
  }
  if (parts.back() == "svc") return in_services(parts, question, rotation);
  if (parts.back() == "pod") return in_pods(parts, question);
  if (parts.size() == 1 && parts[0] == "dns-version") {
    if (!wants(question, Type::kTxt)) return no_data();
    Answer answer;
    answer.answers.push_back(record(question.name, Type::kTxt, kServiceTtl));
    answer.answers.back().raw =
        "\x05"
        "1.1.0";
    return answer;
  }
  return failure(Rcode::kNxDomain);
}

Answer Directory::in_services(const Names& parts, const Question& question,
                              std::size_t rotation) const {
  const std::size_t count = parts.size();
  if (count == 1) return no_data();
  const auto ns = parts[count - 2];
  if (count == 2) return namespaces_.contains(ns) ? no_data() : failure(Rcode::kNxDomain);
  const auto found = services_.find(std::string(ns) + '/' + std::string(parts[count - 3]));
  if (found == services_.end() || count > 5) return failure(Rcode::kNxDomain);
  const Service& service = *found->second;
  if (service.spec.type == "ExternalName") {
    return count == 3 ? external_name(service, question, rotation) : failure(Rcode::kNxDomain);
  }
  if (count == 3) {
    if (question.type == Type::kSrv) return service_ports(service, question, "", "");
    return service_addresses(service, question, rotation);
  }
  if (count == 5) {
    if (!parts[0].starts_with('_') || !parts[1].starts_with('_')) {
      return failure(Rcode::kNxDomain);
    }
    return service_ports(service, question, parts[0], parts[1]);
  }
  if (parts[0] == "_tcp" || parts[0] == "_udp" || parts[0] == "_sctp") return no_data();
  Answer answer;
  bool known = false;
  if (is_headless(service)) {
    for (const auto& endpoint : endpoints(found->first)) {
      if (!equal_ignoring_case(endpoint.label, parts[0])) continue;
      known = true;
      if (!wants(question, Type::kA)) continue;
      answer.answers.push_back(address_record(question.name, kEndpointTtl, endpoint.address));
    }
  }
  if (!known) return failure(Rcode::kNxDomain);
  return answer.answers.empty() ? no_data() : answer;
}

Answer Directory::service_addresses(const Service& service, const Question& question,
                                    std::size_t rotation) const {
  if (!wants(question, Type::kA)) return no_data();
  Answer answer;
  if (is_headless(service)) {
    std::set<io::Ipv4> given;
    for (const auto& endpoint : endpoints(key_of(service))) {
      if (answer.answers.size() >= kMaxAnswers || !given.insert(endpoint.address).second) continue;
      answer.answers.push_back(address_record(question.name, kEndpointTtl, endpoint.address));
    }
    if (!answer.answers.empty()) {
      std::ranges::rotate(
          answer.answers,
          answer.answers.begin() + static_cast<std::ptrdiff_t>(rotation % answer.answers.size()));
    }
  } else {
    for (const auto address : cluster_addresses(service)) {
      answer.answers.push_back(address_record(question.name, kServiceTtl, address));
    }
  }
  return answer.answers.empty() ? no_data() : answer;
}

Answer Directory::service_ports(const Service& service, const Question& question,
                                std::string_view port, std::string_view protocol) const {
  Answer answer;
  if (is_headless(service)) {
    add_headless_ports(service, question, port, protocol, answer);
  } else {
    for (const auto& offered : service.spec.ports) {
      if (!port.empty() && offered.name.empty()) continue;
      if (!matches_label(port, offered.name) || !matches_label(protocol, offered.protocol)) {
        continue;
      }
      Record srv = record(question.name, Type::kSrv, kServiceTtl);
      srv.weight = 100;
      srv.port = static_cast<std::uint16_t>(offered.port);
      srv.target = name_of(service);
      answer.answers.push_back(std::move(srv));
    }
    for (const auto address : cluster_addresses(service)) {
      answer.additional.push_back(address_record(name_of(service), kServiceTtl, address));
    }
  }
  if (answer.answers.empty()) return failure(Rcode::kNxDomain);
  if (question.type == Type::kA) {  // "_http._tcp.web…" has the addresses of its targets, too.
    std::swap(answer.answers, answer.additional);
    answer.additional.clear();
    for (auto& found : answer.answers) found.name = question.name;
    return answer;
  }
  return wants(question, Type::kSrv) ? answer : no_data();
}

void Directory::add_headless_ports(const Service& service, const Question& question,
                                   std::string_view port, std::string_view protocol,
                                   Answer& answer) const {
  const auto slices = slices_of_.find(key_of(service));
  if (slices == slices_of_.end()) return;
  std::set<std::pair<std::string, std::uint16_t>> given;
  std::set<io::Ipv4> glued;
  for (const auto& [key, slice] : slices->second) {
    for (const auto& offered : slice->ports) {
      const std::string name = offered.name.value_or("");
      if (!offered.port || (!port.empty() && name.empty())) continue;
      if (!matches_label(port, name) ||
          !matches_label(protocol, offered.protocol.value_or("TCP"))) {
        continue;
      }
      each_address(*slice, [&](const auto& endpoint, io::Ipv4 address) {
        if (!endpoint.conditions.ready.value_or(true)) return;
        Record srv = record(question.name, Type::kSrv, kEndpointTtl);
        srv.port = static_cast<std::uint16_t>(*offered.port);
        srv.target = endpoint_label(endpoint, address) + '.' + name_of(service);
        if (answer.answers.size() >= kMaxAnswers || !given.emplace(srv.target, srv.port).second) {
          return;
        }
        if (glued.insert(address).second) {
          answer.additional.push_back(address_record(srv.target, kEndpointTtl, address));
        }
        answer.answers.push_back(std::move(srv));
      });
    }
  }
  for (auto& srv : answer.answers) {
    srv.weight = static_cast<std::uint16_t>(std::max<std::size_t>(1, 100 / answer.answers.size()));
  }
}

Answer Directory::external_name(const Service& service, const Question& question,
                                std::size_t rotation) const {
  Answer answer;
  std::string owner = question.name;
  std::string target = to_lower(service.spec.external_name);
  for (int aliases = 0; aliases < kMaxAliases; ++aliases) {
    if (target.ends_with('.')) target.pop_back();
    Record alias = record(owner, Type::kCname, kServiceTtl);
    alias.target = target;
    answer.answers.push_back(alias);
    if (question.type != Type::kA && question.type != Type::kAaaa && question.type != Type::kSrv) {
      return answer;
    }
    if (!target.ends_with('.' + zone_)) {
      answer.follow = target;
      return answer;
    }
    const auto parts =
        split(std::string_view(target).substr(0, target.size() - zone_.size() - 1), '.');
    const auto next = parts.size() == 3 && parts[2] == "svc"
                          ? services_.find(std::string(parts[1]) + '/' + std::string(parts[0]))
                          : services_.end();
    if (next == services_.end() || next->second->spec.type != "ExternalName") {
      Answer rest = in_zone(parts, {target, question.type, question.klass}, rotation);
      std::ranges::move(rest.answers, std::back_inserter(answer.answers));
      answer.rcode = rest.rcode;
      answer.authority = std::move(rest.authority);
      return answer;
    }
    owner = target;
    target = to_lower(next->second->spec.external_name);
  }
  return failure(Rcode::kServFail);  // Aliases that lead to each other.
}

Answer Directory::in_pods(const Names& parts, const Question& question) const {
  if (parts.size() == 1) return no_data();
  if (parts.size() == 2)
    return namespaces_.contains(parts[0]) ? no_data() : failure(Rcode::kNxDomain);
  const auto address = io::Ipv4::parse(parts[0], '-');
  if (parts.size() != 3 || !address) return failure(Rcode::kNxDomain);
  if (!wants(question, Type::kA)) return no_data();
  Answer answer;
  answer.answers.push_back(address_record(question.name, kEndpointTtl, *address));
  return answer;
}

Answer Directory::reverse(std::string_view name, const Question& question) const {
  Answer answer;
  answer.forward = true;
  if (name.size() <= kReverseZone.size()) return answer;
  const auto turned = io::Ipv4::parse(name.substr(0, name.size() - kReverseZone.size() - 1));
  if (!turned) return answer;
  const std::uint32_t address = __builtin_bswap32(turned->value);
  std::vector<std::string> names;
  if (const auto found = by_cluster_ip_.find(address); found != by_cluster_ip_.end()) {
    names.push_back(name_of(*services_.find(found->second)->second));
  } else if (const auto users = slices_by_address_.find(address);
             users != slices_by_address_.end()) {
    for (const auto& slice_key : users->second) {
      const auto& slice = *slices_.find(slice_key)->second;
      const auto service = services_.find(service_key(slice));
      if (service == services_.end() || !is_headless(*service->second)) continue;
      each_address(slice, [&](const auto& endpoint, io::Ipv4 here) {
        if (here.value != address) return;
        names.push_back(endpoint_label(endpoint, here) + '.' + name_of(*service->second));
      });
    }
  }
  if (names.empty()) return answer;
  answer.forward = false;
  if (!wants(question, Type::kPtr)) return no_data();
  for (auto& target : names) {
    answer.answers.push_back(record(question.name, Type::kPtr, kEndpointTtl));
    answer.answers.back().target = std::move(target);
  }
  return answer;
}

std::vector<Directory::Endpoint> Directory::endpoints(const std::string& key) const {
  std::vector<Endpoint> found;
  const auto slices = slices_of_.find(key);
  if (slices == slices_of_.end()) return found;
  for (const auto& [slice_key, slice] : slices->second) {
    each_address(*slice, [&](const auto& endpoint, io::Ipv4 address) {
      if (!endpoint.conditions.ready.value_or(true)) return;
      found.push_back({address, endpoint_label(endpoint, address)});
    });
  }
  return found;
}

Answer Directory::failure(Rcode rcode) const {
  Answer answer;
  answer.rcode = rcode;
  answer.authority.push_back(soa());
  return answer;
}

Record Directory::soa() const {
  Record made = record(zone_, Type::kSoa, kNegativeTtl);
  made.target = "ns.dns." + zone_;
  made.mailbox = "hostmaster." + zone_;
  made.serial = serial_;
  made.refresh = 7200;
  made.retry = 1800;
  made.expire = 86400;
  made.minimum = kNegativeTtl;
  return made;
}

std::string Directory::name_of(const Service& service) const {
  return service.metadata.name + '.' + service.metadata.namespace_ + ".svc." + zone_;
}

}  // namespace pinnace::dns
