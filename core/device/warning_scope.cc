#include "core/device/warning_scope.h"

#include <c10/util/Exception.h>

#include <set>
#include <utility>

#include "core/device/torch_version.h"

namespace distill::core {
namespace {

std::string InOurWords(const std::string& warning) {
  const size_t end = warning.find(" does not have a deterministic implementation");
  if (end == std::string::npos) return "LibTorch: " + warning.substr(0, warning.find('\n'));
  return warning.substr(0, end) +
         " has no deterministic form on this GPU: runs with equal seeds may differ in last bits";
}

}  // namespace

class WarningScope::Handler final : public c10::WarningHandler {
 public:
  explicit Handler(std::function<void(const std::string&)> tell) : tell_(std::move(tell)) {}

#if DISTILL_TORCH_AT_LEAST(2, 0)
  void process(const c10::Warning& warning) override { Tell(warning.msg()); }
#else
  void process(const c10::SourceLocation& /*place*/, const std::string& text,
               bool /*verbatim*/) override {
    Tell(text);
  }
#endif

 private:
  void Tell(const std::string& warning) {
    const std::string text = InOurWords(warning);
    if (told_.insert(text).second) tell_(text);
  }

  const std::function<void(const std::string&)> tell_;
  std::set<std::string> told_;
};

class WarningScope::Guard {
 public:
  explicit Guard(Handler& handler) : guard_(&handler) {}

 private:
#if DISTILL_TORCH_AT_LEAST(2, 0)
  c10::WarningUtils::WarningHandlerGuard guard_;
#else
  c10::Warning::WarningHandlerGuard guard_;
#endif
};

WarningScope::WarningScope(std::function<void(const std::string&)> tell)
    : handler_(std::make_unique<Handler>(std::move(tell))),
      guard_(std::make_unique<Guard>(*handler_)) {}

WarningScope::~WarningScope() = default;

}  // namespace distill::core
