#include "core/data/csv.h"

#include <algorithm>
#include <utility>

namespace distill::core {

std::string CsvField(std::string_view field) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(field);
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

bool CsvReader::Next(std::vector<std::string>& fields) {
  fields.clear();
  if (position_ >= text_.size() || is_damaged_) return false;
  line_ = next_line_;
  while (true) {
    std::optional<std::string> field = Field();
    if (!field) {
      is_damaged_ = true;
      return false;
    }
    fields.push_back(std::move(*field));
    if (AtEndOfRecord()) return true;
    if (text_[position_] != ',') {
      is_damaged_ = true;
      return false;
    }
    ++position_;
  }
}

std::optional<std::string> CsvReader::Field() {
  if (position_ < text_.size() && text_[position_] == '"') return QuotedField();
  const size_t end = std::min(text_.find_first_of(",\r\n", position_), text_.size());
  std::string field(text_.substr(position_, end - position_));
  position_ = end;
  return field;
}

std::optional<std::string> CsvReader::QuotedField() {
  std::string field;
  for (++position_; position_ < text_.size(); ++position_) {
    const char c = text_[position_];
    if (c == '"') {
      const bool is_doubled = position_ + 1 < text_.size() && text_[position_ + 1] == '"';
      if (!is_doubled) {
        ++position_;
        return field;
      }
      ++position_;
    }
    if (c == '\n') ++next_line_;
    field += c;
  }
  return std::nullopt;
}

bool CsvReader::AtEndOfRecord() {
  if (position_ >= text_.size()) return true;
  if (text_.substr(position_, 2) == "\r\n") ++position_;
  if (text_[position_] != '\n') return false;
  ++position_;
  ++next_line_;
  return true;
}

}  // namespace distill::core
