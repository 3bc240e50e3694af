#include "apiserver/strategies/pod_warnings.h"

#include <algorithm>
#include <map>
#include <set>

#include "api/addresses.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using Texts = std::set<std::string, std::less<>>;

struct Advice {
  std::string_view key, text;
};
constexpr Advice kNodeLabels[] = {
    {"beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"},
    {"beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"},
    {"failure-domain.beta.kubernetes.io/region",
     "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"},
    {"failure-domain.beta.kubernetes.io/zone",
     "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"},
    {"beta.kubernetes.io/instance-type",
     "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"},
    {"app.kubernetes.io/created-by", "deprecated since v1.9"},
    {"scheduler.alpha.kubernetes.io/preferAvoidPods",
     "deprecated since v1.22; use Taints and Tolerations instead"},
    {"node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"},
};
constexpr Advice kAnnotations[] = {
    {"scheduler.alpha.kubernetes.io/critical-pod",
     "non-functional in v1.16+; use the \"priorityClassName\" field instead"},
    {"security.alpha.kubernetes.io/sysctls",
     "non-functional in v1.11+; use the \"sysctls\" field instead"},
    {"security.alpha.kubernetes.io/unsafe-sysctls",
     "non-functional in v1.11+; use the \"sysctls\" field instead"},
};
constexpr Advice kVolumes[] = {
    {"photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"},
    {"gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"},
    {"scaleIO", "deprecated in v1.16, non-functional in v1.22+"},
    {"flocker", "deprecated in v1.22, non-functional in v1.25+"},
    {"storageos", "deprecated in v1.22, non-functional in v1.25+"},
    {"quobyte", "deprecated in v1.22, non-functional in v1.25+"},
    {"glusterfs", "deprecated in v1.25, non-functional in v1.26+"},
    {"cephfs", "deprecated in v1.28, non-functional in v1.31+"},
    {"rbd", "deprecated in v1.28, non-functional in v1.31+"},
};
constexpr const char* kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
constexpr const char* kPreferred = "preferredDuringSchedulingIgnoredDuringExecution";
constexpr std::string_view kSeccompPod = "seccomp.security.alpha.kubernetes.io/pod";
constexpr std::string_view kSeccompContainer = "container.seccomp.security.alpha.kubernetes.io/";
constexpr std::string_view kAppArmorContainer = "container.apparmor.security.beta.kubernetes.io/";

// Files of one volume, each with where it comes from; "" where all come from one place.
struct VolumeFile {
  std::string path, source;
  std::string shown() const {
    return source.empty() ? quoted(path) : quoted(path) + " (" + source + ")";
  }
};

// Finds files that lie where others do, or below them.
// Bounds: as many overlaps as a client is told.
class Overlaps {
 public:
  // Those before that `file` overlaps with, in their order.
  std::vector<VolumeFile> add(const VolumeFile& file) {
    std::vector<VolumeFile> found;
    if (file.path.empty()) return found;
    std::set<std::size_t> places;
    const auto take = [&](const std::vector<std::size_t>& at) {
      for (const std::size_t place : at) {
        if (told_ + places.size() >= kMost) return;
        places.insert(place);
      }
    };
    for (auto end = file.path.find('/'); end != std::string::npos;
         end = file.path.find('/', end + 1)) {
      if (const auto above = by_path_.find(file.path.substr(0, end)); above != by_path_.end()) {
        take(above->second);
      }
    }
    auto& same = by_path_[file.path];
    take(same);
    const std::string start = file.path + "/";
    for (auto below = by_path_.lower_bound(start);
         below != by_path_.end() && below->first.starts_with(start) &&
         told_ + places.size() < kMost;
         ++below) {
      take(below->second);
    }
    for (const std::size_t place : places) found.push_back(files_[place]);
    told_ += found.size();
    same.push_back(files_.size());
    files_.push_back(file);
    return found;
  }

 private:
  static constexpr std::size_t kMost = 128;
  std::vector<VolumeFile> files_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> by_path_;
  std::size_t told_ = 0;
};

void warn_about_address(Change& change, const Field& ip) {
  for (auto& text : api::address_warnings(ip.path(), ip.text())) change.warn(std::move(text));
}

// One pod or template under review; `path` of the fields says where.
class Review {
 public:
  Review(Change& change, const Field& pod, bool is_template)
      : change_(change),
        spec_(pod["spec"]),
        annotations_(pod["metadata"]["annotations"]),
        is_template_(is_template) {}

