// Seeder writes objects that are to be there, beside the API: at the start, and when they are gone.
//
// Why not through the handlers: there is nobody who asks, and nothing to be admitted.
// Threads: one at a time; `when_done` calls back on the store's thread, or on the caller's.
// Errors: the first that the store gave. That another server wrote the object first is none.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "api/value.h"
#include "apiserver/backend.h"

namespace pinnace::apiserver {

// Whether an object that is there already is left as it is.
enum class Existing {
  kKeep,
  kFollow,     // It gets the members that it should have.
  kReconcile,  // It gets the rules or subjects that it lacks, and keeps those that it has more.
};

class Seeder : public std::enable_shared_from_this<Seeder> {
 public:
  explicit Seeder(BackendRef backend) : backend_(std::move(backend)) {}

  // `json` has everything but apiVersion, kind and what the server gives. `retired`, a JSON list,
  // are subjects that a binding which is reconciled must not have any more.
  void add(std::string_view group, std::string_view version, std::string_view resource,
           const std::string& json, Existing existing = Existing::kKeep,
           const std::string& retired = "[]");
  void write(store::Write write);
  // Once all that was added is written. Nothing is added after it.
  void when_done(std::function<void(Result<void>)> done);
  // The same for who may block.
  Result<void> wait();

 private:
  void create(api::Arena& arena, const store::Key& key, api::Value& object,
              const api::ResourceInfo& info);
  void follow(api::Arena& arena, const store::Object& stored, const api::Value& wanted);
  void reconcile(api::Arena& arena, const store::Object& stored, const api::Value& wanted,
                 const std::string& retired);
  void write_object(store::Write::Type type, const store::Key& key, const std::string& uid,
                    const api::Value& object, store::Revision expected);
  void fail(const Error& error);
  void settle_one();

  const BackendRef backend_;
  std::mutex mutex_;
  std::size_t open_ = 1;  // Writes under way, and the one who adds.
  Error failure_;
  std::function<void(Result<void>)> done_;
};

std::string meta_json(std::string_view ns, std::string_view name, const std::string& labels,
                      const std::string& more = "");
// Rules in the words of bootstrap.h, as JSON with commas between them.
std::string rules_json(std::string_view text);

}  // namespace pinnace::apiserver
