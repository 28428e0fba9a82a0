#pragma once

#include <prometheus/collectable.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace prometheus {
class Exposer;
}

namespace distill::server {

/// Serves figures over HTTP for Prometheus, at /metrics. Plain text, no password: meant for
/// loopback or a network that may know how busy this machine is. Owned by one thread.
class MetricsEndpoint {
 public:
  /// Starts to serve what `sources` collect, on threads of its own. `address` is host:port; port 0
  /// takes a free one. kUnavailable: the address cannot be had.
  static Result<std::unique_ptr<MetricsEndpoint>> Start(
      const std::string& address,
      const std::vector<std::shared_ptr<prometheus::Collectable>>& sources);
  /// Ends the scrapes under way.
  ~MetricsEndpoint();

  /// The port that it listens on.
  int port() const { return port_; }

 private:
  MetricsEndpoint(std::unique_ptr<prometheus::Exposer> exposer, int port);

  const std::unique_ptr<prometheus::Exposer> exposer_;
  const int port_;
  std::vector<std::shared_ptr<prometheus::Collectable>> sources_;
};

}  // namespace distill::server
