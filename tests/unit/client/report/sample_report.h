#pragma once

#include "client/report/report_data.h"

namespace distill::client::testing {

/// Returns a report of a teacher and its student with all that a report can hold. `text` stands
/// wherever a user may have typed something.
Report SampleReport(const std::string& text);

/// Returns a JPEG of 24 x 16 pixels.
std::string SampleJpeg();

}  // namespace distill::client::testing
