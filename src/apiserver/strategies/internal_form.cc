#include "apiserver/strategies/internal_form.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <vector>

#include "api/json.h"
#include "api/schema.h"

namespace pinnace::apiserver {
namespace {

// Names that are more than the one in JSON with a capital letter.
struct GoName {
  std::string_view json, go;
};
constexpr GoName kNames[] = {
    {"apiGroup", "APIGroup"},
    {"apiGroups", "APIGroups"},
    {"apiVersion", "APIVersion"},
    {"apiVersions", "APIVersions"},
    {"awsElasticBlockStore", "AWSElasticBlockStore"},
    {"caBundle", "CABundle"},
    {"cel", "CEL"},
    {"cephfs", "CephFS"},
    {"chapAuthDiscovery", "DiscoveryCHAPAuth"},
    {"chapAuthSession", "SessionCHAPAuth"},
    {"cidr", "CIDR"},
    {"cidrs", "CIDRs"},
    {"csi", "CSI"},
    {"diskURI", "DataDiskURI"},
    {"dnsConfig", "DNSConfig"},
    {"dnsPolicy", "DNSPolicy"},
    {"fc", "FC"},
    {"fsGroup", "FSGroup"},
    {"fsGroupChangePolicy", "FSGroupChangePolicy"},
    {"fsGroupPolicy", "FSGroupPolicy"},
    {"fsType", "FSType"},
    {"gcePersistentDisk", "GCEPersistentDisk"},
    {"gid", "GID"},
    {"gmsaCredentialSpec", "GMSACredentialSpec"},
    {"gmsaCredentialSpecName", "GMSACredentialSpecName"},
    {"grpc", "GRPC"},
    {"http", "HTTP"},
    {"httpGet", "HTTPGet"},
    {"httpHeaders", "HTTPHeaders"},
    {"id", "ID"},
    {"ip", "IP"},
    {"ipBlock", "IPBlock"},
    {"ipFamilies", "IPFamilies"},
    {"ipFamilyPolicy", "IPFamilyPolicy"},
    {"ipMode", "IPMode"},
    {"ips", "IPs"},
    {"iqn", "IQN"},
    {"iscsi", "ISCSI"},
    {"iscsiInterface", "ISCSIInterface"},
    {"jsonPatch", "JSONPatch"},
    {"jsonPath", "JSONPath"},
    {"lastState", "LastTerminationState"},
    {"nfs", "NFS"},
    {"os", "OS"},
    {"osImage", "OSImage"},
    {"pdName", "PDName"},
    {"qosClass", "QOSClass"},
    {"rbd", "RBD"},
    {"seLinuxChangePolicy", "SELinuxChangePolicy"},
    {"seLinuxMount", "SELinuxMount"},
    {"seLinuxOptions", "SELinuxOptions"},
    {"sslEnabled", "SSLEnabled"},
    {"storageos", "StorageOS"},
    {"tcpSocket", "TCPSocket"},
    {"tls", "TLS"},
    {"tty", "TTY"},
    {"ttlSecondsAfterFinished", "TTLSecondsAfterFinished"},
    {"uid", "UID"},
    {"url", "URL"},
    {"wwids", "WWIDs"},
};

// Structs whose members do not stand in the order of JSON. Those that are not named come last.
struct GoOrder {
  std::string_view type;
  std::initializer_list<std::string_view> members;
};
const GoOrder kOrders[] = {
    {"PersistentVolumeSource",
     {"gcePersistentDisk", "awsElasticBlockStore", "hostPath", "glusterfs", "nfs", "rbd", "quobyte",
      "iscsi", "flexVolume", "cinder", "cephfs", "fc", "flocker", "azureFile", "vsphereVolume"}},
    {"CSIDriverSpec", {"attachRequired", "fsGroupPolicy"}},
};

// The members of `type` in the order of Go's struct.
std::vector<const api::FieldInfo*> ordered_fields(const api::TypeInfo& type) {
  std::vector<const api::FieldInfo*> fields;
  for (const api::FieldInfo& field : type.fields) fields.push_back(&field);
  const auto* order = std::find_if(std::begin(kOrders), std::end(kOrders),
                                   [&](const GoOrder& one) { return one.type == type.name; });
  if (order == std::end(kOrders)) return fields;
  std::ranges::stable_sort(fields, {}, [&](const api::FieldInfo* field) {
    return std::ranges::find(order->members, field->name) - order->members.begin();
  });
  return fields;
}

std::string go_name(std::string_view json) {
  const auto* known = std::find_if(std::begin(kNames), std::end(kNames),
                                   [&](const GoName& name) { return name.json == json; });
  if (known != std::end(kNames)) return std::string(known->go);
  std::string name(json);
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 32);
  return name;
}

class Writer {
 public:
  std::string take() { return std::move(text_); }

