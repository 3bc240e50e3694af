// When a token that stands in a Secret was last used: a label of the Secret, by days, so that what
// nobody uses any more can be found and removed.
//
// Errors: a label that cannot be written is written by a later use.
// Source: kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin, "Legacy
//   ServiceAccount token cleaner".
#pragma once

#include "api/value.h"
#include "base/clock.h"
#include "store/store.h"

namespace pinnace::apiserver {

// The cleaner has said that it no longer counts; whoever needs it takes the label away.
bool is_marked_invalid(const api::Value& secret);

// Writes down the day of `now`, if it is not there; nobody waits for that.
void note_use(store::Store& store, const store::Object& kept, api::Arena& arena, api::Value& secret,
              WallTime now);

}  // namespace pinnace::apiserver
