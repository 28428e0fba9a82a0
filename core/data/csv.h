#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace distill::core {

/// Returns `field` as it stands in a CSV line, in quotes where it needs them (RFC 4180).
std::string CsvField(std::string_view field);

/// Reads the records of a CSV text (RFC 4180; LF or CRLF; line breaks in quotes allowed). Owned by
/// one thread. `text` must outlive this object.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}

  /// Moves to the next record's fields and returns true; false at the end or at damage.
  bool Next(std::vector<std::string>& fields);

  /// Returns whether Next stopped at a quote that is never closed or is followed by text.
  bool is_damaged() const { return is_damaged_; }
  /// Returns the line, from 1, on which the last record began.
  int64_t line() const { return line_; }

 private:
  std::optional<std::string> Field();
  std::optional<std::string> QuotedField();
  bool AtEndOfRecord();

  std::string_view text_;
  size_t position_ = 0;
  int64_t line_ = 0;
  int64_t next_line_ = 1;
  bool is_damaged_ = false;
};

}  // namespace distill::core
