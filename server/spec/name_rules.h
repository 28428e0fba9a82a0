#pragma once

#include <string_view>

namespace distill::server {

/// Returns whether `name` has the form of a job's or data set's name:
/// [a-zA-Z0-9][a-zA-Z0-9._-]{0,62}.
bool IsName(std::string_view name);

/// Returns whether `text` consists of decimal digits (at least one).
bool IsDigits(std::string_view text);

/// Returns whether `text` is a UUID: 8-4-4-4-12 hexadecimal digits.
bool IsUuid(std::string_view text);

/// Returns whether `text` names a device: "cpu", an index, or a GPU's UUID ("GPU-..." or
/// "MIG-...").
bool IsDeviceName(std::string_view text);

}  // namespace distill::server
