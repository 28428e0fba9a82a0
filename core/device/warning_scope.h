#pragma once

#include <functional>
#include <memory>
#include <string>

namespace distill::core {

/// While it lives, LibTorch's warnings on the calling thread, and those of its passes back, go to
/// `tell`, each different text once, instead of to standard error. That an operation has no
/// deterministic form is told in words of our own. Owned by one thread; scopes nest.
class WarningScope {
 public:
  explicit WarningScope(std::function<void(const std::string&)> tell);
  ~WarningScope();
  WarningScope(const WarningScope&) = delete;
  WarningScope& operator=(const WarningScope&) = delete;

 private:
  class Handler;
  class Guard;
  std::unique_ptr<Handler> handler_;
  std::unique_ptr<Guard> guard_;
};

}  // namespace distill::core