  void review() {
    scheduling();
    for (const Advice& advice : kAnnotations) {
      const Field field = annotations_.at_key(advice.key);
      if (field.is_set()) add(field, advice.text);
    }
    volumes();
    duplicates(spec_["hostAliases"], "ip");
    duplicates(spec_["imagePullSecrets"], "name");
    for (const Field& secret : spec_["imagePullSecrets"].items()) {
      if (secret["name"].empty()) add(secret["name"], "invalid empty name \"\"");
    }
    fractions(spec_["overhead"]);
    const Field own = annotations_.at_key(kSeccompPod);
    if (own.is_set() && !spec_["securityContext"]["seccompProfile"].is_set()) {
      add(own, "non-functional in v1.27+; use the \"seccompProfile\" field instead");
    }
    for (const Field& container : all_containers(spec_)) review_container(container);
    ports();
    port_names();
    const Field grace = spec_["terminationGracePeriodSeconds"];
    if (grace.number() < 0) {
      add(grace, "must be >= 0; negative values are invalid and will be treated as 1");
    }
    pod_affinity();
    addresses();
  }

 private:
  void add(const Field& field, std::string_view text) {
    change_.warn(field.path() + ": " + std::string(text));
  }

  void scheduling() {
    warn_about_node_labels(change_, spec_["nodeSelector"]);
    const Field affinity = spec_["affinity"];
    const Field nodes = affinity["nodeAffinity"];
    for (const Field& term : nodes[kRequired]["nodeSelectorTerms"].items()) {
      warn_about_node_term(change_, term);
    }
    for (const Field& term : nodes[kPreferred].items()) {
      warn_about_node_term(change_, term["preference"]);
    }
    for (const Field& constraint : spec_["topologySpreadConstraints"].items()) {
      const Field key = constraint["topologyKey"];
      const std::string_view advice = node_label_advice(key.text());
      if (!advice.empty()) add(key, std::string(key.text()) + " is " + std::string(advice));
      null_selector(constraint["labelSelector"]);
    }
  }

  void pod_affinity() {
    const Field affinity = spec_["affinity"];
    for (const char* kind : {"podAffinity", "podAntiAffinity"}) {
      for (const Field& term : affinity[kind][kRequired].items()) {
        null_selector(term["labelSelector"]);
      }
      for (const Field& term : affinity[kind][kPreferred].items()) {
        null_selector(term["podAffinityTerm"]["labelSelector"]);
      }
    }
  }

  void null_selector(const Field& selector) {
    if (!selector.is_set()) add(selector, "a null labelSelector results in matching no pod");
  }

  void volumes() {
    for (const Field& volume : spec_["volumes"].items()) {
      for (const Advice& advice : kVolumes) {
        const Field source = volume[advice.key];
        if (!source.is_set()) continue;
        add(advice.key == "storageos" ? source.as(volume["storageOS"]) : source, advice.text);
      }
      const Field resources = volume["ephemeral"]["volumeClaimTemplate"]["spec"]["resources"];
      warn_about_claim_sizes(change_, resources, resources);
    }
    for (const Field& volume : spec_["volumes"].items()) volume_files(volume);
  }

  void volume_files(const Field& volume) {
    const std::string start = "volume " + quoted(volume["name"].text()) + " (";
    const auto review_files = [&](Overlaps& overlaps, const std::string& of, const Field& items,
                                  const std::string& source) {
      for (const Field& item : items.items()) {
        file(overlaps, start + of, {std::string(item["path"].text()), source});
      }
    };
    struct Source {
      const char* member;
      const char* name;
      const char* shown;
    };
    for (const Source& one :
         {Source{"configMap", "name", "ConfigMap"}, Source{"secret", "secretName", "Secret"},
          Source{"downwardAPI", nullptr, "DownwardAPI"}}) {
      const Field source = volume[one.member];
      Overlaps overlaps;
      review_files(overlaps, source_name(source, one.name, one.shown), source["items"], "");
    }
    Overlaps overlaps;
    for (const Field& source : volume["projected"]["sources"].items()) {
      if (source.empty()) {
        change_.warn(start + "Projected) has no sources provided");
        continue;
      }
      for (const Source& one :
           {Source{"configMap", "name", "ConfigMap"}, Source{"secret", "name", "Secret"},
            Source{"downwardAPI", nullptr, "DownwardAPI"}}) {
        const Field from = source[one.member];
        review_files(overlaps, "Projected", from["items"], source_name(from, one.name, one.shown));
      }
      const Field token = source["serviceAccountToken"];
      if (!token.is_set()) continue;
      file(overlaps, start + "Projected",
           {std::string(token["path"].text()), "ServiceAccountToken"});
    }
  }

