#pragma once

#include <string>

#include "core/base/status.h"

namespace distill::client {

/// Reads YAML once without keeping it, so that what it unfolds to is known to be bounded before it
/// is read into memory: aliases count for all that they stand for.
///
/// kInvalidArgument: "FILE:LINE: what": no YAML, nested deeper than 64, more than 200,000 nodes,
/// larger than 4 MiB, an alias inside of what it stands for, or a document with no end (a comma
/// before all else, from which yaml-cpp 0.7 makes documents until memory ends).
Status CheckYamlBounds(const std::string& text, const std::string& file_name);

}  // namespace distill::client
