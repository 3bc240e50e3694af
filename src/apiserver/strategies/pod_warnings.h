// What the API takes in a pod, or in a template of pods, but advises against.
//
// Source: k8s.io/kubernetes/pkg/api/pod (warnings.go).
#pragma once

#include "apiserver/strategies/shared.h"

namespace pinnace::apiserver {

// Sizes of a claim that are no whole bytes; complained about at `place`.
void warn_about_claim_sizes(Change& change, const Field& place, const Field& resources);

// Strategy::warn of Pods, of their status, and of PodTemplates.
void warn_about_pod(Change& change, const api::Value& object, const api::Value* old);
void warn_about_pod_status(Change& change, const api::Value& object, const api::Value* old);
void warn_about_template_object(Change& change, const api::Value& object, const api::Value* old);
// The template of a workload.
void warn_about_template(Change& change, const Field& pod_template);
// Said when an object is made, and each time that its generation grows.
bool is_next_generation(const api::Value& object, const api::Value* old);
// A name from which names of pods are made, and that is no label.
void warn_about_pod_names(Change& change);

// "KEY: use ... instead" about labels of nodes that went out of use.
void warn_about_node_labels(Change& change, const Field& map);
void warn_about_node_term(Change& change, const Field& term);
// The text after the label; "" for labels that are in use.
std::string_view node_label_advice(std::string_view label);

}  // namespace pinnace::apiserver
