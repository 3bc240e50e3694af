// What the generic path does with objects of custom kinds in place of what api/object_codec.h does
// with built-in ones: prune, default, and validate by the definition's schema.
//
// Shape: requests see an object in their own version; in the store it is in that which was the
//   storage version when it was written, as its apiVersion says.
// Errors: 400 for metadata of wrong types, in Go's words.
// Threads: any.
#pragma once

#include <string>
#include <vector>

#include "api/value.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// Checks the metadata of a client's object, and of those embedded in it, and drops what the schema
// does not know. Paths of dropped fields go to `unknown`.
Result<void> take_custom_object(api::Arena& arena, api::Value& object, const CustomVersion& version,
                                std::vector<std::string>& unknown);
// The same of what server-side apply made of an object, which keeps all that it has: a null that
// the schema does not allow is refused later. Defaults are filled in.
Result<void> take_applied_object(api::Arena& arena, api::Value& object,
                                 const CustomVersion& version);
void default_custom_object(api::Arena& arena, api::Value& object, const CustomVersion& version);

// The object in another version, where only apiVersion differs between them: without what the
// schema of that one does not know.
void as_custom_version(api::Arena& arena, api::Value& object, const CustomVersion& version);

// What was stored, as `version` shows it. The schema of the version that it is stored in says, as
// it is now, what is dropped and filled in; that of `version` drops, and fills in nothing.
void show_custom_object(api::Arena& arena, api::Value& object, const CustomVersion& version);

// What every custom kind does on its way into the store.
extern const Strategy kCustomStrategy;

}  // namespace pinnace::apiserver
