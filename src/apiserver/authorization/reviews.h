// The resources that are questions: who am I, what may I do, whose token is this.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

void review_self_access(const BackendRef& backend, const CallRef& call);
void review_access(const BackendRef& backend, const CallRef& call);
void review_self_rules(const BackendRef& backend, const CallRef& call);
void review_token(const BackendRef& backend, const CallRef& call);
void review_self(const BackendRef& backend, const CallRef& call);

}  // namespace pinnace::apiserver
