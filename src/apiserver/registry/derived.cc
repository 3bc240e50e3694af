#include "apiserver/registry/derived.h"

#include <atomic>

#include "apiserver/custom/custom_kind.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
namespace {

std::atomic<std::size_t> kept_bytes{0};

// One link of an object's chain of forms, newest first.
struct Form {
  explicit Form(const FormKey& of) : key(of) {}
  FormKey key;
  bool is_verbatim = false;  // The bytes are the object's own.
  std::string bytes;
  std::shared_ptr<const void> next;
  int depth = 1;

  ~Form() { kept_bytes -= bytes.size(); }
};

const Form* as_form(const std::shared_ptr<const void>& link) {
  return static_cast<const Form*>(link.get());
}

// The form among the links from `link` on; it keeps the chain alive.
Bytes find(const store::ObjectRef& object, const std::shared_ptr<const void>& link,
           const FormKey& key) {
  for (const Form* form = as_form(link); form != nullptr; form = as_form(form->next)) {
    if (!(form->key == key)) continue;
    return form->is_verbatim ? stored_json(object) : Bytes(link, &form->bytes);
  }
  return nullptr;
}

}  // namespace

FormKey::FormKey(const api::ResourceInfo& of, Media in_media, Shape in_shape)
    : version(&of),
      serial(of.custom == nullptr ? 0 : of.custom->serial),
      media(in_media),
      shape(in_shape) {}

Result<Bytes> derived_form(const store::ObjectRef& object, const FormKey& key,
                           const std::function<Result<std::string>()>& make) {
  std::shared_ptr<const void> first = object->derived.load();
  if (Bytes found = find(object, first, key)) return found;
  auto made = make();
  if (!made) return std::unexpected(std::move(made.error()));
  std::string room;
  const bool is_verbatim = *made == object->json.read(room);
  if (is_verbatim) made->clear();
  const std::size_t size = made->size();
  // Forms of what a custom kind was before are of no use: they make room.
  const bool starts_anew =
      key.serial != 0 && first != nullptr && as_form(first)->depth >= kMaxForms;
  const bool is_full = !starts_anew && first != nullptr && as_form(first)->depth >= kMaxForms;
  if (is_full || kept_bytes.fetch_add(size) + size > kMaxFormBytes) {
    if (!is_full) kept_bytes -= size;
    if (is_verbatim) return stored_json(object);
    return std::make_shared<const std::string>(std::move(*made));
  }
  auto form = std::make_shared<Form>(key);
  form->is_verbatim = is_verbatim;
  form->bytes = std::move(*made);
  if (!starts_anew && first != nullptr) {
    form->next = first;
    form->depth = as_form(first)->depth + 1;
  }
  const Bytes bytes = is_verbatim ? stored_json(object) : Bytes(form, &form->bytes);
  // Somebody else's form may have come first: then this one serves only its maker.
  object->derived.compare_exchange_strong(first, form);
  return bytes;
}

}  // namespace pinnace::apiserver
