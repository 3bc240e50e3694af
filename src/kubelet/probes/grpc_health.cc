#include "kubelet/probes/grpc_health.h"

#include <grpcpp/grpcpp.h>

#include "kubelet/probes/health.grpc.pb.h"

namespace pinnace::kubelet {

Result<void> check_grpc_health(const std::string& host, int port, const std::string& service,
                               std::chrono::seconds timeout) {
  const std::string address = host + ':' + std::to_string(port);
  auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  const auto stub = grpc::health::v1::Health::NewStub(channel);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  grpc::ClientContext context;
  context.set_deadline(gpr_time_from_seconds(timeout.count(), GPR_TIMESPAN));
  const grpc::Status status = stub->Check(&context, request, &response);
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      break;
    case grpc::StatusCode::UNIMPLEMENTED:
      return errors::internal(
          "this server does not implement the grpc health protocol "
          "(grpc.health.v1.Health): " +
          status.error_message());
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return errors::timeout("timeout: health rpc did not complete within " +
                                 std::to_string(timeout.count()) + "s: " + status.error_message(),
                             0);
    default:
      return errors::internal("error: health rpc probe failed: " + status.error_message());
  }
  if (response.status() == grpc::health::v1::HealthCheckResponse::SERVING) return {};
  return errors::internal(
      "service unhealthy (responded with \"" +
      grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status()) + "\")");
}

}  // namespace pinnace::kubelet
