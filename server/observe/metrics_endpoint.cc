#include "server/observe/metrics_endpoint.h"

#include <prometheus/exposer.h>

#include <exception>

namespace distill::server {

MetricsEndpoint::MetricsEndpoint(std::unique_ptr<prometheus::Exposer> exposer, int port)
    : exposer_(std::move(exposer)), port_(port) {}

MetricsEndpoint::~MetricsEndpoint() = default;

Result<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(
    const std::string& address,
    const std::vector<std::shared_ptr<prometheus::Collectable>>& sources) {
  const Status failed(Code::kUnavailable, "cannot serve metrics on this address: " + address);
  try {
    // A client that sends half a request holds a thread for so long.
    const std::vector<std::string> options = {"listening_ports",    address, "num_threads", "16",
                                              "request_timeout_ms", "2000"};
    auto exposer = std::make_unique<prometheus::Exposer>(options);
    const std::vector<int> ports = exposer->GetListeningPorts();
    if (ports.empty()) return failed;
    std::unique_ptr<MetricsEndpoint> endpoint(
        new MetricsEndpoint(std::move(exposer), ports.front()));
    for (const auto& source : sources) {
      endpoint->exposer_->RegisterCollectable(source);
      endpoint->sources_.push_back(source);
    }
    return endpoint;
  } catch (const std::exception& error) {  // CivetException: the address is taken, or is none
    return Status(Code::kUnavailable, failed.message() + " (" + error.what() + ")");
  }
}

}  // namespace distill::server