  static std::string source_name(const Field& source, const char* name, const char* shown) {
    if (name == nullptr) return shown;
    return std::string(shown) + " " + quoted(source[name].text());
  }

  void file(Overlaps& overlaps, const std::string& where, VolumeFile file) {
    while (file.path.ends_with('/')) file.path.pop_back();
    for (const VolumeFile& other : overlaps.add(file)) {
      change_.warn(where + "): overlapping paths: " + file.shown() + " with " + other.shown());
    }
  }

  void duplicates(const Field& list, const char* key) {
    Texts seen;
    for (const Field& item : list.items()) {
      const Field text = item[key];
      if (seen.emplace(text.text()).second) continue;
      add(text, std::string("duplicate ") + key + " " + quoted(text.text()));
    }
  }

  // There is no half a byte.
  void fraction(const Field& amount) {
    const auto parsed = amount.amount();
    if (!parsed || parsed->milli_value() % 1000 == 0) return;
    add(amount,
        "fractional byte value " + quoted(parsed->format()) + " is invalid, must be an integer");
  }
  void fractions(const Field& amounts) {
    for (const char* resource : {"memory", "ephemeral-storage"}) {
      fraction(amounts.at_key(resource));
    }
  }

  void review_container(const Field& container) {
    const std::string name(container["name"].text());
    const Field context = container["securityContext"];
    const Field seccomp = annotations_.at_key(std::string(kSeccompContainer) + name);
    if (seccomp.is_set() && !context["seccompProfile"].is_set()) {
      add(seccomp, "non-functional in v1.27+; use the \"seccompProfile\" field instead");
    }
    // Pods are told where the annotation comes to stand in the field.
    const Field app_armor = annotations_.at_key(std::string(kAppArmorContainer) + name);
    if (is_template_ && app_armor.is_set() && !context["appArmorProfile"].is_set() &&
        !is_profile(spec_["securityContext"]["appArmorProfile"], app_armor.text())) {
      add(app_armor, "deprecated since v1.30; use the \"appArmorProfile\" field instead");
    }
    for (const char* resource : {"memory", "ephemeral-storage"}) {
      for (const char* map : {"limits", "requests"}) {
        fraction(container["resources"][map].at_key(resource));
      }
    }
    variables(container);
  }

  bool is_profile(const Field& profile, std::string_view annotation) {
    const auto named = app_armor_profile(change_.arena, annotation);
    return named && profile.is_set() && api::equal(*named, *profile.value());
  }

  // The last one counts.
  void variables(const Field& container) {
    Texts names;
    for (const Field& variable : container["env"].items()) {
      const std::string_view variable_name = variable["name"].text();
      if (names.emplace(variable_name).second) continue;
      const std::string reference = "$(" + std::string(variable_name) + ")";
      const std::string_view value = variable["value"].text();
      const bool builds_on_it = value != reference &&
                                value.find(reference) != std::string_view::npos &&
                                !variable["valueFrom"].is_set();
      if (builds_on_it) continue;
      add(variable, "hides previous definition of " + quoted(variable_name) +
                        ", which may be dropped when using apply");
    }
  }

  void ports() {
    std::map<std::string, std::vector<Field>> others;
    for (const Field& container : all_containers(spec_)) {
      for (const Field& port : container["ports"].items()) {
        if (!port["hostIP"].empty() && port["hostPort"].number() == 0) {
          add(port, "hostIP set without hostPort: " + described(port));
        }
        const std::string key = std::to_string(port["containerPort"].number()) + "/" +
                                std::string(port["protocol"].text());
        for (const Field& other : others[key]) port_conflict(port, other);
        others[key].push_back(port);
      }
    }
  }

  // Whoever looks for a port by its name finds the first one.
  void port_names() {
    std::map<std::string_view, std::string> places;
    for (const Field& container : all_containers(spec_)) {
      for (const Field& port : container["ports"].items()) {
        const std::string_view name = port["name"].text();
        if (name.empty()) continue;
        const auto [first, is_new] = places.try_emplace(name, port.path());
        if (is_new) continue;
        add(port, "duplicate port name " + quoted(name) + " with " + first->second +
                      ", services and probes that select ports by name will use " + first->second);
      }
    }
  }

