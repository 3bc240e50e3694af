#include "apiserver/admission/admission.h"

#include <algorithm>

#include "apiserver/admission/plugin_configuration.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/backend.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Result<void> check_names(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (find_admission_plugin(name) != nullptr) continue;
    std::string known;
    for (const PluginRow& row : admission_plugins()) {
      (known += known.empty() ? "" : ", ") += row.plugin->name;
    }
    return errors::bad_request("there is no admission plugin \"" + name + "\"; there are " + known);
  }
  return {};
}

std::vector<std::string_view> words_of(std::string_view text) {
  return text.empty() ? std::vector<std::string_view>() : split(text, ' ');
}

const Clock& clock_of(const AdmissionRequest& request) {
  return request.change.backend.options.clock;
}

}  // namespace

Result<AdmissionChain> AdmissionChain::create(Backend& backend) {
  const Configuration& configuration = backend.options.configuration;
  const auto& on = configuration.enabled_admission_plugins;
  const auto& off = configuration.disabled_admission_plugins;
  if (auto ok = check_names(on); !ok) return std::unexpected(std::move(ok.error()));
  if (auto ok = check_names(off); !ok) return std::unexpected(std::move(ok.error()));
  auto configured = PluginConfigurations::read(configuration.admission_control_config_file);
  if (!configured) return std::unexpected(std::move(configured.error()));
  AdmissionChain chain;
  chain.step_times_ = AdmissionTimes::of_step(backend.options.metrics);
  for (const PluginRow& row : admission_plugins()) {
    const AdmissionPlugin& plugin = *row.plugin;
    const bool is_on = row.is_on_by_default || contains(on, plugin.name);
    if (!is_on || contains(off, plugin.name)) continue;
    Link link{&plugin, words_of(plugin.resources), words_of(plugin.subresources),
              AdmissionTimes::of_plugin(backend.options.metrics, std::string(plugin.name)),
              nullptr};
    if (plugin.configure != nullptr) {
      auto state = plugin.configure(backend, configured->find(plugin.name));
      if (!state) {
        return errors::bad_request("admission plugin " + std::string(plugin.name) + ": " +
                                   state.error().message);
      }
      link.state = std::move(*state);
    }
    chain.links_.push_back(std::move(link));
  }
  return chain;
}

bool AdmissionChain::has(std::string_view plugin) const {
  return std::ranges::any_of(links_, [&](const Link& link) { return link.plugin->name == plugin; });
}

bool AdmissionChain::Link::concerns(const AdmissionRequest& request) const {
  if ((plugin->operations & static_cast<unsigned>(request.operation)) == 0) return false;
  const auto has = [](const std::vector<std::string_view>& words, std::string_view wanted) {
    return std::ranges::find(words, wanted) != words.end();
  };
  if (!resources.empty() && !has(resources, request.resource())) return false;
  const std::string& subresource = request.change.subresource;
  return subresource.empty() || plugin->subresources == "*" || has(subresources, subresource);
}

AdmissionDone AdmissionChain::timed(Pass pass, const AdmissionRequestRef& request,
                                    AdmissionDone done) const {
  return [this, pass, request, began = clock_of(*request).monotonic(),
          done = std::move(done)](Result<void> ok) {
    step_times_->observe(pass, request->operation, !ok, clock_of(*request).monotonic() - began);
    done(std::move(ok));
  };
}

void AdmissionChain::mutate(const AdmissionRequestRef& request, AdmissionDone done) const {
  done = timed(Pass::kMutate, request, std::move(done));
  run(Pass::kMutate, request, 0, [this, request, done = std::move(done)](Result<void> ok) mutable {
    Reinvocation& reinvocation = request->reinvocation;
    if (!ok || !reinvocation.is_wanted || reinvocation.is_second) return done(std::move(ok));
    reinvocation.is_second = true;
    run(Pass::kMutate, request, 0, std::move(done));
  });
}

void AdmissionChain::validate(const AdmissionRequestRef& request, AdmissionDone done) const {
  run(Pass::kValidate, request, 0, timed(Pass::kValidate, request, std::move(done)));
}

void AdmissionChain::admit(const AdmissionRequestRef& request, AdmissionDone done) const {
  mutate(request, [this, request, done = std::move(done)](Result<void> ok) mutable {
    if (!ok) return done(std::move(ok));
    validate(request, std::move(done));
  });
}

void AdmissionChain::run(Pass pass, const AdmissionRequestRef& request, std::size_t from,
                         AdmissionDone done) const {
  const Clock& clock = clock_of(*request);
  MonotonicTime began = clock.monotonic();
  for (std::size_t i = from; i < links_.size(); ++i) {
    const Link& link = links_[i];
    const AdmissionPlugin& plugin = *link.plugin;
    const auto act = pass == Pass::kMutate ? plugin.mutate : plugin.validate;
    const auto ask = pass == Pass::kMutate ? plugin.mutate_by_asking : plugin.validate_by_asking;
    if ((act == nullptr && ask == nullptr) || !link.concerns(*request)) continue;
    request->state = link.state.get();
    auto ok = act == nullptr ? Result<void>() : act(*request);
    if (!ok || ask == nullptr) {
      const MonotonicTime ended = clock.monotonic();
      link.times->observe(pass, request->operation, !ok, ended - began);
      if (!ok) return done(std::move(ok));
      began = ended;
      continue;
    }
    // The chain lives in the backend, as long as any call.
    return ask(request, [this, pass, request, i, began,
                         done = std::move(done)](Result<void> answered) mutable {
      links_[i].times->observe(pass, request->operation, !answered,
                               clock_of(*request).monotonic() - began);
      if (!answered) return done(std::move(answered));
      run(pass, request, i + 1, std::move(done));
    });
  }
  done({});
}

Unexpected admission_refusal(const Change& change, std::string_view why) {
  // As long as it has no name, it is known by what it was to begin with.
  const bool is_one = change.call.info.verb != "deletecollection";
  const std::string& known = !change.name.empty() ? change.name : change.name_prefix;
  const std::string name = is_one ? known : std::string();
  return errors::forbidden(resource_text(*change.call.resource), name.empty() ? "Unknown" : name,
                           why);
}

bool may_user(const AdmissionRequest& request, const Attributes& wanted) {
  return request.change.backend.authorization->allows(request.change.call.user, wanted);
}

}  // namespace pinnace::apiserver
