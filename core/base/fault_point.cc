#include "core/base/fault_point.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>

namespace distill::fault {
namespace {

constexpr char kVariable[] = "DISTILL_FAULT";
constexpr std::string_view kStop = "stop@";
constexpr int kExitWrongFault = 2;

struct Order {
  std::string_view point;
  int64_t passage = 1;
  bool is_stop = false;
};

[[noreturn]] void Refuse(const char* given) {
  const std::string text = std::string(kVariable) + " names no fault point: " + given + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  ::_exit(kExitWrongFault);
}

// A test that asks for a point which does not exist must not pass.
Order ReadOrder() {
  const char* given = std::getenv(kVariable);
  if (given == nullptr) return {};
  Order order;
  std::string_view text = given;
  order.is_stop = text.substr(0, kStop.size()) == kStop;
  if (order.is_stop) text.remove_prefix(kStop.size());
  const size_t colon = text.find(':');
  const auto* known = std::find(kFaultPoints.begin(), kFaultPoints.end(), text.substr(0, colon));
  if (known == kFaultPoints.end()) Refuse(given);
  order.point = *known;
  if (colon == std::string_view::npos) return order;
  const char* end = text.data() + text.size();
  const auto number = std::from_chars(text.data() + colon + 1, end, order.passage);
  if (number.ec != std::errc() || number.ptr != end || order.passage < 1) Refuse(given);
  return order;
}

const Order order = ReadOrder();
std::atomic<int64_t> num_passages = 0;

}  // namespace

const bool kIsArmed = !order.point.empty();

bool CountPassage(std::string_view name) {
  const bool is_due = name == order.point && ++num_passages == order.passage;
  if (is_due && order.is_stop) ::raise(SIGSTOP);  // this very thread, and with it all others
  return is_due && !order.is_stop;
}

void Die() {
  ::kill(::getpid(), SIGKILL);
  while (true) ::pause();
}

}  // namespace distill::fault
