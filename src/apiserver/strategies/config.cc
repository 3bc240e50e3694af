// ConfigMaps, Secrets and ServiceAccounts.
#include <algorithm>
#include <array>

#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"
#include "net/certificate_request.h"
#include "net/x509.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxDataBytes = 1 << 20;

// The keys of a map of data, and how many bytes its values have.
std::size_t check_data(const Field& data, bool is_base64) {
  std::size_t bytes = 0;
  for (const auto& [key, entry] : data.entries()) {
    for (const auto& text : api::check_config_map_key(key)) {
      entry.invalid_value(quoted(key), text);
    }
    const std::string_view text = entry.text();
    std::size_t padding = 0;
    while (is_base64 && padding < 2 && text.size() > padding &&
           text[text.size() - 1 - padding] == '=') {
      ++padding;
    }
    bytes += is_base64 ? text.size() / 4 * 3 - padding : text.size();
  }
  return bytes;
}

// What is once marked immutable keeps its data, and the mark.
void keep_immutable(Change& change, const api::Value& object, const api::Value& old,
                    std::initializer_list<const char*> maps) {
  if (!old.bool_at("immutable")) return;
  const Field now = root(change, object);
  if (!now["immutable"].flag()) {
    now["immutable"].forbidden("field is immutable when `immutable` is set");
  }
  for (const char* map : maps) {
    const auto* before = old.find(map);
    const auto* after = now[map].value();
    const bool was_empty = before == nullptr || before->empty();
    const bool is_empty = after == nullptr || after->empty();
    if (was_empty && is_empty) continue;
    if (!was_empty && !is_empty && api::equal(*before, *after)) continue;
    now[map].forbidden("field is immutable when `immutable` is set");
  }
}

// -- ConfigMap

void validate_config_map(Change& change, const api::Value& object) {
  const Field map = root(change, object);
  if (change.old != nullptr) keep_immutable(change, object, *change.old, {"data", "binaryData"});
  std::size_t bytes = check_data(map["data"], false);
  FieldMap bytes_of(map["binaryData"]);
  for (const auto& [key, text] : map["data"].entries()) {
    if (bytes_of.at_key(key).value() == nullptr) continue;
    text.invalid_value(quoted(key), "duplicate of key present in binaryData");
  }
  bytes += check_data(map["binaryData"], true);
  if (bytes > kMaxDataBytes) map.as("[]").too_long(kMaxDataBytes);
}

// -- Secret

struct TypedSecret {
  std::string_view type;
  const char* keys[2];         // Required; nullptr: no more.
  bool needs_content = false;  // And not empty.
};
constexpr TypedSecret kTypedSecrets[] = {
    {"kubernetes.io/tls", {"tls.crt", "tls.key"}},
    {"kubernetes.io/ssh-auth", {"ssh-privatekey", nullptr}, true},
    {"kubernetes.io/dockerconfigjson", {".dockerconfigjson", nullptr}},
    {"kubernetes.io/dockercfg", {".dockercfg", nullptr}},
};

// What Go's decoder says of bytes that are no JSON object; "" for those that are one.
std::string fault_in_json_object(std::string_view bytes) {
  constexpr int kMaxDepth = 10000;
  api::Arena arena;
  const auto value = api::parse_json(arena, bytes, {.max_depth = kMaxDepth});
  if (!value) return std::string(api::without_place(value.error().message));
  if (value->is_object() || value->is_null()) return "";
  const char* what = value->is_array()    ? "array"
                     : value->is_string() ? "string"
                     : value->is_bool()   ? "bool"
                                          : "number";
  return std::string("json: cannot unmarshal ") + what +
         " into Go value of type map[string]interface {}";
}

void validate_registry_config(const Field& entry) {
  if (!entry.is_set()) return;
  const auto bytes = base64_decode(entry.text());
  const std::string wrong = bytes ? fault_in_json_object(*bytes) : "unexpected end of JSON input";
  if (!wrong.empty()) entry.invalid_value("\"<secret contents redacted>\"", wrong);
}

void validate_secret(Change& change, const api::Value& object) {
  const Field secret = root(change, object);
  const Field data = secret["data"];
  if (change.old != nullptr) {
    secret["type"].immutable(change.old->find("type"));
    keep_immutable(change, object, *change.old, {"data"});
  }
  if (check_data(data, true) > kMaxDataBytes) data.too_long(kMaxDataBytes);
  const std::string_view type = secret["type"].text();
  for (const TypedSecret& typed : kTypedSecrets) {
    if (typed.type != type) continue;
    for (const char* key : typed.keys) {
      if (key == nullptr) continue;
      const Field entry = data.at_key(key);
      if (typed.needs_content ? entry.empty() : !entry.is_set()) entry.required();
    }
  }
  if (type == "kubernetes.io/dockerconfigjson")
    validate_registry_config(data.at_key(".dockerconfigjson"));
  if (type == "kubernetes.io/dockercfg") validate_registry_config(data.at_key(".dockercfg"));
  if (type == "kubernetes.io/basic-auth" && !data.at_key("username").is_set() &&
      !data.at_key("password").is_set()) {
    data.at_key("username").required();
    data.at_key("password").required();
  }
  if (type == "kubernetes.io/service-account-token") {
    const Field account =
        secret["metadata"]["annotations"].at_key("kubernetes.io/service-account.name");
    if (account.empty()) account.required();
  }
}

