#include "kubelet/pod/configs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kubelet/pod/image_puller.h"
#include "kubelet/pod/pull_secrets.h"
#include "kubelet/pod/qos.h"
#include "kubelet/testing/harness.h"

namespace pinnace::kubelet::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const NodeSettings kNode{"10.96.0.10",  "cluster.local", {{"192.0.2.53"}, {"lan"}, {"rotate"}},
                         "/root-group", "/logs",         "/seccomp",
                         1000};

core::Container sized(const std::string& cpu_request, const std::string& cpu_limit,
                      const std::string& memory_request, const std::string& memory_limit) {
  auto out = make_container("c");
  const auto set = [](auto& list, const char* name, const std::string& text) {
    if (!text.empty()) list[name] = *api::Quantity::parse(text);
  };
  set(out.resources.requests, "cpu", cpu_request);
  set(out.resources.limits, "cpu", cpu_limit);
  set(out.resources.requests, "memory", memory_request);
  set(out.resources.limits, "memory", memory_limit);
  return out;
}

Result<cri::ContainerConfig> config_of(const core::Pod& pod,
                                       std::optional<cri::Image> image = std::nullopt,
                                       const Environment& environment = {}) {
  return container_config(
      {pod, pod.spec.containers[0], 3, "sha256:x", std::move(image), environment, {}, kNode, ""});
}

TEST(Qos, FollowsRequestsAndLimits) {
  const auto class_of = [](const core::Container& c) {
    return std::string(qos_class(make_pod("p", {c}).spec));
  };
  EXPECT_EQ(class_of(sized("", "", "", "")), "BestEffort");
  EXPECT_EQ(class_of(sized("1", "", "", "")), "Burstable");
  EXPECT_EQ(class_of(sized("1", "1", "1Gi", "1Gi")), "Guaranteed");
  EXPECT_EQ(class_of(sized("", "1", "", "1Gi")), "Guaranteed");
  EXPECT_EQ(class_of(sized("500m", "1", "1Gi", "1Gi")), "Burstable");
  EXPECT_EQ(pod_cgroup("/r", make_pod("p", {sized("1", "", "", "")}).spec, "u"),
            "/r/kubepods/burstable/podu");
  EXPECT_EQ(pod_cgroup("/r", make_pod("p", {sized("1", "1", "1", "1")}).spec, "u"),
            "/r/kubepods/podu");
}

TEST(Qos, GivesCgroupNumbers) {
  const auto spec = make_pod("p", {sized("250m", "1500m", "400", "800")}).spec;
  const auto limits = container_resources(spec, spec.containers[0], 1000);
  EXPECT_EQ(limits.cpu_shares, 256);
  EXPECT_EQ(limits.cpu_quota, 150000);
  EXPECT_EQ(limits.cpu_period, 100000);
  EXPECT_EQ(limits.memory_limit_bytes, 800);
  EXPECT_EQ(limits.oom_score_adj, 600);
  const auto none = make_pod("p", {sized("", "", "", "")}).spec;
  EXPECT_EQ(container_resources(none, none.containers[0], 1000).cpu_shares, 2);
  EXPECT_EQ(container_resources(none, none.containers[0], 1000).oom_score_adj, 1000);
  const auto both = make_pod("p", {sized("1", "1", "5", "5"), sized("1", "", "5", "5")}).spec;
  EXPECT_EQ(pod_resources(both).cpu_quota, 0);  // One of them has no limit.
  EXPECT_EQ(pod_resources(both).memory_limit_bytes, 10);
  EXPECT_EQ(pod_resources(both).cpu_shares, 2048);
}

TEST(Qos, CountsInitContainersAndSidecars) {
  auto pod = make_pod("p", {sized("1", "", "", "")});
  auto init = sized("3", "", "", ""), sidecar = sized("500m", "", "", "");
  sidecar.restart_policy = "Always";
  pod.spec.init_containers = {sidecar, init};
  EXPECT_EQ(pod_request(pod.spec).cpu_milli, 3500);
  pod.spec.init_containers = {init, sidecar};
  EXPECT_EQ(pod_request(pod.spec).cpu_milli, 3000);
}

