#include "apiserver/strategies/ip_address.h"

#include "api/json.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "base/assert.h"

namespace pinnace::apiserver {

store::Key ip_address_key(std::string_view address) {
  return {"networking.k8s.io/ipaddresses", "", std::string(address)};
}

store::Write ip_address_of_service(const std::string& address, std::string_view ns,
                                   std::string_view name, WallTime now, Rng& rng) {
  const std::string uid = make_uuid(rng);
  const std::string time = json_quoted(rfc3339(now));
  const bool is_six = address.find(':') != std::string::npos;
  const std::string json =
      R"({"kind":"IPAddress","apiVersion":"networking.k8s.io/v1","metadata":{"name":)" +
      json_quoted(address) + ",\"uid\":" + json_quoted(uid) + ",\"creationTimestamp\":" + time +
      R"(,"labels":{"ipaddress.kubernetes.io/ip-family":)" + (is_six ? "\"IPv6\"" : "\"IPv4\"") +
      R"(,"ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io"},"managedFields":[)"
      R"({"manager":"kube-apiserver","operation":"Update","apiVersion":"networking.k8s.io/v1",)"
      R"("time":)" +
      time +
      R"(,"fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{".":{},)"
      R"("f:ipaddress.kubernetes.io/ip-family":{},"f:ipaddress.kubernetes.io/managed-by":{}}},)"
      R"("f:spec":{"f:parentRef":{".":{},"f:name":{},"f:namespace":{},"f:resource":{}}}}}]},)"
      R"("spec":{"parentRef":{"resource":"services","namespace":)" +
      json_quoted(ns) + ",\"name\":" + json_quoted(name) + "}}}";
  api::Arena arena;
  const auto object = api::parse_json(arena, json);
  PINNACE_ASSERT(object.has_value());
  SplitJson parts = split_json(*object);
  store::Write write{.type = store::Write::Type::kCreate,
                     .key = ip_address_key(address),
                     .uid = uid,
                     .head = std::move(parts.head),
                     .tail = std::move(parts.tail)};
  write.durable = false;
  return write;
}

}  // namespace pinnace::apiserver
