// Objects of any kind, however odd: their rules read them without harm.
// Input: the number of a resource among those that are kept, a line break, an object, a line break,
// and perhaps the object that it was before.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "api/defaults.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "api/testing_mutator.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/schema_validation.h"
#include "apiserver/strategies/strategy.h"
#include "base/assert.h"
#include "base/rng.h"
#include "base/strings.h"
#include "io/sim_executor.h"
#include "store/embedded.h"

namespace pinnace::apiserver {
namespace {

// All that a change needs to be looked at, over an empty store.
struct World {
  World() {
    auto addresses = ServiceAddresses::create(backend.options.service_cidr, *store, *rng);
    PINNACE_ASSERT(addresses.has_value());
    backend.service_addresses = std::move(*addresses);
  }

  io::SimExecutor executor;
  std::unique_ptr<store::EmbeddedStore> store = store::EmbeddedStore::create_in_memory({});
  std::unique_ptr<Rng> rng = seeded_rng(1);
  metrics::Registry metrics;
  Backend backend{Options{*store, executor, executor, *rng, metrics}};
};

void look_at(World& world, const api::ResourceInfo& resource, api::Arena& arena, api::Value& object,
             const api::Value* old) {
  Call call;
  call.resource = call.storage = &resource;
  const Strategy& strategy = strategy_for(resource.storage_resource);
  Change change{world.backend, call, arena, resource, "default", "x"};
  change.old = old;
  validate_meta(change, strategy, object);
  if (strategy.validate != nullptr) strategy.validate(change, object);
  if (old != nullptr) {
    validate_meta_update(change, object, *old);
    if (strategy.validate_update != nullptr) strategy.validate_update(change, object, *old);
    if (strategy.validate_status != nullptr) strategy.validate_status(change, object, *old);
  }
  validate_by_schema(change, *resource.type, object, old);
  if (strategy.warn != nullptr) strategy.warn(change, object, old);
  for (const Cause& cause : change.causes) {
    if (cause.type.empty() || cause.message.empty()) std::abort();
  }
}

}  // namespace
}  // namespace pinnace::apiserver

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return pinnace::api::testing::mutate_lines(data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace;
  static apiserver::World& world = *new apiserver::World();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = split(text, '\n');
  const auto number = parse_uint(lines[0]);
  const auto& resources = api::builtin_schema().resources;
  if (lines.size() < 2 || !number) return 0;
  const api::ResourceInfo& resource = resources[*number % resources.size()];
  if (resource.storage_resource.empty() || resource.type == nullptr) return 0;
  api::Arena arena;
  const auto read = [&](std::string_view json) {
    auto object = api::parse_json(arena, json);
    if (!object || !object->is_object()) return Result<api::Value>(errors::bad_request(""));
    if (auto ok = api::normalise(arena, *object, *resource.type); !ok) {
      return Result<api::Value>(std::unexpected(ok.error()));
    }
    api::apply_defaults(arena, *object, *resource.type);
    return object;
  };
  auto object = read(lines[1]);
  if (!object) return 0;
  auto old = lines.size() > 2 ? read(lines[2]) : Result<api::Value>(errors::bad_request(""));
  apiserver::look_at(world, resource, arena, *object, old ? &*old : nullptr);
  return 0;
}