// Says of `blocks` that none of them is what was looked for.
std::string types_of(const std::vector<net::PemBlock>& blocks) {
  std::string types;
  for (const auto& block : blocks) (types += types.empty() ? "" : " ") += block.type;
  return "after skipping PEM blocks of the following types: [" + types + "]";
}

// What Go's TLS says of a certificate and a key that do not go together; "" where they do.
std::string fault_in_key_pair(const std::string& certificate, const std::string& key) {
  const auto is_key = [](const net::PemBlock& block) {
    return block.type.ends_with("PRIVATE KEY");
  };
  const auto is_certificate = [](const net::PemBlock& block) {
    return block.type == "CERTIFICATE";
  };
  const auto certificates = net::pem_blocks(certificate);
  if (certificates.empty()) return "tls: failed to find any PEM data in certificate input";
  if (std::ranges::none_of(certificates, is_certificate)) {
    if (certificates.size() == 1 && is_key(certificates[0])) {
      return "tls: failed to find certificate PEM data in certificate input, but did find a "
             "private key; PEM inputs may have been switched";
    }
    return "tls: failed to find \"CERTIFICATE\" PEM block in certificate input " +
           types_of(certificates);
  }
  const auto keys = net::pem_blocks(key);
  if (keys.empty()) return "tls: failed to find any PEM data in key input";
  if (std::ranges::none_of(keys, is_key)) {
    if (keys.size() == 1 && is_certificate(keys[0])) {
      return "tls: found a certificate rather than a key in the PEM for the private key";
    }
    return "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input " +
           types_of(keys);
  }
  const auto first = std::ranges::find_if(certificates, is_certificate);
  if (!first->is_certificate) return "x509: malformed certificate";
  if (!net::public_key_of(key)) return "tls: failed to parse private key";
  return net::is_pair(certificate, key) ? "" : "tls: private key does not match public key";
}

void warn_about_secret(Change& change, const api::Value& object, const api::Value*) {
  const Field secret = root(change, object);
  if (!secret["type"].is("kubernetes.io/tls")) return;
  const auto bytes = [&](const char* key) {
    return base64_decode(secret["data"].at_key(key).text()).value_or("");
  };
  const std::string wrong = fault_in_key_pair(bytes("tls.crt"), bytes("tls.key"));
  if (!wrong.empty()) change.warn(wrong);
}

// -- ServiceAccount

constexpr std::string_view kOwnSecretsOnly = "kubernetes.io/enforce-mountable-secrets";

// Of a Secret that pods may mount only the name is kept.
Result<void> keep_names_of_secrets(Change& change, api::Value& object) {
  api::Value* secrets = object.find("secrets");
  if (secrets == nullptr || !secrets->is_array()) return {};
  for (api::Value& secret : secrets->items()) {
    api::Value kept = api::Value::object();
    if (const auto* name = secret.find("name")) kept.set_ref(change.arena, "name", *name);
    secret = kept;
  }
  return {};
}

void warn_service_account(Change& change, const api::Value& object, const api::Value* old) {
  const auto has_annotation = [](const api::Value& account) {
    const auto* annotations = account.find_path({"metadata", "annotations"});
    return annotations != nullptr && annotations->find(kOwnSecretsOnly) != nullptr;
  };
  if (!has_annotation(object) || (old != nullptr && has_annotation(*old))) return;
  change.warn("metadata.annotations[" + std::string(kOwnSecretsOnly) +
              "]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted "
              "secrets");
}

}  // namespace

const Strategy kConfigMapStrategy{
    .storage_resource = "configmaps",
    .validate = validate_config_map,
};
const Strategy kSecretStrategy{
    .storage_resource = "secrets",
    .validate = validate_secret,
    .warn = warn_about_secret,
};
const Strategy kServiceAccountStrategy{
    .storage_resource = "serviceaccounts",
    .returns_deleted = true,
    .prepare_create = keep_names_of_secrets,
    .prepare_update = [](Change& change, api::Value& object,
                         const api::Value&) { return keep_names_of_secrets(change, object); },
    .warn = warn_service_account,
};

}  // namespace pinnace::apiserver
