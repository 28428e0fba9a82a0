#pragma once

#include <string_view>

#include "core/base/status.h"

namespace distill::core {

/// Recognises files that people offer as weights but that hold none in a form we read. Returns
/// kInvalidArgument with what the file is and how to convert it, or ok where it is none of them.
Status ExplainForeignFile(std::string_view bytes);

}  // namespace distill::core