TEST(SandboxConfig, NamesThePodAndItsPlace) {
  auto pod = make_pod("web", {make_container("c")});
  pod.spec.host_pid = true;
  pod.metadata.labels["app"] = "x";
  const auto config = sandbox_config(pod, 2, kNode);
  EXPECT_EQ(config.hostname, "web");
  EXPECT_EQ(config.attempt, 2u);
  EXPECT_EQ(config.log_directory, "/logs/default_web_web-uid");
  EXPECT_EQ(config.cgroup_parent, "/root-group/kubepods/besteffort/podweb-uid");
  EXPECT_EQ(config.labels.at("io.kubernetes.pod.uid"), "web-uid");
  EXPECT_EQ(config.labels.at("app"), "x");
  EXPECT_EQ(config.namespaces.pid, cri::NamespaceMode::kNode);
  EXPECT_EQ(config.namespaces.network, cri::NamespaceMode::kPod);
}

TEST(SandboxConfig, CutsAndQualifiesHostNames) {
  auto pod = make_pod(std::string(62, 'x') + "-yyy", {make_container("c")});
  EXPECT_EQ(pod_host_name(pod), std::string(62, 'x'));
  pod.spec.hostname = "h";
  pod.spec.subdomain = "sub";
  EXPECT_THAT(hosts_file(pod, {"10.0.0.5"}, "cluster.local", ""),
              HasSubstr("10.0.0.5\th.sub.default.svc.cluster.local\th\n"));
  pod.spec.set_hostname_as_fqdn = true;
  EXPECT_EQ(sandbox_config(pod, 0, kNode).hostname, "h.sub.default.svc.cluster.local");
  core::HostAlias alias;
  alias.ip = "192.0.2.9";
  alias.hostnames = {"a", "b"};
  pod.spec.host_aliases = {alias};
  EXPECT_THAT(hosts_file(pod, {}, "cluster.local", ""),
              HasSubstr("# Entries added by HostAliases.\n192.0.2.9\ta\tb\n"));
}

TEST(PodDns, FollowsThePolicy) {
  auto pod = make_pod("p", {make_container("c")});
  EXPECT_THAT(pod_dns(pod, kNode).servers, ElementsAre("10.96.0.10"));
  EXPECT_THAT(
      pod_dns(pod, kNode).searches,
      ElementsAre("default.svc.cluster.local", "svc.cluster.local", "cluster.local", "lan"));
  pod.spec.host_network = true;
  EXPECT_THAT(pod_dns(pod, kNode).servers, ElementsAre("192.0.2.53"));
  pod.spec.dns_policy = "ClusterFirstWithHostNet";
  EXPECT_THAT(pod_dns(pod, kNode).servers, ElementsAre("10.96.0.10"));
  pod.spec.dns_policy = "None";
  pod.spec.dns_config.emplace();
  pod.spec.dns_config->nameservers = {"192.0.2.1"};
  core::PodDNSConfigOption option;
  option.name = "ndots";
  option.value = "2";
  pod.spec.dns_config->options = {option};
  EXPECT_THAT(pod_dns(pod, kNode).servers, ElementsAre("192.0.2.1"));
  EXPECT_THAT(pod_dns(pod, kNode).options, ElementsAre("ndots:2"));
}

TEST(PodDns, ReadsTheHostsFile) {
  const auto dns = parse_resolv_conf(
      "# x\nnameserver 192.0.2.1\r\nsearch a\nsearch b  c\noptions ndots:1 rotate\nnonsense\n");
  EXPECT_THAT(dns.servers, ElementsAre("192.0.2.1"));
  EXPECT_THAT(dns.searches, ElementsAre("b", "c"));
  EXPECT_THAT(dns.options, ElementsAre("ndots:1", "rotate"));
}

TEST(ContainerConfig, ExpandsTheCommandLineAndNamesTheLog) {
  auto container = make_container("c");
  container.command = {"run", "$(A)"};
  container.args = {"$$(A)"};
  const auto config = config_of(make_pod("p", {container}), std::nullopt, {{"A", "1"}});
  EXPECT_THAT(config->command, ElementsAre("run", "1"));
  EXPECT_THAT(config->args, ElementsAre("$(A)"));
  EXPECT_EQ(config->log_path, "c/3.log");
  EXPECT_EQ(config->annotations.at("io.kubernetes.container.restartCount"), "3");
}