  void write(const api::Value* value, const api::TypeInfo& type) {
    // Shared types have names for JSON.
    if (type.group == "meta.k8s.io") {
      text_ += value == nullptr ? "{}" : api::to_json_text(*value);
      return;
    }
    text_ += '{';
    write_members(value, type);
    text_ += '}';
  }

  // The value of `field`, of one item of it, or nothing where there is none.
  void write_at(const api::Value* value, const api::FieldInfo& field) {
    if (value == nullptr || value->is_null() || !value->is_object() ||
        field.container == api::Container::kOne || field.form != api::Form::kObject) {
      return write_member(value != nullptr && value->is_null() ? nullptr : value, field);
    }
    if (field.container == api::Container::kList) return write(value, *field.type);
    write_map(*value, field);
  }

  void write_list(const api::Value& list, const api::TypeInfo& type) {
    text_ += '[';
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i != 0) text_ += ',';
      write(&list.items()[i], type);
    }
    text_ += ']';
  }

 private:
  void write_members(const api::Value* value, const api::TypeInfo& type) {
    for (const api::FieldInfo* one : ordered_fields(type)) {
      const api::FieldInfo& field = *one;
      if (field.is_inline && field.type != nullptr) {
        write_members(value, *field.type);
        continue;
      }
      if (is_embedded_metadata(field)) {
        write_metadata(value == nullptr ? nullptr : value->find(field.name));
        continue;
      }
      separate();
      text_ += '"' + go_name(field.name) + "\":";
      const auto* member = value == nullptr ? nullptr : value->find(field.name);
      write_member(member != nullptr && member->is_null() ? nullptr : member, field);
    }
  }

  void separate() {
    if (text_.back() != '{') text_ += ',';
  }

  // Templates have the members of their metadata among their own.
  static bool is_embedded_metadata(const api::FieldInfo& field) {
    return field.type != nullptr && field.type->group == "meta.k8s.io" &&
           field.type->name == "ObjectMeta";
  }
  void write_metadata(const api::Value* metadata) {
    if (metadata == nullptr || !metadata->is_object() || metadata->empty()) return;
    const std::string whole = api::to_json_text(*metadata);
    separate();
    text_ += whole.substr(1, whole.size() - 2);
  }

  void write_member(const api::Value* member, const api::FieldInfo& field) {
    const bool is_object = field.form == api::Form::kObject && field.type != nullptr;
    if (member == nullptr) {
      text_ += zero_of(field);
      if (is_object && !field.is_pointer && field.container == api::Container::kOne) {
        write(nullptr, *field.type);
      }
    } else if (is_object && field.container == api::Container::kOne) {
      write(member, *field.type);
    } else if (is_object && member->is_array()) {
      write_list(*member, *field.type);
    } else if (field.container == api::Container::kMap && member->is_object()) {
      write_map(*member, field);
    } else {
      text_ += api::to_json_text(*member);
    }
  }

  // Go sorts what has no order of its own.
  void write_map(const api::Value& map, const api::FieldInfo& field) {
    std::map<std::string_view, const api::Value*> sorted;
    for (const auto& [key, value] : map.members()) sorted.emplace(key, &value);
    text_ += '{';
    for (const auto& [key, value] : sorted) {
      separate();
      api::write_json_string(text_, key);
      text_ += ':';
      if (field.form == api::Form::kObject)
        write(value, *field.type);
      else
        text_ += api::to_json_text(*value);
    }
    text_ += '}';
  }

  // What a member has that nobody set; "" for structs.
  static std::string_view zero_of(const api::FieldInfo& field) {
    if (field.is_pointer || field.container != api::Container::kOne) return "null";
    switch (field.form) {
      case api::Form::kString:
        return "\"\"";
      case api::Form::kBool:
        return "false";
      case api::Form::kQuantity:
        return "\"0\"";
      case api::Form::kObject:
        return "";
      case api::Form::kInt32:
      case api::Form::kInt64:
      case api::Form::kUint32:
      case api::Form::kUint64:
      case api::Form::kDouble:
      case api::Form::kIntOrString:
        return "0";
      default:
        return "null";
    }
  }

  std::string text_;
};

}  // namespace

std::string internal_form(const api::Value* value, const api::FieldInfo& place) {
  Writer writer;
  writer.write_at(value, place);
  return writer.take();
}

std::string internal_form(const api::Value& value, const api::TypeInfo& type) {
  Writer writer;
  writer.write(&value, type);
  return writer.take();
}

std::string internal_form(const Field& field, std::string_view group, std::string_view type) {
  const auto* info = api::builtin_schema().find_type(group, "v1", type);
  if (info == nullptr || !field.is_set()) return field.shown();
  Writer writer;
  if (field.value()->is_array())
    writer.write_list(*field.value(), *info);
  else
    writer.write(field.value(), *info);
  return writer.take();
}

}  // namespace pinnace::apiserver
