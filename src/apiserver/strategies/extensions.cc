// Kinds that extend a cluster or change how it runs: APIServices, RuntimeClasses, trust bundles,
// migrations of storage.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/internal_form.h"
#include "apiserver/strategies/pod_warnings.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"
#include "net/x509.h"

namespace pinnace::apiserver {
namespace {

// -- APIService

void validate_api_service(Change& change, const api::Value& object) {
  constexpr std::int64_t kMaxPriority = 20000;
  const Field service = root(change, object);
  const Field name = service["metadata"]["name"];
  const Field spec = service["spec"];
  const std::string wanted =
      std::string(spec["version"].text()) + "." + std::string(spec["group"].text());
  if (!name.empty() && !name.is(wanted)) {
    name.invalid("must be `spec.version+\".\"+spec.group`: " + quoted(wanted));
  }
  if (!spec["group"].empty())
    spec["group"].each(api::check_dns1123_subdomain(spec["group"].text()));
  spec["version"].each(api::check_dns1035_label(spec["version"].text()));
  struct Range {
    const char* key;
    std::int64_t most;
  };
  for (const Range& range :
       {Range{"groupPriorityMinimum", kMaxPriority}, Range{"versionPriority", 1000}}) {
    const Field priority = spec[range.key];
    if (priority.number() > 0 && priority.number() <= range.most) continue;
    priority.invalid("must be positive and less than " + std::to_string(range.most));
  }
  const Field reference = spec["service"];
  const bool skips = spec["insecureSkipTLSVerify"].flag();
  if (!reference.is_set()) {
    if (!spec["caBundle"].empty()) {
      spec["caBundle"].invalid_value(std::to_string(spec["caBundle"].text().size()) + " bytes",
                                     "local APIServices may not have a caBundle");
    }
    if (skips) {
      spec["insecureSkipTLSVerify"].invalid("local APIServices may not have insecureSkipTLSVerify");
    }
    return;
  }
  reference["namespace"].require();
  reference["name"].require();
  const Field port = reference["port"];
  if (port.is_set() && !api::check_port_number(port.number()).empty()) {
    port.invalid("port is not valid: must be between 1 and 65535, inclusive");
  }
  if (skips && !spec["caBundle"].empty()) {
    spec["insecureSkipTLSVerify"].invalid("may not be true if caBundle is present");
  }
}

// -- RuntimeClass

void validate_runtime_class(Change& change, const api::Value& object) {
  const Field runtime = root(change, object);
  const Field handler = runtime["handler"];
  handler.each(api::check_dns1123_label(handler.text()));
  const Field overhead = runtime["overhead"];
  if (overhead.is_set()) validate_overhead(overhead["podFixed"].as("overhead"));
  const Field scheduling = runtime["scheduling"];
  validate_label_map(scheduling["nodeSelector"]);
  const Field tolerations = scheduling["tolerations"];
  validate_tolerations(tolerations);
  std::set<std::array<std::string, 4>> seen;
  for (const Field& toleration : tolerations.items()) {
    std::array<std::string, 4> key{
        std::string(toleration["key"].text()), std::string(toleration["operator"].text()),
        std::string(toleration["value"].text()), std::string(toleration["effect"].text())};
    if (seen.insert(std::move(key)).second) continue;
    toleration.duplicate_value(internal_form(toleration, "", "Toleration"));
  }
}

void keep_runtime_class(Change& change, const api::Value& object, const api::Value& old) {
  root(change, object)["handler"].immutable(old.find("handler"));
}

void warn_about_runtime_class(Change& change, const api::Value& object, const api::Value*) {
  for (const auto& [key, value] : root(change, object)["scheduling"]["nodeSelector"].entries()) {
    const std::string_view advice = node_label_advice(key);
    if (!advice.empty()) change.warn("scheduling.nodeSelector: " + std::string(advice));
  }
}

// -- ClusterTrustBundle

// What is wrong with one block of a bundle; "" for nothing.
std::string fault_in_anchor(const net::PemBlock& block) {
  if (block.type != "CERTIFICATE") return "has bad block type: " + block.type;
  if (block.has_headers) return "has PEM block headers";
  if (!block.is_certificate) return "does not parse as X.509";
  if (!block.is_authority) return "does not have the CA bit set";
  return "";
}

std::vector<std::string> faults_in_anchors(std::string_view pem) {
  std::vector<std::string> faults;
  std::map<std::string, std::string> places;  // By an anchor's bytes: "0 3".
  const auto blocks = net::pem_blocks(pem);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (const auto wrong = fault_in_anchor(blocks[i]); !wrong.empty()) {
      faults.push_back("entry " + std::to_string(i) + ' ' + wrong);
    }
    std::string& where = places[blocks[i].der];
    where += (where.empty() ? "" : " ") + std::to_string(i);
  }
  if (!faults.empty()) return faults;
  if (blocks.empty()) return {"at least one trust anchor must be provided"};
  for (const auto& [der, where] : places) {
    if (where.find(' ') == std::string::npos) continue;
    faults.push_back("duplicate trust anchor (indices [" + where + "])");
  }
  return faults;
}

void validate_trust_bundle(Change& change, const api::Value& object) {
  constexpr std::size_t kMaxBytes = 1 << 20;
  const Field bundle = root(change, object);
  const Field name = bundle["metadata"]["name"];
  const Field signer = bundle["spec"]["signerName"];
  const Field trust = bundle["spec"]["trustBundle"];
  if (signer.empty()) {
    if (name.text().find(':') != std::string_view::npos) {
      name.invalid("ClusterTrustBundle without signer name must not have \":\" in its name");
    }
  } else {
    std::string prefix(signer.text());
    std::replace(prefix.begin(), prefix.end(), '/', ':');
    prefix += ':';
    if (!name.text().starts_with(prefix)) {
      name.invalid("ClusterTrustBundle for signerName " + std::string(signer.text()) +
                   " must be named with prefix " + prefix);
    }
    validate_signer_name(signer);
  }
  if (trust.text().size() > kMaxBytes) return trust.too_long(kMaxBytes);
  for (const auto& wrong : faults_in_anchors(trust.text())) {
    trust.invalid_value("\"<value omitted>\"", wrong);
  }
}

void keep_trust_bundle(Change& change, const api::Value& object, const api::Value& old) {
  const Field signer = root(change, object)["spec"]["signerName"];
  if (!signer.same_as(old.find_path({"spec", "signerName"}))) signer.invalid("field is immutable");
}

// -- StorageVersionMigration

void validate_migration(Change& change, const api::Value& object) {
  const Field resource = root(change, object)["spec"]["resource"];
  const Field group = resource["group"];
  const Field name = resource["resource"];
  if (name.empty()) {
    name.required("resource is required to be set");
  } else {
    name.each(api::check_dns1035_label(name.text()));
  }
  if (!group.empty()) group.each(api::check_dns1123_subdomain(group.text()));
}

void keep_migration(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  if (spec.same_as(old.find("spec"))) return;
  spec.invalid_value("{\"Resource\":" + spec["resource"].shown() + "}", "field is immutable");
}

bool is_true(const Field& status, std::string_view type) {
  const auto conditions = status["conditions"].items();
  return std::ranges::any_of(conditions, [&](const Field& condition) {
    return condition["type"].is(type) && condition["status"].is("True");
  });
}

bool is_live_revision(std::string_view text) {
  return !text.empty() && text[0] != '0' && std::ranges::all_of(text, [](char c) {
    return c >= '0' && c <= '9';
  });
}

// A migration ends once, one way or the other.
void validate_progress(Change& change, const api::Value& object, const api::Value& old) {
  const Field status = root(change, object)["status"];
  const Field before = root(change, old)["status"];
  const Field revision = status["resourceVersion"];
  const Field conditions = status["conditions"];
  const std::string shown = quoted(revision.text());
  if (!is_live_revision(revision.text())) {
    revision.invalid_value(
        shown, "resource version is not well formed: " + std::string(revision.text()));
  }
  validate_conditions(conditions);
  const Field was = before["resourceVersion"];
  if (!was.empty() && !was.is(revision.text())) {
    revision.invalid_value(shown, "field is immutable");
  }
  const bool has_succeeded = is_true(status, "Succeeded"), has_failed = is_true(status, "Failed");
  const bool is_running = is_true(status, "Running");
  const auto refuse_if = [&](bool is_wrong, std::string_view why) {
    if (is_wrong) conditions.invalid(why);
  };
  refuse_if(has_succeeded && has_failed,
            "Both success and failed conditions cannot be true at the same time");
  refuse_if(has_succeeded && is_running,
            "Running condition cannot be true when success condition is true");
  refuse_if(has_failed && is_running,
            "Running condition cannot be true when failed condition is true");
  refuse_if(is_true(before, "Succeeded") && !has_succeeded,
            "Success condition cannot be set to false once it is true");
  refuse_if(is_true(before, "Failed") && !has_failed,
            "Failed condition cannot be set to false once it is true");
}

}  // namespace

const Strategy kApiServiceStrategy{
    .storage_resource = "apiregistration.k8s.io/apiservices",
    .check_name = api::check_path_segment_name,
    .must_name_revision = true,
    .validate = validate_api_service,
};
const Strategy kRuntimeClassStrategy{
    .storage_resource = "node.k8s.io/runtimeclasses",
    .must_name_revision = true,
    .validate = validate_runtime_class,
    .validate_update = keep_runtime_class,
    .warn = warn_about_runtime_class,
};
const Strategy kTrustBundleStrategy{
    .storage_resource = "certificates.k8s.io/clustertrustbundles",
    .check_name = check_trust_bundle_name,
    .must_name_revision = true,
    .validate = validate_trust_bundle,
    .validate_update = keep_trust_bundle,
};
const Strategy kStorageMigrationStrategy{
    .storage_resource = "storagemigration.k8s.io/storageversionmigrations",
    .must_name_revision = true,
    .validate = validate_migration,
    .validate_update = keep_migration,
    .validate_status = validate_progress,
};

}  // namespace pinnace::apiserver
