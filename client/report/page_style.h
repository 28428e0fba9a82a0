#pragma once

#include <string>

namespace distill::client {

/// Returns the style sheet of a report.
std::string PageStyle();

}  // namespace distill::client
