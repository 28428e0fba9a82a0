#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace distill::core {

/// Collects little-endian numbers and texts. Owned by one thread. REQUIRES: a little-endian
/// machine.
class ByteWriter {
 public:
  template <typename Number>
  void Put(Number number) {
    static_assert(std::is_integral<Number>::value, "whole numbers only");
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }

  /// Appends the bytes of `text` as they are.
  void PutText(std::string_view text) { bytes_.append(text); }

  /// Returns what was collected, and is empty again.
  std::string Take() { return std::exchange(bytes_, {}); }

 private:
  std::string bytes_;
};

}  // namespace distill::core