  // As Go prints it.
  static std::string described(const Field& port) {
    return "{Name:" + std::string(port["name"].text()) +
           " HostPort:0 ContainerPort:" + std::to_string(port["containerPort"].number()) +
           " Protocol:" + std::string(port["protocol"].text()) +
           " HostIP:" + std::string(port["hostIP"].text()) + "}";
  }

  void port_conflict(const Field& port, const Field& other) {
    const std::string_view ip = port["hostIP"].text(), other_ip = other["hostIP"].text();
    const std::int64_t host = port["hostPort"].number(), other_host = other["hostPort"].number();
    const char* what = nullptr;
    if (ip == other_ip && host == other_host)
      what = "duplicate";
    else if (host == 0 || other_host == 0)
      what = "overlapping";
    else if (host == other_host && ip.empty() != other_ip.empty())
      what = "dangerously ambiguous";
    if (what != nullptr) add(port, std::string(what) + " port definition with " + other.path());
  }

  void addresses() {
    for (const Field& server : spec_["dnsConfig"]["nameservers"].items()) {
      warn_about_address(change_, server);
    }
    for (const Field& alias : spec_["hostAliases"].items()) {
      warn_about_address(change_, alias["ip"]);
    }
  }

  Change& change_;
  const Field spec_, annotations_;
  const bool is_template_;
};

}  // namespace

void warn_about_claim_sizes(Change& change, const Field& place, const Field& resources) {
  for (const char* map : {"requests", "limits"}) {
    const auto amount = resources[map].at_key("storage").amount();
    if (!amount || amount->milli_value() % 1000 == 0) continue;
    change.warn(place[map].at_key("storage").path() + ": fractional byte value " +
                quoted(amount->format()) + " is invalid, must be an integer");
  }
}

std::string_view node_label_advice(std::string_view label) {
  const auto found = std::find_if(std::begin(kNodeLabels), std::end(kNodeLabels),
                                  [&](const Advice& advice) { return advice.key == label; });
  return found == std::end(kNodeLabels) ? std::string_view() : found->text;
}

void warn_about_node_labels(Change& change, const Field& map) {
  for (const auto& [key, value] : map.entries()) {
    const std::string_view advice = node_label_advice(key);
    if (!advice.empty()) change.warn(value.path() + ": " + std::string(advice));
  }
}

void warn_about_node_term(Change& change, const Field& term) {
  for (const Field& expression : term["matchExpressions"].items()) {
    const Field key = expression["key"];
    const std::string_view advice = node_label_advice(key.text());
    if (advice.empty()) continue;
    change.warn(key.path() + ": " + std::string(key.text()) + " is " + std::string(advice));
  }
}

// People hardly change pods themselves: a change says nothing.
void warn_about_pod(Change& change, const api::Value& object, const api::Value* old) {
  if (old != nullptr) return;
  const auto complaints = api::check_dns1123_label(change.name);
  if (!complaints.empty()) {
    change.warn(
        "metadata.name: this is used in the Pod's hostname, which can result in surprising "
        "behavior; a DNS label is recommended: [" +
        join(complaints, " ") + "]");
  }
  Review(change, root(change, object), false).review();
}

void warn_about_pod_status(Change& change, const api::Value& object, const api::Value*) {
  const Field status = root(change, object)["status"];
  for (const char* list : {"podIPs", "hostIPs"}) {
    for (const Field& one : status[list].items()) warn_about_address(change, one["ip"]);
  }
}

void warn_about_template_object(Change& change, const api::Value& object, const api::Value* old) {
  if (is_next_generation(object, old))
    warn_about_template(change, root(change, object)["template"]);
}

void warn_about_template(Change& change, const Field& pod_template) {
  if (pod_template.is_set()) Review(change, pod_template, true).review();
}

bool is_next_generation(const api::Value& object, const api::Value* old) {
  const auto of = [](const api::Value& one) {
    const auto* metadata = one.find("metadata");
    return metadata == nullptr ? 0 : metadata->int_at("generation");
  };
  return old == nullptr || of(object) != of(*old);
}

void warn_about_pod_names(Change& change) {
  const auto complaints = api::check_dns1123_label(change.name);
  if (complaints.empty()) return;
  change.warn(
      "metadata.name: this is used in Pod names and hostnames, which can result in surprising "
      "behavior; a DNS label is recommended: [" +
      join(complaints, " ") + "]");
}

}  // namespace pinnace::apiserver
