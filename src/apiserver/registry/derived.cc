#include "apiserver/registry/derived.h"

#include <atomic>

namespace pinnace::apiserver {
namespace {

std::atomic<std::size_t> kept_bytes{0};

// One link of an object's chain of forms, newest first.
struct Form {
  FormKey key;
  std::string bytes;
  std::shared_ptr<const void> next;
  int depth = 1;

  ~Form() { kept_bytes -= bytes.size(); }
};

const Form* as_form(const std::shared_ptr<const void>& link) {
  return static_cast<const Form*>(link.get());
}

// The form among the links from `link` on; it keeps the chain alive.
Bytes find(const std::shared_ptr<const void>& link, const FormKey& key) {
  for (const Form* form = as_form(link); form != nullptr; form = as_form(form->next)) {
    if (form->key == key) return Bytes(link, &form->bytes);
  }
  return nullptr;
}

}  // namespace

Result<Bytes> derived_form(const store::ObjectRef& object, const FormKey& key,
                           const std::function<Result<std::string>()>& make) {
  std::shared_ptr<const void> first = object->derived.load();
  if (Bytes found = find(first, key)) return found;
  auto made = make();
  if (!made) return std::unexpected(std::move(made.error()));
  const std::size_t size = made->size();
  const bool is_full = first != nullptr && as_form(first)->depth >= kMaxForms;
  if (is_full || kept_bytes.fetch_add(size) + size > kMaxFormBytes) {
    if (!is_full) kept_bytes -= size;
    return std::make_shared<const std::string>(std::move(*made));
  }
  auto form = std::make_shared<Form>();
  form->key = key;
  form->bytes = std::move(*made);
  form->next = first;
  form->depth = first == nullptr ? 1 : as_form(first)->depth + 1;
  const Bytes bytes(form, &form->bytes);
  // Somebody else's form may have come first: then this one serves only its maker.
  object->derived.compare_exchange_strong(first, form);
  return bytes;
}

}  // namespace pinnace::apiserver
