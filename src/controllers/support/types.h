// The API groups by the short names that controllers use.
#pragma once

#include "api/types/apps_v1.h"
#include "api/types/core_v1.h"
#include "api/types/meta_v1.h"

namespace pinnace::controllers {

namespace apps_v1 = api::apps_v1;
namespace core_v1 = api::core_v1;
namespace meta_v1 = api::meta_v1;

// "ns/name", or "name" for cluster scope: the keys of informers and work queues.
inline std::string key_of(const meta_v1::ObjectMeta& meta) {
  return meta.namespace_.empty() ? meta.name : meta.namespace_ + '/' + meta.name;
}

}  // namespace pinnace::controllers
