// A definition in the form in which Kubernetes' rules for definitions see it.
//
// Why: they were written for a form in which what all versions have alike stands once, beside the
//   versions ("spec.validation" instead of "spec.versions[0].schema"), and paths in complaints are
//   those of that form. Where a complaint shows a part of a definition, it does so with the names
//   and the order of the fields of that form, and with those that are not set.
// Lifetime: what is given back refers to the definition and to the arena.
// Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions.
#pragma once

#include <string>

#include "api/value.h"

namespace pinnace::apiserver {

// `spec` of a definition: `version`, and of what all versions have alike `validation`,
// `subresources`, `additionalPrinterColumns` and `selectableFields`. Conversion has
// `webhookClientConfig` and `conversionReviewVersions`.
api::Value rules_form(api::Arena& arena, const api::Value& spec);

// As JSON: `versions` of such a spec, a schema, one of x-kubernetes-validations.
std::string shown_versions(const api::Value& versions);
std::string shown_schema(const api::Value& schema);
std::string shown_rule(const api::Value& rule);

}  // namespace pinnace::apiserver
