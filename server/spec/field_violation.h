#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace distill::server {

/// One fault of a request: where, what stands there, and what to do about it.
struct FieldViolation {
  std::string field;   // e.g. "train.distillation.terms[0].temperature"
  std::string value;   // as given; "" when nothing was
  std::string remedy;  // a sentence part: "must lie in [0.1, 100]"

  bool operator==(const FieldViolation&) const = default;
};

/// Collects the faults of a request, so that its sender learns of all at once. Owned by one thread.
class ViolationList {
 public:
  void Add(std::string field, std::string value, std::string remedy);

  /// Adds a violation unless `value` lies in [low, high]; NaN never does.
  void CheckRange(std::string_view field, double value, double low, double high);

  /// Adds a violation unless `low` < `value` <= `high`.
  void CheckPositive(std::string_view field, double value, double high);

  /// As CheckRange, for whole numbers.
  void CheckCount(std::string_view field, int64_t value, int64_t low, int64_t high);

  bool empty() const { return violations_.empty(); }
  const std::vector<FieldViolation>& violations() const { return violations_; }

 private:
  std::vector<FieldViolation> violations_;
};

/// Returns `value` as people write it: as few digits as tell it apart.
std::string NumberText(double value);

/// Returns the entry of `names` nearest to `name` by edit distance, or "" when none is near.
std::string NearestName(std::string_view name, const std::vector<std::string>& names);

}  // namespace distill::server