TEST(ContainerConfig, HidesWhatContainersMustNotSee) {
  auto container = make_container("c");
  EXPECT_THAT(config_of(make_pod("p", {container}))->masked_paths, Contains("/proc/kcore"));
  EXPECT_THAT(config_of(make_pod("p", {container}))->read_only_paths, Contains("/proc/sys"));
  container.security_context.emplace();
  container.security_context->proc_mount = "Unmasked";
  EXPECT_TRUE(config_of(make_pod("p", {container}))->masked_paths.empty());
}

TEST(ContainerConfig, TakesTheContainersSettingsBeforeThePods) {
  auto container = make_container("c");
  container.security_context.emplace();
  container.security_context->run_as_user = 5;
  container.security_context->allow_privilege_escalation = false;
  auto pod = make_pod("p", {container});
  pod.spec.security_context.emplace();
  pod.spec.security_context->run_as_user = 7;
  pod.spec.security_context->run_as_group = 8;
  pod.spec.security_context->fs_group = 9;
  pod.spec.security_context->seccomp_profile.emplace();
  pod.spec.security_context->seccomp_profile->type = "RuntimeDefault";
  const auto config = config_of(pod);
  EXPECT_EQ(config->run_as_user, 5);
  EXPECT_EQ(config->run_as_group, 8);
  EXPECT_THAT(config->supplemental_groups, ElementsAre(9));
  EXPECT_TRUE(config->no_new_privileges);
  EXPECT_EQ(config->seccomp.type, cri::SeccompType::kRuntimeDefault);
}

TEST(ContainerConfig, RefusesRootWhereItIsNotWanted) {
  auto pod = make_pod("p", {make_container("c")});
  pod.spec.security_context.emplace();
  pod.spec.security_context->run_as_non_root = true;
  cri::Image image;
  image.uid = 0;
  EXPECT_EQ(config_of(pod, image).error().message,
            "container has runAsNonRoot and image will run as root (pod: \"p_default(p-uid)\", "
            "container: c)");
  image.uid = std::nullopt;
  image.username = "nobody";
  EXPECT_THAT(config_of(pod, image).error().message, HasSubstr("non-numeric user (nobody)"));
  image.uid = 65535;
  EXPECT_TRUE(config_of(pod, image));
  pod.spec.security_context->run_as_user = 0;
  EXPECT_THAT(config_of(pod, image).error().message, HasSubstr("breaks non-root policy"));
}

TEST(ImageReference, KnowsWhatARegistryCouldHave) {
  for (const char* good : {"nginx", "nginx:1.2", "a/b/c", "localhost/x", "host:5000/a_b/c:T-1",
                           "x@sha256:"
                           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}) {
    EXPECT_TRUE(is_image_reference(good)) << good;
  }
  for (const char* bad : {"", "A", "a b", "a:", "a:b:c", "/a", "a/", "a//b", "x@sha256:1", "-a"}) {
    EXPECT_FALSE(is_image_reference(bad)) << bad;
  }
}

TEST(PullSecrets, FindsTheLongestMatch) {
  const auto secret = [](const std::string& type, const std::string& key, const std::string& text) {
    auto out = std::make_shared<core::Secret>();
    out->type = type;
    out->data[key] = text;
    return std::shared_ptr<const core::Secret>(out);
  };
  const std::vector secrets{
      secret("kubernetes.io/dockerconfigjson", ".dockerconfigjson",
             R"({"auths":{"https://index.docker.io/v1/":{"username":"hub","password":"p"},
                 "example.com":{"auth":"YTpi"},"example.com/team":{"auth":"dGVhbTpj"},
                 "*.example.org:5000":{"username":"wild","password":"p"}}})"),
      secret("kubernetes.io/dockercfg", ".dockercfg", R"({"old.example":{"auth":"bzpw"}})"),
      secret("kubernetes.io/dockerconfigjson", ".dockerconfigjson", "no json")};
  const auto user = [&](const char* image) {
    const auto found = find_credentials(secrets, image);
    return found ? found->username : std::string();
  };
  EXPECT_EQ(user("nginx:1"), "hub");
  EXPECT_EQ(user("example.com/a"), "a");
  EXPECT_EQ(user("example.com/team/x:2"), "team");
  EXPECT_EQ(user("example.com/teams/x"), "a");
  EXPECT_EQ(user("eu.example.org:5000/x"), "wild");
  EXPECT_EQ(user("example.org:5000/x"), "");
  EXPECT_EQ(user("old.example/x"), "o");
  EXPECT_EQ(user("other.example/x"), "");
}

}  // namespace
}  // namespace pinnace::kubelet::testing
